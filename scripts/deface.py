"""Rule deface: remove the face from the cropped image.

The face region is defined in the space of the template (`ecdysis.deface.face`) and mapped to the
image by the affine part of the registration from skull stripping. Its voxels get the value of air.
Voxels of the brain mask and outside the region stay unchanged; the written file is checked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ecdysis.deface.face import region_to_remove, without
from ecdysis.deface.residual import residual_face
from ecdysis.errors import InputError
from ecdysis.files import read_json, write_json
from ecdysis.image.sidecar import grid_facts, sidecar_of
from ecdysis.image.volume import Volume, read, require_same_grid, with_values, write

LITTLE_ML = 50.0
"""An image that shows the face has about 300 to 800 mL of head in front of the plane."""


@dataclass(frozen=True)
class Inputs:
    """The cropped image and its brain mask; the template's brain mask.

    `affines` lead from the template to the image, in this order; ITK transforms of points.
    """

    preproc: Path
    mask: Path
    template_mask: Path
    affines: tuple[Path, ...]


@dataclass(frozen=True)
class Outputs:
    """The image without face and the mask of what was removed; their sidecars are next to them."""

    image: Path
    defacemask: Path


def deface(inputs: Inputs, outputs: Outputs, *, sources: Sequence[str]) -> dict[str, Any]:
    """Write the image without its face, with the data type and scale of the cropped one.

    The mask is uint8, 1 where voxels were removed. `sources` are the BIDS URIs of the source files.
    The result has ``FaceVolume`` (mL of head that was removed), ``ResidualFace`` (what is still
    visible, see `ecdysis.deface.residual`) and ``warnings``.

    Raises
    ------
    InputError
        The mask is not on the grid of the image, or it is empty.
    RuntimeError
        The written image differs from the source outside the removed region.
    """
    volume, brain = read(inputs.preproc), read(inputs.mask)
    require_same_grid(brain, volume.stored.shape, volume.affine, inputs.mask)
    inside = brain.stored != 0
    if not inside.any():
        raise InputError(
            inputs.mask, "the brain mask is empty", "Look at the figures of the skull strip"
        )
    region = region_to_remove(volume, inside, inputs.template_mask, inputs.affines)
    write(without(volume, region), outputs.image)
    write(with_values(volume, region.astype(np.uint8)), outputs.defacemask)
    check(volume, inside, outputs)

    grid = grid_facts(read_json(sidecar_of(inputs.preproc)))
    words = {
        "Description": "Face and ears removed: 0 there, unchanged elsewhere",
        "Sources": list(sources),
        "SkullStripped": False,
        "Defaced": True,
    }
    write_json(sidecar_of(outputs.image), {**words, **grid})
    about_mask = {"Description": "1 where voxels were removed", "Type": "Face"}
    write_json(sidecar_of(outputs.defacemask), {**about_mask, "Sources": list(sources), **grid})

    bright = volume.stored > np.quantile(volume.stored[inside], 0.05) / 2
    removed = float((region & bright).sum() * np.prod(volume.zooms_mm) / 1000)
    little = f"only {removed:.0f} mL were removed; the face may lie outside the field of view"
    score = residual_face(nib.load(outputs.image), nib.load(inputs.mask))
    warnings = [little] if removed < LITTLE_ML else []
    if score.visible:
        warnings.append(f"it may still show {', '.join(score.visible)}; look at its surface")
    return {
        "FaceVolume": round(removed, 1),
        "ResidualFace": score.to_json(),
        "warnings": warnings,
    }


def check(volume: Volume, brain: Any, outputs: Outputs) -> None:
    """Compare the written image with its source.

    Raises
    ------
    RuntimeError
        A voxel of the brain or outside the removed region differs.
    """
    written, removed = read(outputs.image).stored, read(outputs.defacemask).stored != 0
    same = (written == volume.stored) | ((written != written) & (volume.stored != volume.stored))
    if (removed & brain).any() or not same[~removed].all():
        outputs.image.unlink()
        raise RuntimeError("defacing changed a voxel of the brain or outside the face")


if "snakemake" in globals():
    from ecdysis.deface.permission import require_good_masks
    from ecdysis.job import recorded
    from ecdysis.template import Prepared

    job = globals()["snakemake"]
    with recorded(job, "deface") as details:
        require_good_masks(map(Path, job.params.records), accepted=job.params.accepted)
        given = job.input
        template_mask = Prepared(Path(given.template)).brain_mask
        affines = tuple(map(Path, given.affines))
        inputs = Inputs(Path(given.image), Path(given.mask), template_mask, affines)
        outputs = Outputs(Path(job.output.image), Path(job.output.mask))
        details.update(deface(inputs, outputs, sources=job.params.sources))
