"""Which voxels lie near a mask: exact and fast for small radii."""

import numpy as np

from ecdysis.image.arrays import Mask


def within(mask: Mask, radius: float, spacing: float) -> Mask:
    """Return the voxels whose centre is at most `radius` from the centre of a voxel of `mask`.

    Squared Euclidean distances are separable: the minimum along one axis after the other (Saito and
    Toriwaki 1994, doi:10.1016/0031-3203(94)90133-3), here over neighbours within the radius only.
    `mask` has the shape (X, Y, Z); `spacing` is the edge of the cubic voxels (mm).

    Examples
    --------
    >>> within(np.array([[[0, 0, 0, 1, 0]]], dtype=bool), 2.0, 1.0).astype(int).tolist()
    [[[0, 1, 1, 1, 1]]]
    """
    limit = (radius / spacing) ** 2 + 1e-6
    reach = int(limit**0.5)
    most = (reach + 1) ** 2
    squared = np.where(mask, 0, most).astype(np.min_scalar_type(most + reach**2))
    for axis in range(mask.ndim):
        before = np.moveaxis(squared, axis, 0)
        after = before.copy()
        for step in range(1, min(reach, len(before) - 1) + 1):
            np.minimum(after[step:], before[:-step] + step**2, out=after[step:])
            np.minimum(after[:-step], before[step:] + step**2, out=after[:-step])
        squared = np.moveaxis(after, 0, axis)
    return np.asarray(squared <= limit)


def deeper_than(mask: Mask, depth: float, spacing: float) -> Mask:
    """Return the voxels of `mask` that are more than `depth` (mm) from every voxel outside it."""
    return ~within(~mask, depth, spacing)
