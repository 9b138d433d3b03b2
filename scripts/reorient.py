"""Reorient an anatomical image by permuting and flipping its axes; nothing is resampled.

Every voxel keeps its stored value and its place in the world. The facts that are written
beside the image say what was done, so that `uncrop` can undo it.
"""

import math
from pathlib import Path
from typing import Any

from lib.files import write_json
from lib.image.geometry import Turn, orientation_of
from lib.image.grid import stored_shape
from lib.image.volume import read_anatomical, turned, write

GEOMETRY_FIELDS = (
    "pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
    "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z", "xyzt_units", "dim_info",
)  # fmt: skip
"""What the header of the raw image says about its grid; kept as it was, odd or not."""


def reorient(image: Path, output: Path, facts: Path, orientation: str) -> dict[str, Any]:
    """Write `image` in another orientation, and the facts of it.

    Parameters
    ----------
    image : Path
        An anatomical image, one volume of shape (X, Y, Z) or (X, Y, Z, 1...).
    output : Path
        The reoriented image, of shape (X', Y', Z') with the data type, byte order, scale and
        header version of `image`.
    facts : Path
        The JSON file for the facts.
    orientation : str
        The positive ends of the new axes, such as ``RAS``, or ``keep``.

    Returns
    -------
    dict
        The facts: shapes, affines and orientations before and after, and warnings.

    Raises
    ------
    InputError
        The image or the orientation cannot be used.
    """
    volume, grid, warnings = read_anatomical(image)
    turn = Turn.to(orientation, grid.affine)
    result = turned(volume, turn)
    found = {
        "OriginalShape": list(stored_shape(grid.header)),
        "OriginalAffine": grid.affine.tolist(),
        "OriginalOrientation": orientation_of(grid.affine),
        "OriginalGeometry": {
            field: _plain(grid.header[field].tolist()) for field in GEOMETRY_FIELDS
        },
        "AffineSource": grid.source,
        "Orientation": orientation_of(result.affine),
        "AxisPermutation": list(turn.permutation),
        "AxisFlips": list(turn.flips),
        "ReorientedShape": list(result.stored.shape),
        "Warnings": warnings,
    }
    write(result, output)
    write_json(facts, found)
    return found


def _plain(value: Any) -> Any:
    """Turn a header field into JSON, which has no NaN and no infinity: they become null."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if math.isfinite(value) else None


if "snakemake" in globals():
    from lib.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "reorient") as details:
        details.update(
            reorient(
                Path(job.input.image),
                Path(job.output.image),
                Path(job.output.facts),
                orientation=job.params.orientation,
            )
        )
