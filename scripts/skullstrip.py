"""Make the brain mask of an image by the method of the settings."""

from pathlib import Path

from ecdysis.bids.image_name import ImageName
from ecdysis.skullstrip.method import Task, load

if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        image, mask = Path(job.input.image), Path(job.output.mask)
        name, settings = ImageName(**job.wildcards), job.params.skullstrip
        method = load(job.params.method)
        details.update(method.strip(Task(image, mask, name, settings, job.threads)))
