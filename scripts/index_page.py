"""Rule index_page: table and page over all subjects, from the status records of all jobs."""

from pathlib import Path

from lib.quality.table import write_table
from lib.report.pages import Pages
from lib.report.records import load_run

if "snakemake" in globals():
    from lib.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "index_page"):
        run = load_run(Path.cwd())
        write_table(run)
        Pages(run).write_index()
