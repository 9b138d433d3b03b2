"""Make a brain mask with FSL's BET, through nipype.

Smith 2002, doi:10.1002/hbm.10062; with the repeated search for the centre of the brain
(``-R``), which a neck in the field of view needs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis.skullstrip import external_program


def require(_settings: Mapping[str, Any]) -> None:
    """Check that `bet` is on PATH."""
    external_program.require_program("bet", "FSL")


def interface(head: Path) -> Any:
    """Make nipype's interface for a head; the mask is its output ``mask_file``."""
    from nipype.interfaces.fsl import BET

    return BET(
        in_file=str(head),
        out_file="brain.nii.gz",
        mask=True,
        no_output=True,
        robust=True,
        output_type="NIFTI_GZ",
    )


def find(head: Path) -> Path:
    """Run BET in the working directory; return its mask."""
    return Path(interface(head).run().outputs.mask_file)


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        details["provider"] = "FSL BET"
        image, mask = Path(job.input.image), Path(job.output.mask)
        details.update(external_program.strip(image, mask, find))
