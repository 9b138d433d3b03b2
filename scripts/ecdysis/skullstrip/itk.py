"""Affine transforms as ITK stores them, read and written as matrices of RAS millimetres.

ITK transforms map points of the fixed image to the moving one, in LPS, about a centre.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy

from ecdysis.files import write_json
from ecdysis.image.geometry import Affine
from ecdysis.image.sidecar import sidecar_of

LPS = np.array([-1.0, -1.0, 1.0])
"""ITK stores points in LPS, NIfTI in RAS."""


def read_affine(path: Path) -> Affine:
    """Read an affine or rigid transform, a MATLAB or a text file of ITK; world to world.

    Raises
    ------
    ValueError
        It is a transform of another kind.
    """
    values, centre = _text(path) if path.suffix == ".txt" else _matlab(path)
    if values.size != 12:
        raise ValueError(f"{path.name} holds {values.size} numbers, not the 12 of an affine")
    matrix, shift = values[:9].reshape(3, 3), values[9:]
    result = np.eye(4)
    result[:3, :3] = matrix * np.outer(LPS, LPS)
    result[:3, 3] = (shift + centre - matrix @ centre) * LPS
    return result


def write_affine(affine: Affine, path: Path, centre: Affine | None = None) -> None:
    """Write a world-to-world matrix as a text file of ITK.

    `affine` (4, 4) leads from points of the fixed image to points of the moving one; an optimiser
    turns and scales about `centre` (3,). Both are in RAS, mm.
    """
    middle = np.zeros(3) if centre is None else centre * LPS
    matrix = affine[:3, :3] * np.outer(LPS, LPS)
    shift = affine[:3, 3] * LPS - middle + matrix @ middle
    numbers = " ".join(f"{number:.10g}" for number in (*matrix.ravel(), *shift))
    path.write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        f"Parameters: {numbers}\n"
        f"FixedParameters: {' '.join(f'{number:.10g}' for number in middle)}\n",
        encoding="ascii",
    )


def describe_transforms(
    transforms: tuple[Path, Path],
    contrast: str,
    space: str,
    sources: Sequence[str],
    kind: str,
    *,
    lesion: bool = False,
) -> None:
    """Write the sidecars of transforms to a space and back; `kind` says how they were found."""
    about_lesion = {"LesionMasked": True} if lesion else {}
    for file, start, end in zip(transforms, (contrast, space), (space, contrast), strict=True):
        words = f"Resamples an image from {start} to {end}: {kind}, for antsApplyTransforms"
        content = {"Description": words, "Sources": list(sources), **about_lesion}
        write_json(sidecar_of(file), content)


def _matlab(path: Path) -> tuple[Affine, Affine]:
    content = scipy.io.loadmat(path)
    centre = np.asarray(content.pop("fixed"), dtype=np.float64).ravel()
    values = next(value for key, value in content.items() if not key.startswith("__"))
    return np.asarray(values, dtype=np.float64).ravel(), centre


def _text(path: Path) -> tuple[Affine, Affine]:
    lines = dict(
        line.split(":", 1) for line in path.read_text(encoding="ascii").splitlines() if ":" in line
    )
    parts = [np.array(lines[key].split(), float) for key in ("Parameters", "FixedParameters")]
    return parts[0], parts[1]
