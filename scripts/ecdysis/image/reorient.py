"""Reorientation permutes and flips the axes of an image; nothing is resampled.

Every voxel keeps its stored value and its world coordinates. The sidecar of the reoriented image
records the change, so that `uncrop` can undo it.
"""

import math
from pathlib import Path
from typing import Any

from ecdysis.files import write_json
from ecdysis.image.geometry import axis_change, orientation_of, permutation_and_flips
from ecdysis.image.grid import stored_shape
from ecdysis.image.sidecar import sidecar_of
from ecdysis.image.volume import read_anatomical, reoriented, write

GEOMETRY_FIELDS = (
    "pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
    "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z", "xyzt_units", "dim_info",
)  # fmt: skip
"""Header fields that describe the grid of the raw image; they are kept unchanged."""


def reorient(image: Path, output: Path, orientation: str) -> dict[str, Any]:
    """Write an anatomical image (one volume) in another orientation, and its sidecar.

    Data type, byte order, scale and header version stay those of the raw image. `orientation` names
    the positive ends of the new axes, such as ``RAS``, or is ``keep``. The result is the content of
    the sidecar: shapes, affines and orientations before and after, and warnings.

    Raises
    ------
    InputError
        The image or the orientation cannot be used.
    """
    volume, grid, warnings = read_anatomical(image)
    change = axis_change(orientation, grid.affine)
    permutation, flips = permutation_and_flips(change)
    result = reoriented(volume, change)
    facts = {
        "OriginalShape": list(stored_shape(grid.header)),
        "OriginalAffine": grid.affine.tolist(),
        "OriginalOrientation": orientation_of(grid.affine),
        "OriginalGeometry": {
            field: _plain(grid.header[field].tolist()) for field in GEOMETRY_FIELDS
        },
        "AffineSource": grid.source,
        "Orientation": orientation_of(result.affine),
        "AxisPermutation": list(permutation),
        "AxisFlips": list(flips),
        "ReorientedShape": list(result.stored.shape),
        "Warnings": warnings,
    }
    write(result, output)
    write_json(sidecar_of(output), facts)
    return facts


def _plain(value: Any) -> Any:
    """Convert a header field to JSON, which has no NaN and no infinity: they become null."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if math.isfinite(value) else None
