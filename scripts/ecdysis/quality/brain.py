"""Measures inside the brain mask: the mask itself, the bias field, and smoothness."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from ecdysis.image.arrays import Mask, Values
from ecdysis.image.geometry import Box
from ecdysis.quality.sheet import NotComputableError
from ecdysis.skullstrip.mask_check import edge_area, fragment_fraction

BLOCK_MM = 28.0
"""Edge of a block: smaller blocks may have no white matter, larger ones average a bias field."""
LEAST_BLOCKS = 20
BRIGHT = 90
LEAST_CORRELATION = 0.05
"""An image whose neighbours correlate less is white noise. Own choice: noise has 0 ± 0.01; an image
with a correlation of 0.8 and noise of the same strength has 0.4."""


def mask_figures(brain: Mask, head: Mask, spacing: Sequence[float]) -> list[float]:
    """Return volume (mL), area at the edge (cm²), fractions in fragments and outside the head.

    The masks have the shape (X, Y, Z); `spacing` is the voxel size (mm).
    """
    box = Box.around(brain)
    if box is None:
        raise NotComputableError("the brain mask is empty")
    voxels = int(brain.sum())
    return [
        voxels * float(np.prod(spacing)) / 1000,
        edge_area(brain, spacing) / 100,
        fragment_fraction(brain[box.slices]),
        1 - int((brain & head).sum()) / voxels,
    ]


def inu(field: Values) -> list[float]:
    """Return range, (P95 - P5) / median, and median of the bias field in the brain (N,).

    The range is relative, since the scale of the field of N4 is arbitrary (Tustison et al. 2010,
    doi:10.1109/TMI.2010.2046908).
    """
    low, median, high = (float(part) for part in np.percentile(field, (5, 50, 95)))
    return [(high - low) / median, median]


def inu_blocks(values: Values, inside: Mask, spacing: Sequence[float]) -> float:
    """Return how much the bright tissue varies between parts of the brain, without N4.

    In a T1w, percentile 90 of the intensities of a block is white matter almost everywhere. The
    measure is (P95 - P5) / median of all blocks that are at least half brain. It is our own measure
    and depends on anatomy too, so only images of one kind can be compared. The arrays have the
    shape (X, Y, Z); `spacing` is the voxel size (mm).

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
    """Yield the blocks of `BLOCK_MM` of an array; those at its far edges are smaller."""
    steps = [max(1, round(BLOCK_MM / size)) for size in spacing]
    starts = [range(0, length, step) for length, step in zip(shape, steps, strict=True)]
    for corner in product(*starts):
        yield tuple(slice(at, at + step) for at, step in zip(corner, steps, strict=True))


def fwhm(values: Values, inside: Mask, spacing: Sequence[float]) -> list[float]:
    """Full width at half maximum, mm, of the Gaussian that would smooth white noise as much.

    Forman et al. 1995, doi:10.1002/mrm.1910330508, in the form of AFNI's 3dFWHMx (classic): of two
    neighbours at the distance d the correlation is ρ = 1 - v/2V, with v the variance of their
    difference and V that of the intensities. A Gaussian kernel makes it exp(-d² 2 ln 2 / FWHM²), so
    FWHM = d sqrt(-2 ln 2 / ln ρ). Both neighbours must be inside. The arrays have the shape (X, Y,
    Z), and `spacing` and the result one length (mm) for each axis.

    Raises
    ------
    NotComputableError
        All values are equal, or neighbours are not correlated.
    """
    variance = float(values[inside].var(dtype=np.float64))
    if not variance:
        raise NotComputableError("all voxels of the brain are equal")
    widths = []
    for axis, step in enumerate(spacing):
        first, second = (
            tuple(part if other == axis else slice(None) for other in range(3))
            for part in (slice(None, -1), slice(1, None))
        )
        pairs = inside[first] & inside[second]
        change = (values[second] - values[first])[pairs]
        if not change.size:
            raise NotComputableError("the brain mask is one voxel thick")
        correlation = 1 - float(change.var(dtype=np.float64)) / (2 * variance)
        if not correlation > LEAST_CORRELATION:
            raise NotComputableError(
                "neighbouring voxels in the brain mask are not correlated: white noise", look=True
            )
        widths.append(float(step * np.sqrt(-2 * np.log(2) / np.log(correlation))))
    return widths
