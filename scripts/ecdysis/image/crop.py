"""Decide to which box an image is cropped.

Modes; the box is the intersection of those that are set:

slices
    The voxels that the user gave, ``{x: [32, -32]}``, as in nibabel's slicer.
auto
    The head and a margin; the air around it is removed. The margin is at least the block size
    of the head search. See `ecdysis.image.head`.
fov
    Everything above a plane that lies the given length (mm) below the top of the head. This
    removes the neck. The method and the default of 170 mm are those of FSL's robustfov.

A box that would cut the brain mask is enlarged until it contains the mask.
"""

from typing import Any

from ecdysis.errors import InputError
from ecdysis.image.geometry import Box, slices_box, superior_axis
from ecdysis.image.head import BLOCK_MM, find_head
from ecdysis.image.volume import Volume
from ecdysis.sections import CropSection

NONE = "none"

HEAD_MODES = {"auto", "fov"}
MASK_MARGIN = 3.0
"""Margin in mm around the brain mask, so that a typical smoothing kernel stays inside the image."""
REMEDY = "Change crop.slices, crop.margin or crop.fov, or set crop.modes to [none]"


def crop_box(
    volume: Volume, settings: CropSection, brain: Volume | None = None
) -> tuple[Box, dict[str, Any]]:
    """Decide which box of a volume is kept: inside the image and not empty.

    The result is the box, and what was decided: ``CropModes``, ``CropBox`` (half-open, voxels of
    the reoriented image), ``CroppedShape``, ``HeadBox`` (where it was looked for),
    ``BrainMaskEnlargement`` (voxels added below and above along each axis; where any were) and
    ``Warnings``.

    Raises
    ------
    InputError
        No voxel is left, or a mode is combined with ``none``.
    """
    modes = [mode for mode in settings["modes"] if mode != NONE]
    if modes and NONE in settings["modes"]:
        raise InputError("crop.modes", f"{settings['modes']}: none excludes others", REMEDY)
    whole = Box.whole(volume.stored.shape)
    decided: dict[str, Any] = {"CropModes": modes or [NONE]}
    warnings = []
    head = find_head(volume) if HEAD_MODES & set(modes) else None
    if head is not None:
        decided["HeadBox"] = head.pairs
    elif HEAD_MODES & set(modes):
        warnings.append(
            "no head was detected against the background, so auto and fov removed nothing"
        )
    box = whole
    if "slices" in modes:
        box &= slices_box(settings["slices"], whole.stop)
    if "auto" in modes and head is not None:
        margin = max(settings["margin"], BLOCK_MM)
        box &= head.grown(margin, volume.zooms_mm)
    if "fov" in modes and head is not None:
        box &= field_of_view(volume, head, settings["fov"])
    if box.empty:
        raise InputError(
            "crop",
            f"the modes {modes} leave no voxel: the box {box.pairs} of an image of shape "
            f"{whole.shape} is empty",
            REMEDY,
        )
    kept = None if brain is None else Box.around(brain.stored)
    if kept is not None:
        safe = box | (kept.grown(MASK_MARGIN, volume.zooms_mm) & whole)
        if safe != box:
            decided["BrainMaskEnlargement"] = [
                [old[0] - new[0], new[1] - old[1]]
                for old, new in zip(box.pairs, safe.pairs, strict=True)
            ]
            box = safe
    elif brain is not None:
        warnings.append("the brain mask is empty, so it did not limit the crop")
    decided |= {"CropBox": box.pairs, "CroppedShape": list(box.shape), "Warnings": warnings}
    return box, decided


def field_of_view(volume: Volume, head: Box, length: float) -> Box:
    """Keep everything above a plane `length` mm below the top of the head.

    Up is the direction of the voxel axis that is closest to foot-head in the affine.
    """
    axis, upwards = superior_axis(volume.affine)
    below = Box.whole(volume.stored.shape).pairs
    top = head.pairs[axis][1 if upwards else 0]
    voxels = -int(-length // volume.zooms_mm[axis])
    if upwards:
        below[axis][0] = max(0, top - voxels)
    else:
        below[axis][1] = min(below[axis][1], top + voxels)
    return Box.of(below)
