"""Intensity non-uniformity."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ecdysis.quality.sheet import NotComputableError

BLOCK_MM = 28.0
"""Edge of a block: smaller blocks may have no white matter, larger ones average a bias field."""
LEAST_BLOCKS = 20
BRIGHT = 90


def inu(field: NDArray[np.float32]) -> list[float]:
    """Range and median of the bias field.

    (P95 - P5) / median, and the median; the range is relative, since N4 leaves the scale of its
    field open (Tustison et al. 2010, doi:10.1109/TMI.2010.2046908).

    Parameters
    ----------
    field : float array (N,)
        The field by which N4 divides the image, at the voxels of the brain.
    """
    low, median, high = (float(part) for part in np.percentile(field, (5, 50, 95)))
    return [(high - low) / median, median]


def inu_blocks(
    values: NDArray[np.float32], inside: NDArray[np.bool_], spacing: Sequence[float]
) -> float:
    """Return how much the bright tissue varies between parts of the brain, without N4.

    In a T1w, percentile 90 of the intensities of a block is white matter almost everywhere. The
    measure is (P95 - P5) / median of all blocks that are at least half brain. It is our own measure
    and depends on anatomy too, so only images of one kind can be compared.

    Parameters
    ----------
    values : float array (X, Y, Z)
    inside : bool array (X, Y, Z)
        The brain.
    spacing : three floats
        Voxel size, mm.

    Raises
    ------
    NotComputableError
        There are too few such blocks, or the image is dark.
    """
    parts = [
        values[block][inside[block]]
        for block in _blocks(values.shape, spacing)
        if inside[block].mean() >= 0.5
    ]
    if len(parts) < LEAST_BLOCKS:
        raise NotComputableError(f"the brain fills fewer than {LEAST_BLOCKS} blocks of 28 mm")
    bright = [float(np.percentile(part, BRIGHT)) for part in parts]
    low, median, high = (float(part) for part in np.percentile(bright, (5, 50, 95)))
    if median <= 0:
        raise NotComputableError("the brain has no intensities above 0")
    return (high - low) / median


def _blocks(shape: Sequence[int], spacing: Sequence[float]) -> Iterator[tuple[slice, ...]]:
    """Cut an array into blocks of `BLOCK_MM`, those at its far edges smaller."""
    steps = [max(1, round(BLOCK_MM / size)) for size in spacing]
    starts = [range(0, length, step) for length, step in zip(shape, steps, strict=True)]
    for corner in product(*starts):
        yield tuple(slice(at, at + step) for at, step in zip(corner, steps, strict=True))
