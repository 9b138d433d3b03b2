"""Rule index_page: the page over all subjects, from the status records of all jobs."""

from pathlib import Path

from lib.report.pages import Pages
from lib.report.records import load_run

if "snakemake" in globals():
    from lib.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "index_page"):
        Pages(load_run(Path.cwd())).write_index()
