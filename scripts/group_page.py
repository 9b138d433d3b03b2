"""Rule group_page: write the table of quality measures, the subject pages and the group page."""

from pathlib import Path

from ecdysis.report.pages import Pages
from ecdysis.report.records import load_run

if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "group_page"):
        Pages(load_run(Path.cwd())).write()
