"""Put a mask (or any result on the cropped grid) back on the grid of the raw image.

    python scripts/uncrop.py MASK SIDECAR OUT

SIDECAR is the JSON file of the cropped image, or of its mask: it has the crop box and the change of
axes. Outside the box the result is 0.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ecdysis.errors import InputError
from ecdysis.files import atomic, read_json
from ecdysis.image.geometry import Box, corner_distance, cropped_affine, undone, zooms_of
from ecdysis.image.grid import SAME_GRID
from nibabel.nifti1 import Nifti1Image
from nibabel.orientations import apply_orientation, inv_ornt_aff

REMEDY = "Give the mask and the sidecar that belong together"


def uncrop(image: Nifti1Image, facts: Mapping[str, Any]) -> Nifti1Image:
    """Undo cropping and reorientation of an image on the cropped grid, (X, Y, Z).

    `facts` are the content of the sidecar. The result has the shape, affines and units of the raw
    image, and 0 outside the box.

    Raises
    ------
    InputError
        The image is not on the grid that the facts describe.
    """
    box = Box.of(facts["CropBox"])
    back = undone(facts["AxisPermutation"], facts["AxisFlips"])
    raw_shape = facts["OriginalShape"]
    from_raw_voxels = inv_ornt_aff(back, facts["ReorientedShape"])
    reoriented = np.asarray(facts["OriginalAffine"]) @ np.linalg.inv(from_raw_voxels)
    affine = cropped_affine(reoriented, box)
    if image.shape != box.shape:
        problem = f"its shape is {image.shape}, the sidecar's CropBox has {box.shape}"
        raise InputError("the mask", problem, REMEDY)
    apart = corner_distance(image.affine, affine, box.shape)
    if apart > SAME_GRID * zooms_of(affine).min():
        problem = f"its affine differs by {apart:.3g} mm from that of the sidecar's CropBox"
        raise InputError("the mask", problem, REMEDY)
    values = np.asanyarray(image.dataobj)
    full = np.zeros(facts["ReorientedShape"], values.dtype)
    full[box.slices] = values
    raw = apply_orientation(full, back).reshape(raw_shape)
    header = image.header.copy()
    header.set_data_dtype(values.dtype)
    header.set_data_shape(raw_shape)
    for field, value in facts["OriginalGeometry"].items():
        header[field] = np.array(value, dtype=float)
    # nibabel repairs a header when it reads one; the raw image gets the same repairs.
    header = type(header)(header.binaryblock, header.endianness, check=True)
    return type(image)(raw, header.get_best_affine(), header)


def main(arguments: list[str] | None = None) -> None:
    """Read the files and write the result; exit with one line and status 1 after an input error."""
    parser = argparse.ArgumentParser(
        description="Put a mask on the cropped grid back on the grid of the raw image."
    )
    parser.add_argument("mask", type=Path, help="image on the cropped grid")
    parser.add_argument("sidecar", type=Path, help="JSON file of the cropped image or its mask")
    parser.add_argument("out", type=Path, help="the image to write")
    given = parser.parse_args(arguments)
    try:
        result = uncrop(nib.load(given.mask), read_json(given.sidecar))
    except InputError as error:
        sys.exit(f"{given.mask}: {error.problem}. {error.remedy}.")
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"cannot undo the crop of {given.mask}: {type(error).__name__}: {error}")
    with atomic(given.out) as partial:
        nib.save(result, partial)


if __name__ == "__main__":
    main()
