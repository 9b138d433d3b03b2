"""Rule segment: write the bias-corrected image and tissue maps on the grid of the cropped image."""

from pathlib import Path

from ecdysis.skullstrip.segmentation import Inputs, Outputs, segment

if "snakemake" in globals():
    from ecdysis.job import optional, recorded

    job = globals()["snakemake"]
    with recorded(job, "segment") as details:
        given, made = job.input, job.output
        inputs = Inputs(
            Path(given.image),
            Path(given.mask),
            Path(given.posteriors),
            Path(given.bias_field),
            optional(given, "lesion"),
        )
        outputs = Outputs(Path(made.corrected), Path(made.dseg), [*map(Path, made.probsegs)])
        details.update(segment(inputs, outputs, sources=[f"bids::{given.image}"]))
