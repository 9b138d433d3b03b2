"""Rule group_page: write the table of quality measures and the group page."""

from pathlib import Path

from ecdysis.report.pages import Pages
from ecdysis.report.quality_table import write_table
from ecdysis.report.records import load_run

if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "group_page"):
        run = load_run(Path.cwd())
        write_table(run)
        Pages(run).write_index()
