"""Rule crop: cut the reoriented image and its brain mask to a box, and write the brain.

Voxels are not resampled: they keep their stored values and world coordinates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ecdysis.errors import InputError
from ecdysis.files import read_json, write_json
from ecdysis.image.brain_mask import read_mask
from ecdysis.image.crop import crop_box
from ecdysis.image.sidecar import grid_facts, sidecar_of
from ecdysis.image.volume import Volume, cropped, read, with_values, write
from ecdysis.sections import CropSection
from ecdysis.skullstrip import mask_check


@dataclass(frozen=True)
class BrainFiles:
    """The brain mask before cropping; the outputs, with sidecars next to them.

    `manual` says that a person made the mask; then it may have the axes of the raw image.
    """

    uncropped_mask: Path
    mask: Path
    brain: Path
    manual: bool = False

    @classmethod
    def of(cls, given: Any, made: Any, *, manual: bool) -> "BrainFiles | None":
        """Return the files named in a rule's input and output; None without skull stripping."""
        if not given.get("mask"):
            return None
        files = Path(given.get("mask")), Path(made.get("mask")), Path(made.get("brain"))
        return cls(*files, manual)


def crop(
    image: Path,
    preproc: Path,
    settings: CropSection,
    *,
    sources: Sequence[str],
    brain: BrainFiles | None = None,
) -> dict[str, Any]:
    """Write an image cropped and, with a brain mask, the cropped mask and the brain.

    `image` is the reoriented image, (X, Y, Z), with its sidecar next to it; `preproc` gets the
    cropped one. `settings` are those of the section ``crop``, in mm. `sources` are the BIDS URIs of
    the files that the image was made from. Voxels of the uncropped mask that are not 0 are brain;
    the cropped mask is uint8, 0 and 1. The brain has the data type and scale of the image; outside
    the mask it holds the stored value whose intensity is closest to 0. The result has the box, the
    shapes and the warnings; with a mask ``BrainVoxels`` and ``BrainVolume`` (mL).

    Raises
    ------
    InputError
        No voxel is left, a setting is invalid, or the mask is empty or on another grid.
    """
    volume, before = read(image), read_json(sidecar_of(image))
    mask = read_mask(brain.uncropped_mask, volume) if brain else None
    try:
        around = None if mask is None else with_values(volume, mask.astype(np.uint8))
        box, decided = crop_box(volume, settings, around)
    except InputError as error:
        raise InputError(f"{error.where} ({image})", error.problem, error.remedy) from error
    result = cropped(volume, box)
    write(result, preproc)
    warnings = [*before["Warnings"], *decided["Warnings"]]
    facts = {**before, **decided, "Warnings": warnings}
    described = {
        "Description": "Reoriented and cropped without resampling: voxels keep their value",
        "Sources": list(sources),
        "SkullStripped": False,
    }
    write_json(sidecar_of(preproc), {**described, **facts})
    if brain and mask is not None:
        inside = mask[box.slices]
        decided |= _write_brain(result, inside, brain, [f"bids::{preproc}"], grid_facts(facts))
        if brain.manual:
            measures = mask_check.measure_image(mask, nib.load(image))
            check = mask_check.judge(measures)
            decided |= {"manual": True, "measures": measures, "check": check}
    return decided


def _write_brain(
    volume: Volume,
    inside: Any,
    files: BrainFiles,
    sources: Sequence[str],
    grid: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the mask and the brain on the grid of the cropped image; return the brain's size."""
    if not inside.any():
        raise InputError(
            files.uncropped_mask,
            "the brain mask is empty",
            "Look at the figures of the skull strip",
        )
    write(with_values(volume, inside.astype(np.uint8)), files.mask)
    write(Volume(volume.header, np.where(inside, volume.stored, volume.background)), files.brain)
    about_mask = {
        "Description": "Brain mask",
        "Type": "Brain",
        "Manual": files.manual,
        "Sources": list(sources),
    }
    about_brain = {
        "Description": "The brain alone: 0 outside the brain mask",
        "Sources": list(sources),
        "SkullStripped": True,
    }
    write_json(sidecar_of(files.mask), {**about_mask, **grid})
    write_json(sidecar_of(files.brain), {**about_brain, **grid})
    voxels = int(inside.sum())
    millilitres = voxels * float(np.prod(volume.zooms_mm)) / 1000
    return {"BrainVoxels": voxels, "BrainVolume": round(millilitres, 1)}


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "crop") as details:
        details.update(
            crop(
                Path(job.input.image),
                Path(job.output.preproc),
                job.params.crop,
                sources=job.params.sources,
                brain=BrainFiles.of(job.input, job.output, manual=job.params.manual),
            )
        )
