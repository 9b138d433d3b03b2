"""Check by the image alone whether a brain mask ends where the brain ends.

BET (Smith 2002, doi:10.1002/hbm.10062) moves a surface along its normals to where the brain ends.
Here the intensities along the normals of a given mask are measured: directly outside a good mask
are fluid and bone, 2 to 3 mm inside is mostly tissue. A mask that cuts cortex has tissue outside;
a mask that is too large has fluid and bone inside. A shifted mask has one of each on opposite
sides, so each side is measured by itself.

Where fluid is bright, as in a T2w, the way from fluid to dark bone passes the intensities of
tissue. There, a border is wrong if neither fluid nor bone follows within 2 mm, or if bone lies
inside.
"""

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from ecdysis.image.arrays import Mask, Values
from ecdysis.image.distance import deeper_than
from ecdysis.image.geometry import Affine, Box
from ecdysis.image.resampling import isotropic_grid, resample
from ecdysis.skullstrip.working_image import NativeGrid

SPACING_MM = 2.0
MARGIN_MM = 12.0
"""Kept around the mask."""
OUTSIDE_MM = (0.0, 0.5, 1.0)
"""Heights above the border at which tissue is looked for."""
INSIDE_MM = (-3.0, -2.5, -2.0)
"""The same below the border. Tools that keep more fluid than ours still have tissue there."""
BRIGHT_FLUID_OUTSIDE_MM = (0.5, 1.0, 1.5, 2.0)
BRIGHT_FLUID_INSIDE_MM = (-3.0, -2.5, -2.0, -1.5)
"""The heights in images with bright fluid."""
BONE_BELOW, FLUID_ABOVE = 0.5, 1.4
"""Intensities of bone and bright fluid over the median of the brain; own choice. In a T2w made from
a label map, 90 % of the cortex lies between 0.83 and 1.32, 95 % of white matter above 0.57."""
DEEP_MM = 5.0
"""Depth in the mask from which the intensities of tissue are measured."""
LEVEL_SIGMA_MM = 24.0
"""Width of the average that follows the bias field."""
FINE_MM = 2.2
"""Largest voxel size along a normal. In larger voxels cortex and fluid mix."""
LEAST_POINTS = 50
BINS = 128
BELOW_THRESHOLD = 0.9
"""The thin cortex near the border is darker than deep grey matter, from which the threshold is."""
SIDES = {
    "right": (1, 0, 0), "left": (-1, 0, 0), "front": (0, 1, 0), "back": (0, -1, 0),
    "top": (0, 0, 1), "bottom": (0, 0, -1),
}  # fmt: skip
"""Directions in the world (RAS)."""
SIDE_COSINE = 0.7
"""Least cosine of the angle between a normal and the direction of its side: 45 degrees."""
WIDE_FLUID = ("top",)
"""Sides on which the fluid is so wide that masks of good tools differ by more than 3 mm."""

Bins = int | NDArray[np.intp]


def measure_border(mask: Mask, grid: NativeGrid, data: Values) -> dict[str, float]:
    """Measure the tissue on both sides of the border of a mask; `data` is the head on its grid.

    Returns
    -------
    dict
        Parts of the border, each on its worst side of the head. ``tissue_outside``: with tissue
        directly outside, called ``tissue_outside_in_slices`` where thick slices leave the border
        across them unmeasured; ``tissue_inside``: with tissue 2 to 3 mm inside. Where fluid is
        bright, ``matter_outside``: with neither fluid nor bone within 2 mm outside;
        ``bone_inside``: with bone 1.5 to 3 mm inside. Empty when voxels are too large or the mask
        is small.
    """
    shape, affine = isotropic_grid(grid.shape, grid.affine, SPACING_MM)
    spacing = (SPACING_MM,) * 3
    soft = resample(mask.astype(np.float32), grid.zooms, shape, spacing)
    head = resample(data, grid.zooms, shape, spacing)
    return _measure_sides(soft, head, affine, np.array(grid.zooms))


def _measure_sides(
    soft: Values, head: Values, affine: Affine, zooms: NDArray[np.float64]
) -> dict[str, float]:
    """Do the work of `measure_border` on cubic voxels; `soft` is the mask, 0 to 1."""
    around = Box.around(soft > 0.5)
    if around is None:
        return {}
    box = (around.grown(MARGIN_MM, (SPACING_MM,) * 3) & Box.whole(soft.shape)).slices
    flat = _without_bias(_from_air(head)[box], soft[box] > 0.5)
    if flat is None:
        return {}
    values, tissue = flat
    points, normals = _border(soft[box])
    fine = np.linalg.norm(normals * zooms, axis=1) <= FINE_MM
    points, normals = points[fine], normals[fine]

    def profiles(heights: Sequence[float]) -> Values:
        """Return the values at heights above the border: heights x points."""
        steps = np.array(heights) / SPACING_MM
        return np.stack([_sampled(values, points + step * normals) for step in steps])

    directions = normals @ (affine[:3, :3] / SPACING_MM).T
    sides = {
        side: directions @ np.array(direction) > SIDE_COSINE for side, direction in SIDES.items()
    }
    sides = {side: here for side, here in sides.items() if here.sum() >= LEAST_POINTS}
    if tissue is None:
        return _with_bright_fluid(
            profiles(BRIGHT_FLUID_OUTSIDE_MM), profiles(BRIGHT_FLUID_INSIDE_MM), [*sides.values()]
        )
    if not sides.keys() - set(WIDE_FLUID):
        return {}
    outside, inside = (
        ((part > tissue[0]) & (part < tissue[1])).mean(axis=0)
        for part in (profiles(OUTSIDE_MM), profiles(INSIDE_MM))
    )
    within = [inside[here].mean() for side, here in sides.items() if side not in WIDE_FLUID]
    name = "tissue_outside" if zooms.max() <= FINE_MM else "tissue_outside_in_slices"
    return {
        name: round(float(max(outside[here].mean() for here in sides.values())), 3),
        "tissue_inside": round(float(min(within)), 3),
    }


def _with_bright_fluid(outside: Values, inside: Values, sides: Sequence[Mask]) -> dict[str, float]:
    """Return the measures of an image with bright fluid, each of the worst side."""
    if not sides:
        return {}
    matter = np.all((outside > BONE_BELOW) & (outside < FLUID_ABOVE), axis=0)
    bone = np.any(inside < BONE_BELOW, axis=0)
    return {
        "matter_outside": round(float(max(matter[here].mean() for here in sides)), 3),
        "bone_inside": round(float(max(bone[here].mean() for here in sides)), 3),
    }


def tissue_bounds(values: Values) -> tuple[float, float] | None:
    """Return the intensities between which the tissue of a brain lies; None where fluid is bright.

    `values` (N,) are those deep inside the brain, without bias field. The lower bound lies a little
    below the lower of two thresholds that divide them into classes of least variance (Otsu 1979,
    doi:10.1109/TSMC.1979.4310076). Fluid is the longer of the two tails.
    """
    darkest, middle, high = (float(value) for value in np.percentile(values, (2, 50, 98)))
    if middle - darkest <= high - middle:
        return None
    return BELOW_THRESHOLD * _fluid_threshold(values), high


def _fluid_threshold(values: Values) -> float:
    """Return the lower of Otsu's two thresholds."""
    counts, edges = np.histogram(values, BINS, tuple(np.percentile(values, (0.1, 99.9))))
    weight = np.concatenate([[0.0], np.cumsum(counts)])
    total = np.concatenate([[0.0], np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)])

    def between(first: Bins, last: Bins) -> NDArray[np.float64]:
        """Variance between classes, up to a constant, of the bins from `first` to `last`."""
        squared: NDArray[np.float64] = (total[last] - total[first]) ** 2 / np.maximum(
            weight[last] - weight[first], 1
        )
        return squared

    low, high = np.triu_indices(BINS, 1)
    best = np.argmax(between(0, low) + between(low, high) + between(high, BINS))
    return float(edges[low[best]])


def _without_bias(head: Values, inside: Mask) -> tuple[Values, tuple[float, float] | None] | None:
    """Return the head over the level of tissue nearby, and `tissue_bounds` of it.

    None when the mask has too few deep voxels.
    """
    deep = deeper_than(inside, DEEP_MM, SPACING_MM)
    if deep.sum() < 1000:
        return None
    values = head[deep]
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    typical = (deep & (np.abs(head - middle) <= 2 * spread)).astype(np.float32)
    sigma = LEVEL_SIGMA_MM / SPACING_MM
    weight = scipy.ndimage.gaussian_filter(typical, sigma)
    level = scipy.ndimage.gaussian_filter(head * typical, sigma) / np.maximum(weight, 1e-6)
    level = np.where(weight > 1e-3, level, middle)
    flat = head / np.maximum(level, max(1e-3 * middle, 1e-6))
    return flat, tissue_bounds(flat[deep])


def _from_air(head: Values) -> Values:
    """Subtract the level of air and cut the brightest voxels."""
    low, high = np.percentile(head, (0.5, 99.9))
    result: Values = np.clip(head, low, high) - np.float32(low)
    return result


def _border(soft: Values) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points where a soft mask is 0.5, in voxels, and the normals that point outside."""
    inside = soft > 0.5
    edge = inside & ~scipy.ndimage.binary_erosion(inside)
    smooth = scipy.ndimage.gaussian_filter(soft, 1.0)
    slope = -np.stack([part[edge] for part in np.gradient(smooth)], axis=1)
    normals = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6)
    starts = np.argwhere(edge).astype(np.float64)
    steps = np.arange(-1.5, 1.51, 0.125)
    values = [_sampled(soft, starts + step * normals) for step in steps]
    nearest = steps[np.abs(np.array(values) - 0.5).argmin(axis=0)]
    return starts + nearest[:, None] * normals, normals


def _sampled(volume: Values, points: NDArray[np.float64]) -> Values:
    """Return the values of a volume at points (N, 3) in voxels, linear between voxels."""
    values: Values = scipy.ndimage.map_coordinates(volume, points.T, order=1, mode="nearest")
    return values
