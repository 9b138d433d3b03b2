"""Crop a reoriented image to a box; voxels keep their stored value and place in the world.

Modes, of which the box is the intersection:

slices
    The voxels that the user gave, ``{x: [32, -32]}``, with the meaning of nibabel's slicer.
auto
    The head and a margin: the air around it goes. The margin is at least the block to
    which the head is found exactly. See `ecdysis.image.head`.
fov
    What lies less than so many mm below the top of the head, which removes the neck: the
    idea and the 170 mm of FSL's robustfov.

A box that would cut the brain mask is enlarged until it does not.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import write_json
from ecdysis.image.geometry import Box, slices_box, superior_axis
from ecdysis.image.head import HeadSearch, find_head
from ecdysis.image.reorient import Reoriented
from ecdysis.image.sidecar import sidecar_of
from ecdysis.image.volume import Volume, cropped, read, require_same_grid, write

NONE = "none"
MODES = ("slices", "auto", "fov")
HEAD_MODES = {"auto", "fov"}
MASK_MARGIN = 3.0
"""Room in mm around the brain mask: a blur of the usual width stays inside the image."""

REMEDY = "Change crop.slices, crop.margin or crop.fov, or set crop.modes to [none]"


def crop(
    head: Reoriented,
    output: Path,
    settings: Mapping[str, Any],
    *,
    sources: Sequence[str],
    mask: Path | None = None,
) -> dict[str, Any]:
    """Write an image cropped, and its BIDS sidecar.

    Parameters
    ----------
    head : Reoriented
        The image, of shape (X, Y, Z).
    output : Path
        The cropped image; its sidecar lies beside it.
    settings : mapping
        ``modes``, ``slices``, ``margin`` (mm) and ``fov`` (mm), as in config.
    sources : sequence of str
        BIDS URIs of what the image was made from.
    mask : Path, optional
        A brain mask on the grid of the reoriented image.

    Returns
    -------
    dict
        What was found when it was reoriented, and what was decided: box, shapes, enlargement
        and warnings.

    Raises
    ------
    InputError
        No voxel is left, or a setting makes no sense.
    """
    image, volume, found = head
    brain = None if mask is None else read(mask)
    if brain is not None:
        require_same_grid(brain, volume.stored.shape, volume.affine, mask or image)
    try:
        box, decided = crop_box(volume, settings, brain)
    except InputError as error:
        raise InputError(f"{error.where} ({image})", error.problem, error.remedy) from error
    result = cropped(volume, box)
    write(result, output)
    decided["Warnings"] = [*found["Warnings"], *decided["Warnings"]]
    facts = {**found, **decided}
    described = {
        "Description": "Reoriented and cropped without resampling: voxels keep their value",
        "Sources": list(sources),
        "SkullStripped": False,
    }
    write_json(sidecar_of(output), {**described, **facts})
    return facts


def crop_box(
    volume: Volume, settings: Mapping[str, Any], brain: Volume | None = None
) -> tuple[Box, dict[str, Any]]:
    """Decide which box of a volume is kept.

    Returns
    -------
    box : Box
        Inside the image and not empty.
    decided : dict
        ``CropModes``, ``CropBox`` (half-open, voxels of the reoriented image),
        ``CroppedShape``, ``HeadBox`` (where it was looked for), ``BrainMaskEnlargement``
        (voxels added below and above along each axis; where any were) and ``Warnings``.

    Raises
    ------
    InputError
        An unknown mode, a distance that is not positive, or no voxel is left.
    """
    modes = [mode for mode in settings["modes"] if mode != NONE]
    _check_settings(settings, modes)
    whole = Box.whole(volume.stored.shape)
    decided: dict[str, Any] = {"CropModes": modes or [NONE]}
    warnings = []
    head = find_head(volume) if HEAD_MODES & set(modes) else None
    if head is not None:
        decided["HeadBox"] = head.pairs
    elif HEAD_MODES & set(modes):
        warnings.append("no head stands out from the air, so auto and fov removed nothing")
    box = whole
    if "slices" in modes:
        box &= slices_box(settings["slices"], whole.stop)
    if "auto" in modes and head is not None:
        margin = max(settings["margin"], HeadSearch.block)
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
    """Keep what lies less than `length` mm below the top of the head, and all above.

    Up is the direction of the voxel axis that is nearest to foot-head in the affine.
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


def _check_settings(settings: Mapping[str, Any], modes: Sequence[str]) -> None:
    """Refuse modes that do not exist or exclude each other, and distances that make no sense."""
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown or (modes and len(modes) < len(settings["modes"])):
        problem = f"{settings['modes']}: expected [none] or any of {', '.join(MODES)}"
        raise InputError("crop.modes", problem, "Correct the modes")
    for name, mode, least in (("margin", "auto", "0"), ("fov", "fov", "more than 0")):
        if mode in modes and (settings[name] < 0 or (mode == "fov" and not settings[name])):
            problem = f"{settings[name]} mm: expected {least}"
            raise InputError(f"crop.{name}", problem, "Correct the distance")
