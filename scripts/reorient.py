"""Rule reorient: write an image in another orientation, and a sidecar that says how to undo it."""

from pathlib import Path

from ecdysis.image.reorient import reorient

if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "reorient") as details:
        orientation = job.params.orientation
        details.update(reorient(Path(job.input.image), Path(job.output.image), orientation))
