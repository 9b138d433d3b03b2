"""Cut a brain mask to a cropped image, and that to the brain."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecdysis.errors import InputError
from ecdysis.files import read_json, write_json
from ecdysis.image.geometry import Box, cropped_affine
from ecdysis.image.sidecar import grid_facts, sidecar_of
from ecdysis.image.volume import Volume, read, require_same_grid, with_values, write


def brain(
    preproc: Path, mask: Path, brain_mask: Path, stripped: Path, *, sources: Sequence[str]
) -> dict[str, Any]:
    """Write the brain mask and the brain on the grid of the cropped image.

    Parameters
    ----------
    preproc : Path
        The cropped image (X, Y, Z), whose sidecar has ``CropBox`` and ``ReorientedShape``.
    mask : Path
        The brain mask on the grid before cropping; what is not 0 is brain.
    brain_mask : Path
        Gets the mask, uint8, 0 and 1.
    stripped : Path
        Gets the brain, of the data type and scale of `preproc`; outside it holds the stored
        value whose intensity is nearest to 0.
    sources : sequence of str
        BIDS URIs of what they were made from.

    Returns
    -------
    dict
        ``BrainVoxels`` and ``BrainVolume`` (mL).

    Raises
    ------
    InputError
        The mask is empty or not on the grid of the image.
    """
    volume, facts, full = read(preproc), read_json(sidecar_of(preproc)), read(mask)
    box = Box.of(facts["CropBox"])
    require_same_grid(full, facts["ReorientedShape"], full.affine, mask)
    inside = full.stored[box.slices] != 0
    part = Volume(volume.header, inside)
    require_same_grid(part, box.shape, cropped_affine(full.affine, box), mask)
    if not inside.any():
        raise InputError(mask, "the brain mask is empty", "Look at the figures of the skull strip")
    write(with_values(volume, inside.astype(np.uint8)), brain_mask)
    values = np.where(inside, volume.stored, volume.background)
    write(Volume(volume.header, values), stripped)

    grid = grid_facts(facts)
    about_mask = {"Description": "Brain mask", "Type": "Brain", "Sources": list(sources)}
    about_brain = {
        "Description": "The brain alone: 0 outside the brain mask",
        "Sources": list(sources),
        "SkullStripped": True,
    }
    write_json(sidecar_of(brain_mask), {**about_mask, **grid})
    write_json(sidecar_of(stripped), {**about_brain, **grid})
    voxels = int(inside.sum())
    millilitres = voxels * float(np.prod(volume.zooms_mm)) / 1000
    return {"BrainVoxels": voxels, "BrainVolume": round(millilitres, 1)}
