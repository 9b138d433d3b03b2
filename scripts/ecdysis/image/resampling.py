"""Separable resampling between grids that share axes and centre: fast, small in memory."""

from collections.abc import Sequence

import numpy as np

from ecdysis.image.arrays import Values
from ecdysis.image.geometry import Affine, rotation_of, zooms_of


def isotropic_grid(
    shape: Sequence[int], affine: Affine, spacing: float
) -> tuple[tuple[int, ...], Affine]:
    """Lay a grid of cubic voxels (`spacing`, mm) over the field of another grid, along its axes.

    Its axes are orthogonal, since programs built on ITK refuse a sheared affine. The way back goes
    by voxel index, so that a small shear costs no accuracy.
    """
    zooms = zooms_of(affine)
    new_shape = np.maximum(np.ceil(np.array(shape) * zooms / spacing - 1e-3), 1).astype(int)
    new_affine = np.eye(4)
    new_affine[:3, :3] = rotation_of(affine) * spacing
    centre = affine[:3, :3] @ ((np.array(shape) - 1) / 2) + affine[:3, 3]
    new_affine[:3, 3] = centre - new_affine[:3, :3] @ ((new_shape - 1) / 2)
    return tuple(int(size) for size in new_shape), new_affine


def resample(
    data: Values,
    zooms: Sequence[float],
    shape: Sequence[int],
    new_zooms: Sequence[float],
    window: Sequence[slice] = (slice(None),) * 3,
) -> Values:
    """Resample a volume (I, J, K) to a grid of the same axes and the same centre.

    Along each axis the kernel is a triangle as wide as the larger of both voxel sizes (mm): linear
    interpolation when voxels get smaller, and free of aliasing when they get larger. `window` is
    the part of the new grid that is wanted.
    """
    if data.flags.f_contiguous and not data.flags.c_contiguous:
        # Samples are taken fast in C order only.
        reverse = resample(data.T, zooms[::-1], shape[::-1], new_zooms[::-1], window[::-1])
        return np.ascontiguousarray(reverse.T)
    # The axis that shrinks most goes first, since that makes the others cheap.
    order = np.argsort([shape[axis] / data.shape[axis] for axis in range(3)])
    for axis in order:
        weights = _weights(data.shape[axis], zooms[axis], shape[axis], new_zooms[axis])
        data = _weighted(data, weights[window[axis]], axis)
    return np.ascontiguousarray(data)


def _weighted(data: Values, weights: Values, axis: int) -> Values:
    """Replace the samples along an axis by sums, one for each row of `weights` (N, K).

    The weights of a row that are not 0 are few and adjacent.
    """
    starts = (weights > 0).argmax(axis=1)
    most = int((weights > 0).sum(axis=1).max())
    if most == 1 and np.all(np.diff(starts) == 1):
        return data[(slice(None),) * axis + (slice(starts[0], starts[-1] + 1),)]
    sums: Values = np.zeros(1, dtype=np.float32)
    for step in range(most):
        # Beyond the last weight, the row's own last sample gets the weight 0 there.
        at = np.minimum(starts + step, weights.shape[1] - 1)
        part = np.where(starts + step < weights.shape[1], weights[np.arange(len(at)), at], 0)
        sums = sums + data.take(at, axis) * part.reshape((-1,) + (1,) * (2 - axis))
    return sums


def _weights(size: int, zoom: float, new_size: int, new_zoom: float) -> Values:
    """Weights of the old samples of an axis (columns) in the new ones (rows)."""
    old = (np.arange(size) - (size - 1) / 2) * zoom
    new = (np.arange(new_size) - (new_size - 1) / 2) * new_zoom
    distance = np.abs(np.clip(new, old[0], old[-1])[:, None] - old[None, :])
    weights = np.clip(1 - distance / max(zoom, new_zoom), 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
