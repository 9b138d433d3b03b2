"""Fail for an image that was refused before the DAG was built, with the reason.

So the refused image is a job like any other: it is counted, it is in the report, and the
run does not end as a success while it is there.
"""

from ecdysis.errors import InputError


def refuse(image: str, reason: str) -> None:
    """Raise the reason for which `image` is not processed."""
    raise InputError(
        image, reason.rstrip("."), "Or leave it out with exclude_participant_label or filters"
    )


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "preflight"):
        refuse(job.params.image, job.params.reason)
