"""Rule quality_table: the measures of all images, from the status records of their jobs."""

from pathlib import Path

from lib.quality.table import write_table
from lib.report.records import load_run

if "snakemake" in globals():
    from lib.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "quality_table"):
        write_table(load_run(Path.cwd()))
