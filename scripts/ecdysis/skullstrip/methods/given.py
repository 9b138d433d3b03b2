"""Brain masks that the user gave: the method `none` with a folder of masks.

The folder is a BIDS derivative with ``sub-.../anat/..._desc-brain_mask.nii.gz`` on the grid of
the raw image, in any order of axes.
"""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ecdysis.bids.image_name import ImageName
from ecdysis.errors import InputError
from ecdysis.image.geometry import axis_change, orientation_of
from ecdysis.image.volume import Volume, read, read_anatomical, reoriented, require_same_grid
from ecdysis.settings import Settings
from ecdysis.skullstrip import mask_check, working_image
from ecdysis.skullstrip.method import Method, Task


def require(settings: Settings) -> None:
    """Check that the folder holds masks.

    Raises
    ------
    InputError
        The folder does not exist, or no file in it has the name of a brain mask.
    """
    folder = Path(settings["skullstrip"]["masks"])
    if not folder.is_dir() or not any(folder.glob("sub-*/**/*desc-brain_mask.nii*")):
        raise InputError(
            "skullstrip.masks",
            f"{folder} has no masks sub-<label>/[ses-<label>/]anat/..._desc-brain_mask.nii.gz",
            "Give a derivatives folder with brain masks on the grids of the raw images",
        )


def given_mask(folder: Path, image: ImageName) -> Path:
    """Find the mask of an image.

    Raises
    ------
    InputError
        The folder has no mask of this image.
    """
    name = Path(folder, image.mask)
    for path in (name, name.with_name(name.name.removesuffix(".gz"))):
        if path.is_file():
            return path
    raise InputError(
        name, "there is no such brain mask", "Make one, or exclude the image with filters"
    )


def take(image: Path, given: Path, mask: Path) -> dict[str, Any]:
    """Write a given mask on the grid of the reoriented image.

    Parameters
    ----------
    image : path
        The reoriented image.
    given : path
        A mask on the grid of the raw image; what is above 0 is brain.
    mask : path
        Gets the mask, uint8.

    Returns
    -------
    dict
        Measures and ``check`` (verdict and reasons).

    Raises
    ------
    InputError
        The mask is empty, or on another grid.
    """
    source, head = nib.load(image), read(image)
    raw = read_anatomical(given).volume
    mask_volume = reoriented(raw, axis_change(orientation_of(head.affine), raw.affine))
    require_same_grid(mask_volume, head.stored.shape, head.affine, given)
    brain = _above_zero(mask_volume)
    if not brain.any():
        raise InputError(given, "the brain mask is empty", "Give another one")
    working_image.write_mask(brain, source, mask)
    measures = mask_check.measure_image(brain, source)
    return {"measures": measures, "check": mask_check.judge(measures)}


def _above_zero(volume: Volume) -> working_image.BoolArray:
    slope, inter = volume.scaling
    brain: working_image.BoolArray = np.asarray(volume.stored * slope + inter) > 0
    return brain


def strip(task: Task) -> dict[str, Any]:
    """Write the mask that the user gave for this image; see `take`."""
    given = given_mask(Path(task.settings["masks"] or ""), task.name)
    return {"provider": "given mask", **take(task.image, given, task.mask)}


METHOD = Method(
    sentence="Brain masks were not made by the workflow but given by the user.",
    require=require,
    strip=strip,
    any_contrast=True,
)
