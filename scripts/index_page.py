"""Rule index_page: table and page over all subjects, from the status records of all jobs."""

from pathlib import Path

from ecdysis.report.pages import Pages
from ecdysis.report.quality_table import write_table
from ecdysis.report.records import load_run

if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "index_page"):
        run = load_run(Path.cwd())
        write_table(run)
        Pages(run).write_index()
