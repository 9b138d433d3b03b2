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

from ecdysis.files import read_json, write_json, write_text
from ecdysis.image.geometry import Box, zooms_of
from ecdysis.image.resampling import FloatArray, resample
from ecdysis.image.sidecar import grid_facts, sidecar_of
from ecdysis.image.volume import Volume, read, with_values, write
from ecdysis.skullstrip.tissues import TISSUES, classify, labelled

FIELD_BOUNDS = (0.1, 10.0)
"""Outside the head the splines of the bias field are unconstrained, so the field is limited."""
STEPS = 65535
"""Probabilities are stored as multiples of 1/65535."""


@dataclass(frozen=True)
class Inputs:
    """An image, its brain mask, and the posteriors and bias field of skull stripping."""

    image: Path
    mask: Path
    posteriors: Path
    bias_field: Path


@dataclass(frozen=True)
class Outputs:
    """Images; each has a sidecar of the same name, `dseg` a table of its labels as well."""

    corrected: Path
    dseg: Path
    probsegs: Mapping[str, Path]


def segment(inputs: Inputs, outputs: Outputs, *, sources: Sequence[str]) -> dict[str, Any]:
    """Write the corrected image, the tissue labels and the probability of each tissue.

    Parameters
    ----------
    inputs : Inputs
        The sidecar of the image has ``ReorientedShape`` and, where it was cropped, ``CropBox``.
    outputs : Outputs
        `corrected` is float32; `dseg` uint8, labels as in the BIDS table of common
        image-derived labels; the `probsegs` uint16 scaled to 0 to 1, and 0 outside the mask.
    sources : sequence of str
        BIDS URIs of the files that they were made from.

    Returns
    -------
    dict
        ``TissueVolumes`` (mL by label) and ``BiasFieldRange`` (percentiles 1 and 99 inside the
        brain).
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

    classes = nib.load(inputs.posteriors)
    prior = np.stack(
        [_interpolated(classes.slicer[..., k], volume, facts)[inside] for k in range(len(TISSUES))]
    )
    posterior = classify(corrected[inside], prior)
    labels = np.zeros(inside.shape, dtype=np.uint8)
    labels[inside] = labelled(posterior)
    write(with_values(volume, labels), outputs.dseg)
    for tissue, probability in zip(TISSUES, posterior, strict=True):
        values = np.zeros(inside.shape, dtype=posterior.dtype)
        values[inside] = probability
        write_probability(values, volume, outputs.probsegs[tissue.label])

    grid = grid_facts(facts)
    _describe(outputs, grid, sources)
    voxel = float(np.prod(volume.zooms_mm)) / 1000
    return {
        "TissueVolumes": {
            tissue.label: round(float((labels == tissue.index).sum()) * voxel, 1)
            for tissue in TISSUES
        },
        "BiasFieldRange": [round(float(x), 3) for x in np.percentile(field[inside], (1, 99))],
    }


def write_probability(values: FloatArray, grid: Volume, path: Path) -> None:
    """Write a probability of 0 to 1 on the grid of a volume, as uint16 scaled by `STEPS`."""
    scaled = with_values(grid, np.rint(values * STEPS).astype(np.uint16))
    scaled.header["scl_slope"] = 1 / STEPS
    write(scaled, path)


def _interpolated(coarse: nib.Nifti1Image, volume: Volume, facts: Mapping[str, Any]) -> FloatArray:
    """Interpolate an image on the working grid to the grid of `volume`."""
    box = Box.of(facts["CropBox"]) if "CropBox" in facts else Box.whole(facts["ReorientedShape"])
    return resample(
        coarse.get_fdata(dtype=np.float32),
        zooms_of(coarse.affine).tolist(),
        facts["ReorientedShape"],
        volume.zooms_mm,
        box.slices,
    )


def _describe(outputs: Outputs, grid: Mapping[str, Any], sources: Sequence[str]) -> None:
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
    for tissue in TISSUES:
        texts[outputs.probsegs[tissue.label]] = {"Description": f"Probability of {tissue.name}"}
    for path, words in texts.items():
        write_json(sidecar_of(path), {**words, "Sources": list(sources), **grid})
    rows = [
        f"{tissue.index}\t{tissue.name}\t{tissue.label}"
        for tissue in sorted(TISSUES, key=attrgetter("index"))
    ]
    table = "\n".join(["index\tname\tabbreviation", "0\tBackground\tBG", *rows])
    write_text(sidecar_of(outputs.dseg).with_suffix(".tsv"), table + "\n")
