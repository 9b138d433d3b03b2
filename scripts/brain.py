"""Crop a reoriented image, then cut its brain mask to it, and it to the brain."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from crop import crop
from lib.errors import InputError
from lib.files import read_json, write_json
from lib.image.geometry import Box, cropped_affine
from lib.image.volume import Volume, read, require_same_grid, with_values, write

OWN_KEYS = {"Description", "Sources", "SkullStripped", "Warnings"}
"""Keys of the preprocessed image's sidecar that do not describe its grid."""


@dataclass(frozen=True)
class BrainFiles:
    """Where the results go: two images and their sidecars."""

    mask: Path
    mask_sidecar: Path
    brain: Path
    brain_sidecar: Path


def brain(
    preproc: Path, sidecar: Path, mask: Path, output: BrainFiles, *, sources: Sequence[str]
) -> dict[str, Any]:
    """Write the brain mask and the brain on the grid of the cropped image.

    Parameters
    ----------
    preproc, sidecar : Path
        The cropped image (X, Y, Z) and its sidecar with ``CropBox`` and ``ReorientedShape``.
    mask : Path
        The brain mask on the grid before cropping; what is not 0 is brain.
    output : BrainFiles
        The mask is uint8, 0 and 1. The brain has the data type and scale of `preproc`;
        outside it holds the stored value whose intensity is nearest to 0.
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
    volume, facts, full = read(preproc), read_json(sidecar), read(mask)
    box = Box.of(facts["CropBox"])
    require_same_grid(full, facts["ReorientedShape"], full.affine, mask)
    inside = full.stored[box.slices] != 0
    part = Volume(volume.header, inside)
    require_same_grid(part, box.shape, cropped_affine(full.affine, box), mask)
    if not inside.any():
        raise InputError(mask, "the brain mask is empty", "Look at the figures of the skull strip")
    write(with_values(volume, inside.astype(np.uint8)), output.mask)
    stripped = np.where(inside, volume.stored, volume.background)
    write(Volume(volume.header, stripped), output.brain)

    grid = {key: value for key, value in facts.items() if key not in OWN_KEYS}
    about_mask = {"Description": "Brain mask", "Type": "Brain", "Sources": list(sources)}
    about_brain = {
        "Description": "The brain alone: 0 outside the brain mask",
        "Sources": list(sources),
        "SkullStripped": True,
    }
    write_json(output.mask_sidecar, {**about_mask, **grid})
    write_json(output.brain_sidecar, {**about_brain, **grid})
    voxels = int(inside.sum())
    millilitres = voxels * float(np.prod(volume.zooms_mm)) / 1000
    return {"BrainVoxels": voxels, "BrainVolume": round(millilitres, 1)}


if "snakemake" in globals():
    from lib.job import part_of, recorded

    job = globals()["snakemake"]
    output = job.output
    with recorded(part_of(job, "crop"), "crop") as details:
        details.update(
            crop(
                Path(job.input.image),
                Path(job.input.facts),
                Path(output.image),
                Path(output.sidecar),
                job.params.crop,
                sources=job.params.sources,
                mask=Path(job.input.mask),
            )
        )
    with recorded(part_of(job, "brain"), "brain") as details:
        details.update(
            brain(
                Path(output.image),
                Path(output.sidecar),
                Path(job.input.mask),
                BrainFiles(
                    Path(output.mask),
                    Path(output.mask_sidecar),
                    Path(output.brain),
                    Path(output.brain_sidecar),
                ),
                sources=[f"bids::{output.image}"],
            )
        )
