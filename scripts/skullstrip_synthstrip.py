"""Make a brain mask with FreeSurfer's SynthStrip, through nipype.

Hoopes et al. 2022, doi:10.1016/j.neuroimage.2022.119474: a network trained on synthetic
images, so that any contrast will do.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis.skullstrip import external_program


def require(_settings: Mapping[str, Any]) -> None:
    """Check that `mri_synthstrip` is on PATH."""
    external_program.require_program("mri_synthstrip", "FreeSurfer (7.3 or later)")


def interface(head: Path) -> Any:
    """Make the interface for a head; nipype has none of its own for this program."""
    from nipype.interfaces.base import CommandLine

    return CommandLine(command="mri_synthstrip", args=f"-i {head} -m mask.nii.gz")


def find(head: Path) -> Path:
    """Run SynthStrip in the working directory; return its mask."""
    interface(head).run()
    return Path("mask.nii.gz").absolute()


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        details["provider"] = "FreeSurfer SynthStrip"
        image, mask = Path(job.input.image), Path(job.output.mask)
        details.update(external_program.strip(image, mask, find))
