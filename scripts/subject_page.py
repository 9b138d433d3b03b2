"""Rule subject_page: the page of one subject, from the status records of its jobs.

The other subjects are not read, or a study's pages would cost the square of their number. The
place of a measure among theirs is added when the run has ended.
"""

from pathlib import Path

from lib.report.pages import Pages
from lib.report.records import load_run

if "snakemake" in globals():
    from lib.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "subject_page"):
        label = job.wildcards.subject
        Pages(load_run(Path.cwd(), only=label)).write_subject(label)
