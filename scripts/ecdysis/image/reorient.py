"""Reorienting permutes and flips the axes of an image; nothing is resampled.

Every voxel keeps its stored value and its place in the world. What was done is told as facts,
which go into the sidecar of the cropped image, so that `uncrop` can undo it.
"""

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ecdysis.errors import InputError
from ecdysis.image.geometry import Turn, orientation_of
from ecdysis.image.grid import stored_shape
from ecdysis.image.volume import Volume, read_anatomical, turned, write

GEOMETRY_FIELDS = (
    "pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
    "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z", "xyzt_units", "dim_info",
)  # fmt: skip
"""What the header of the raw image says about its grid; kept as it was, odd or not."""


class Reoriented(NamedTuple):
    """An image in another orientation, and what was done to it.

    Parameters
    ----------
    image : path
        The raw image.
    volume : Volume
        Of shape (X', Y', Z'), with the data type, byte order, scale and header version of the
        raw image.
    facts : dict
        Shapes, affines and orientations before and after, and warnings; fit for JSON.
    """

    image: Path
    volume: Volume
    facts: dict[str, Any]


def reorient(image: Path, orientation: str) -> Reoriented:
    """Read an anatomical image in another orientation.

    Parameters
    ----------
    image : path
        One volume of shape (X, Y, Z) or (X, Y, Z, 1...).
    orientation : str
        The positive ends of the new axes, such as ``RAS``, or ``keep``.

    Raises
    ------
    InputError
        The image or the orientation cannot be used.
    """
    volume, grid, warnings = read_anatomical(image)
    turn = Turn.to(orientation, grid.affine)
    result = turned(volume, turn)
    facts = {
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
    return Reoriented(image, result, facts)


@contextmanager
def reoriented_file(image: Path, orientation: str) -> Iterator[Path]:
    """Give an image in another orientation as a temporary ``.nii``, for programs that read files.

    Raises
    ------
    InputError
        The image or the orientation cannot be used; or what is raised about the temporary file,
        said of `image`.
    """
    volume = reorient(image, orientation).volume
    with tempfile.TemporaryDirectory(prefix="ecdysis-") as folder:
        file = Path(folder, "head.nii")
        write(volume, file)
        del volume
        try:
            yield file
        except InputError as error:
            if str(error.where) != str(file):
                raise
            raise InputError(image, error.problem, error.remedy) from error


def _plain(value: Any) -> Any:
    """Turn a header field into JSON, which has no NaN and no infinity: they become null."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if math.isfinite(value) else None
