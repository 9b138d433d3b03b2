"""FSL's BET, through nipype.

Smith 2002, doi:10.1002/hbm.10062; with the repeated search for the centre of the brain
(``-R``), which a neck in the field of view needs.
"""

from pathlib import Path
from typing import Any

from ecdysis.settings import Settings
from ecdysis.skullstrip import external_program
from ecdysis.skullstrip.method import Method, Task


def require(_settings: Settings) -> None:
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


def strip(task: Task) -> dict[str, Any]:
    """Write the mask; see `external_program.strip`."""
    return {"provider": "FSL BET", **external_program.strip(task.image, task.mask, find)}


METHOD = Method(
    sentence="Brains were extracted with BET [@bet] of FSL, driven by nipype [@nipype].",
    require=require,
    strip=strip,
)
