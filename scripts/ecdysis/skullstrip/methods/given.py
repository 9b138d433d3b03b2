"""Brain masks that the user gave: the method `none` with a folder of masks.

The folder is a BIDS derivative with ``sub-.../anat/..._desc-brain_mask.nii.gz`` on the grid of
the raw image, in any order of axes.
"""

from pathlib import Path
from typing import Any

from ecdysis.bids.image_name import ImageName
from ecdysis.errors import InputError
from ecdysis.settings import Settings
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


def manual_mask(settings: Settings, image: ImageName) -> Path | None:
    """Return the mask by hand that replaces the mask of an image, or None.

    Masks that are given together with a method replace single masks of this method.
    """
    section = settings["skullstrip"]
    if section["method"] == "none" or not section["masks"]:
        return None
    return _existing(Path(section["masks"]), image)


def given_mask(folder: Path, image: ImageName) -> Path:
    """Find the mask of an image.

    Raises
    ------
    InputError
        The folder has no mask of this image.
    """
    path = _existing(folder, image)
    if path:
        return path
    raise InputError(
        Path(folder, image.mask),
        "there is no such brain mask",
        "Make one, or exclude the image with filters",
    )


def _existing(folder: Path, image: ImageName) -> Path | None:
    name = Path(folder, image.mask)
    paths = (name, name.with_name(name.name.removesuffix(".gz")))
    return next((path for path in paths if path.is_file()), None)


def take(image: Path, given: Path, mask: Path) -> dict[str, Any]:
    """Write a given mask on the grid of the reoriented image; return measures and ``check``.

    `given` is a mask on the grid of the raw image; what is above 0 is brain. `mask` gets the mask,
    uint8. ``check`` has verdict and reasons.

    Raises
    ------
    InputError
        The mask is empty, or on another grid.
    """
    # The main process imports this module to find masks by hand, and reads no image.
    import nibabel as nib

    from ecdysis.image.brain_mask import read_mask
    from ecdysis.image.volume import read
    from ecdysis.skullstrip.mask_check import write_checked

    source = nib.load(image)
    brain = read_mask(given, read(image))
    if not brain.any():
        raise InputError(given, "the brain mask is empty", "Give another one")
    return write_checked(brain, source, mask)


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
