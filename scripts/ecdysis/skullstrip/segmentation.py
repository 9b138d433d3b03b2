"""The bias-corrected image and tissue maps, on the grid of a cropped or uncropped image.

Skull stripping estimates the bias field and the tissue classes on a 2 mm grid. The field is
interpolated linearly; the classes are refined by `ecdysis.skullstrip.tissues`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from ecdysis.files import read_json, write_json, write_text
from ecdysis.image.arrays import Values
from ecdysis.image.brain_mask import mask_on_grid
from ecdysis.image.geometry import Box, cropped_affine, zooms_of
from ecdysis.image.resampling import resample
from ecdysis.image.sidecar import grid_facts, sidecar_of
from ecdysis.image.volume import Volume, read, with_values, write
from ecdysis.skullstrip.tissues import TISSUES, classify, labelled

FIELD_BOUNDS = (0.1, 10.0)
"""Outside the head the splines of the bias field are unconstrained, so the field is limited."""
STEPS = 65535
"""Values are stored as multiples of 1/65535."""


@dataclass(frozen=True)
class Inputs:
    """An image, its brain mask, and the posteriors and bias field of skull stripping.

    `lesion` is a mask on the grid of the whole image; what it covers is no tissue.
    """

    image: Path
    mask: Path
    posteriors: Path
    bias_field: Path
    lesion: Path | None = None


@dataclass(frozen=True)
class Outputs:
    """Images; each has a sidecar of the same name, `dseg` a table of its labels as well."""

    corrected: Path
    dseg: Path
    probsegs: Sequence[Path]
    """One for each of `TISSUES`."""


def segment(inputs: Inputs, outputs: Outputs, *, sources: Sequence[str]) -> dict[str, Any]:
    """Write the corrected image, the tissue labels and the probability of each tissue.

    The sidecar of the image has ``ReorientedShape`` and, where it was cropped, ``CropBox``. The
    corrected image is float32; the labels are uint8, as in the BIDS table of common image-derived
    labels; the probabilities are uint16 scaled to 0 to 1, and 0 outside the mask. `sources` are the
    BIDS URIs of the files that they were made from. The result has ``TissueVolumes`` (mL by label)
    and ``BiasFieldRange`` (percentiles 1 and 99 inside the brain).
    """
    volume, facts = read(inputs.image), read_json(sidecar_of(inputs.image))
    inside = read(inputs.mask).stored != 0
    slope, inter = volume.scaling
    values = volume.stored.astype(np.float32) * np.float32(slope) + np.float32(inter)

    field = _interpolated(nib.load(inputs.bias_field), volume, facts)
    # N4 leaves the scale of its field open; the brain keeps its brightness.
    field = np.clip(field / np.median(field[inside]), *FIELD_BOUNDS)
    corrected = values / field
    write(with_values(volume, corrected.astype(np.float32)), outputs.corrected)

    tissue_voxels = inside
    if inputs.lesion is not None:
        tissue_voxels = inside & ~_lesion(inputs.lesion, volume, facts)
    classes = nib.load(inputs.posteriors)
    prior = np.stack(
        [
            _interpolated(classes.slicer[..., k], volume, facts)[tissue_voxels]
            for k in range(len(TISSUES))
        ]
    )
    posterior = classify(corrected[tissue_voxels], prior)
    labels = np.zeros(inside.shape, dtype=np.uint8)
    labels[tissue_voxels] = labelled(posterior)
    write(with_values(volume, labels), outputs.dseg)
    for path, probability in zip(outputs.probsegs, posterior, strict=True):
        values = np.zeros(inside.shape, dtype=posterior.dtype)
        values[tissue_voxels] = probability
        write_probability(values, volume, path)

    grid = grid_facts(facts)
    _describe(outputs, grid, sources, lesion=inputs.lesion is not None)
    voxel = float(np.prod(volume.zooms_mm)) / 1000
    return {
        "TissueVolumes": {
            tissue.label: round(float((labels == tissue.index).sum()) * voxel, 1)
            for tissue in TISSUES
        },
        "BiasFieldRange": [round(float(x), 3) for x in np.percentile(field[inside], (1, 99))],
    }


def write_probability(values: Values, grid: Volume, path: Path) -> None:
    """Write a probability of 0 to 1 on the grid of a volume, as uint16 scaled by `STEPS`."""
    scaled = with_values(grid, np.rint(values * STEPS).astype(np.uint16))
    scaled.header["scl_slope"] = 1 / STEPS
    write(scaled, path)


def _interpolated(coarse: nib.Nifti1Image, volume: Volume, facts: Mapping[str, Any]) -> Values:
    """Interpolate an image on the working grid to the grid of `volume`."""
    return resample(
        coarse.get_fdata(dtype=np.float32),
        zooms_of(coarse.affine).tolist(),
        facts["ReorientedShape"],
        volume.zooms_mm,
        _box(facts).slices,
    )


def _lesion(path: Path, volume: Volume, facts: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Read a lesion mask, which is on the grid of the whole image, on that of `volume`."""
    box = _box(facts)
    first = Box.of([[-start, -start + 1] for start in box.start])
    affine = cropped_affine(volume.affine, first)
    return mask_on_grid(path, facts["ReorientedShape"], affine)[box.slices]


def _box(facts: Mapping[str, Any]) -> Box:
    """Return the crop box, or the whole image if it was not cropped."""
    return Box.of(facts["CropBox"]) if "CropBox" in facts else Box.whole(facts["ReorientedShape"])


def _describe(
    outputs: Outputs, grid: Mapping[str, Any], sources: Sequence[str], *, lesion: bool
) -> None:
    """Write the sidecars and the table of labels."""
    texts: dict[Path, dict[str, Any]] = {
        outputs.corrected: {
            "Description": "Without its bias field (N4, doi:10.1109/TMI.2010.2046908)",
            "SkullStripped": False,
        },
        outputs.dseg: {
            "Description": "The most probable of three tissues (Atropos,"
            " doi:10.1007/s12021-011-9109-y)"
        },
    }
    for tissue, path in zip(TISSUES, outputs.probsegs, strict=True):
        texts[path] = {"Description": f"Probability of {tissue.name}"}
    for path, words in texts.items():
        left_out = {"LesionMasked": True} if lesion and path != outputs.corrected else {}
        write_json(sidecar_of(path), {**words, **left_out, "Sources": list(sources), **grid})
    rows = [
        f"{tissue.index}\t{tissue.name}\t{tissue.label}"
        for tissue in sorted(TISSUES, key=attrgetter("index"))
    ]
    table = "\n".join(["index\tname\tabbreviation", "0\tBackground\tBG", *rows])
    write_text(sidecar_of(outputs.dseg).with_suffix(".tsv"), table + "\n")
