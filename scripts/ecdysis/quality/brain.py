"""The part of an image around the brain, with its mask, bias field and tissue maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ecdysis.image.geometry import Affine, Box, zooms_of
from ecdysis.image.resampling import resample
from ecdysis.image.volume import Volume, read
from ecdysis.quality.sheet import NotComputableError
from ecdysis.skullstrip.itk import read_affine

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]

FIELD_BOUNDS = (0.1, 10.0)
"""Limits of the bias field: outside the head its splines are unconstrained."""


@dataclass(frozen=True)
class Tissues:
    """The tissue maps of an image.

    Attributes
    ----------
    files : tuple of Path
        Probabilities of CSF, GM and WM: of the image itself, on a box of its grid, or of the T1w
        of its session.
    to_t1w : Path or None
        The ITK transform of points from the image to that T1w.
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
    maps = []
    for path in tissues.files:
        loaded = read(path)
        start = np.eye(4)
        start[:3, 3] = box.start
        to_map = _inverse(loaded.affine) @ volume.affine @ start
        if tissues.to_t1w is not None:
            to_map = _inverse(loaded.affine) @ read_affine(tissues.to_t1w) @ volume.affine @ start
            values = intensities(loaded, (slice(None),) * 3)
            values = ndimage.affine_transform(
                values, to_map[:3, :3], to_map[:3, 3], output_shape=box.shape, order=1
            )
        else:
            corner = np.rint(to_map[:3, 3]).astype(int)
            whole = Box.whole(loaded.stored.shape)
            part = Box.of([[at, at + size] for at, size in zip(corner, box.shape, strict=True)])
            if part & whole != part:
                raise NotComputableError("the brain mask is larger than the tissue maps")
            values = intensities(loaded, part.slices)
        maps.append(values)
    return maps


def read_field(path: Path, volume: Volume, window: Sequence[slice]) -> Values:
    """Resample the bias field of the working image to a part of the image's grid."""
    field = nib.load(path)
    brought = resample(
        field.get_fdata(dtype=np.float32),
        zooms_of(field.affine).tolist(),
        volume.stored.shape,
        volume.zooms_mm,
        window,
    )
    return brought.clip(*FIELD_BOUNDS)


def template_maps(files: Sequence[Path], affine: Path, like: nib.Nifti1Image) -> list[Values]:
    """Resample the template's tissue maps to the grid of an image with the affine alignment.

    Parameters
    ----------
    files : sequence of Path
    affine : Path
        ITK transform of points from template to head.
    like : NIfTI image
        Its first three dimensions are the grid.
    """
    to_template = _inverse(read_affine(affine)) @ like.affine
    maps = []
    for path in files:
        loaded = nib.load(path)
        matrix = _inverse(loaded.affine) @ to_template
        values = loaded.get_fdata(dtype=np.float32)
        maps.append(
            ndimage.affine_transform(
                values, matrix[:3, :3], matrix[:3, 3], output_shape=like.shape[:3], order=1
            )
        )
    return maps


def _inverse(affine: Affine) -> Affine:
    return np.linalg.inv(affine).astype(np.float64)
