"""Read bias field and tissue maps, on the grid of the image that is measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from ecdysis.image.arrays import Values
from ecdysis.image.geometry import Affine, Box, zooms_of
from ecdysis.image.resampling import resample
from ecdysis.image.volume import Volume, read
from ecdysis.quality.sheet import NotComputableError
from ecdysis.skullstrip.itk import read_affine

FIELD_BOUNDS = (0.1, 10.0)
"""Limits of the bias field: outside the head its splines are unconstrained."""


@dataclass(frozen=True)
class Tissues:
    """The probabilities of CSF, GM and WM: of the image itself, on a box of its grid, or of a T1w.

    `to_t1w` is the ITK transform of points from the image to the T1w of its session.
    """

    files: tuple[Path, ...]
    to_t1w: Path | None = None


def intensities(volume: Volume, box: tuple[slice, ...]) -> Values:
    """Return the scaled values in a box."""
    slope, inter = volume.scaling
    values: Values = volume.stored[box].astype(np.float32)
    if (slope, inter) != (1.0, 0.0):
        values = values * np.float32(slope) + np.float32(inter)
    return values


def read_tissues(tissues: Tissues, volume: Volume, box: Box) -> list[Values]:
    """Read the probabilities of CSF, GM and WM in a box of an image.

    Maps of a T1w are resampled linearly with the rigid transform.
    """
    start = np.eye(4)
    start[:3, 3] = box.start
    to_world = volume.affine @ start
    maps = []
    for path in tissues.files:
        loaded = read(path)
        if tissues.to_t1w is not None:
            to_map = _inverse(loaded.affine) @ read_affine(tissues.to_t1w) @ to_world
            values = intensities(loaded, (slice(None),) * 3)
            maps.append(_resampled(values, to_map, box.shape))
            continue
        corner = np.rint((_inverse(loaded.affine) @ to_world)[:3, 3]).astype(int)
        part = Box.of([[at, at + size] for at, size in zip(corner, box.shape, strict=True)])
        if part & Box.whole(loaded.stored.shape) != part:
            raise NotComputableError("the brain mask is larger than the tissue maps")
        maps.append(intensities(loaded, part.slices))
    return maps


def read_field(path: Path, volume: Volume, window: Sequence[slice]) -> Values:
    """Resample the bias field of the working image to a part of the image's grid."""
    field = nib.load(path)
    values, zooms_mm = field.get_fdata(dtype=np.float32), zooms_of(field.affine).tolist()
    resampled = resample(values, zooms_mm, volume.stored.shape, volume.zooms_mm, window)
    return resampled.clip(*FIELD_BOUNDS)


def template_maps(files: Sequence[Path], affine: Path, like: nib.Nifti1Image) -> list[Values]:
    """Resample the template's tissue maps to the grid of an image (its first three dimensions).

    `affine` is the ITK transform of points from template to head.
    """
    to_template = _inverse(read_affine(affine)) @ like.affine
    maps = []
    for path in files:
        loaded = nib.load(path)
        to_map = _inverse(loaded.affine) @ to_template
        maps.append(_resampled(loaded.get_fdata(dtype=np.float32), to_map, like.shape[:3]))
    return maps


def _resampled(values: Values, to_values: Affine, shape: tuple[int, ...]) -> Values:
    """Resample an array linearly to a grid; `to_values` maps voxels of the grid to its voxels."""
    resampled: Values = ndimage.affine_transform(
        values, to_values[:3, :3], to_values[:3, 3], output_shape=shape, order=1
    )
    return resampled


def _inverse(affine: Affine) -> Affine:
    return np.linalg.inv(affine).astype(np.float64)
