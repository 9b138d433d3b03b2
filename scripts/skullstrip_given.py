"""Take a brain mask that the user gave: the method `none` with a folder of masks.

The folder is a BIDS derivative with ``sub-.../anat/..._desc-brain_mask.nii.gz`` on the grid of
the raw image, however its axes are ordered.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ecdysis.bids.image_name import ImageName
from ecdysis.errors import InputError
from ecdysis.image.geometry import axis_change, orientation_of
from ecdysis.image.volume import Volume, read, read_anatomical, reoriented, require_same_grid
from ecdysis.skullstrip import mask_check, working_image


def require(settings: Mapping[str, Any]) -> None:
    """Check that the folder is there and holds masks.

    Raises
    ------
    InputError
        It is not there, or no name in it ends as that of a brain mask.
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
        There is none.
    """
    name = Path(folder, image.mask)
    for path in (name, name.with_name(name.name.removesuffix(".gz"))):
        if path.is_file():
            return path
    raise InputError(
        name, "there is no such brain mask", "Make one, or leave the image out by filters"
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
    measures = mask_check.measure_shape(brain, working_image.native_grid(source))
    return {"measures": measures, "check": mask_check.judge(measures)}


def _above_zero(volume: Volume) -> working_image.BoolArray:
    slope, inter = volume.scaling
    brain: working_image.BoolArray = np.asarray(volume.stored * slope + inter) > 0
    return brain


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        details["provider"] = "given mask"
        given = given_mask(Path(job.params.skullstrip["masks"]), ImageName(**job.wildcards))
        details.update(take(Path(job.input.image), given, Path(job.output.mask)))
