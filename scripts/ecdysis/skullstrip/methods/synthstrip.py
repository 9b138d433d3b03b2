"""FreeSurfer's SynthStrip, through nipype.

Hoopes et al. 2022, doi:10.1016/j.neuroimage.2022.119474: a network that was trained on synthetic
images and works on any contrast.
"""

from pathlib import Path
from typing import Any

from ecdysis.settings import Settings
from ecdysis.skullstrip import external_program
from ecdysis.skullstrip.method import Method, Task


def require(_settings: Settings) -> None:
    """Check that `mri_synthstrip` is on PATH."""
    external_program.require_program("mri_synthstrip", "FreeSurfer (7.3 or later)")


def interface(head: Path) -> Any:
    """Make the interface for a head; nipype has no interface for this program."""
    from nipype.interfaces.base import CommandLine

    return CommandLine(command="mri_synthstrip", args=f"-i {head} -m mask.nii.gz")


def find(head: Path) -> Path:
    """Run SynthStrip in the working directory; return its mask."""
    interface(head).run()
    return Path("mask.nii.gz").absolute()


def strip(task: Task) -> dict[str, Any]:
    """Write the mask; see `external_program.strip`."""
    made = external_program.strip(task.image, task.mask, find)
    return {"provider": "FreeSurfer SynthStrip", **made}


METHOD = Method(
    sentence=(
        "Brains were extracted with SynthStrip [@synthstrip] of FreeSurfer, driven by nipype"
        " [@nipype]."
    ),
    require=require,
    strip=strip,
    any_contrast=True,
)
