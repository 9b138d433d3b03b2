"""Rule subject_page: the page of one subject, from the status records of its jobs."""

from pathlib import Path

from lib.report.pages import write_subject_page
from lib.report.records import load_run

if "snakemake" in globals():
    from lib.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "subject_page"):
        write_subject_page(load_run(Path.cwd()), job.wildcards.subject)
