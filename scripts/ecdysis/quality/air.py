"""Find the air around the upper head that is neither masked nor close to the head.

Noise is measured in air (Mortamet et al. 2009, doi:10.1002/mrm.21992) above face and neck, because
their motion and wrap-around do not describe the image of the brain. Mortamet et al. use a plane
from nasion to cerebellum. Here the plane is horizontal, a fixed distance below the vertex. It needs
no registration, so the measure is the same for all skull-strip methods.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ecdysis.image.arrays import Mask
from ecdysis.image.geometry import superior_axis
from ecdysis.image.head import BLOCK_MM, block_means, head_blocks
from ecdysis.image.volume import Volume
from ecdysis.quality.background import NORMAL_IQR
from ecdysis.quality.sheet import NotComputableError

Window = tuple[slice, ...]


SAMPLE = 1_000_000
"""Number of voxels from which the level of air and head is estimated."""
FEW_VOXELS = 27
"""In a smaller block noise may have a single value; then the neighbours must have it too."""
MARGIN_MM = 10.0
"""Air nearer to the head is ignored because of ringing and partial volume."""
BELOW_VERTEX_MM = 100.0
"""Voxels further below the top of the head are ignored. In the MNI152 head the eyes are 130 mm and
nasion 140 mm below the top; in a child's head of seven eighths the eyes are at 115 mm."""
MOST_BLANK = 0.5
"""Nothing is measured if a larger fraction of the air is masked or has the lowest value."""
LEAST_VOXELS = 1000
"""Nothing is measured in fewer voxels of air."""
MOST_SPREADS = 16.0
"""Maximum mean of the noise of magnitude images, in spreads; with 64 coils it is 16."""
BRIGHT_AIR = 0.1
"""Air has an offset only above this fraction of the median of the head."""


@dataclass(frozen=True)
class Surroundings:
    """Head and air in blocks (X', Y', Z'); `edges` are their first voxels, and the image size."""

    head: Mask
    away: Mask
    """Outside the head and its margin."""
    blank: Mask
    """Masked or padded: all voxels have one value, or the block is next to such a block."""
    upper: Window
    """The blocks above the plane."""
    edges: list[list[int]]

    @property
    def window(self) -> Window:
        """The voxels above the plane."""
        return tuple(
            slice(edge[part.start], edge[part.stop])
            for edge, part in zip(self.edges, self.upper, strict=True)
        )

    def voxels(self, blocks: Mask, part: Window = (slice(None),) * 3) -> Mask:
        """Expand values of blocks to the voxels of the image, or of its `upper` part."""
        result = blocks[part]
        for axis in range(3):
            lengths = np.diff(self.edges[axis])[part[axis]]
            result = np.repeat(result, lengths, axis=axis)
        return result


def survey(volume: Volume) -> Surroundings:
    """Classify the blocks of a whole image, without NaN, as head, air or masked.

    Raises
    ------
    NotComputableError
        No block is brighter than air.
    """
    means, edges = block_means(volume, BLOCK_MM)
    head = _filled(head_blocks(means))
    if not head.any():
        raise NotComputableError("no head can be distinguished from the air")
    spacing = [
        float(np.mean(np.diff(edge))) * zoom
        for edge, zoom in zip(edges, volume.zooms_mm, strict=True)
    ]
    away = ndimage.distance_transform_edt(~head, sampling=spacing) > MARGIN_MM
    blank = _blank(volume.stored, edges)
    axis, upwards = superior_axis(volume.affine)
    occupied = np.flatnonzero(head.any(axis=tuple(other for other in range(3) if other != axis)))
    depth = max(1, round(BELOW_VERTEX_MM / spacing[axis]))
    upper = [slice(0, size) for size in head.shape]
    upper[axis] = (
        slice(max(0, int(occupied[-1]) + 1 - depth), head.shape[axis])
        if upwards
        else slice(0, min(head.shape[axis], int(occupied[0]) + depth))
    )
    return Surroundings(head, away, blank, tuple(upper), edges)


def air_voxels(volume: Volume, around: Surroundings) -> tuple[Mask, Mask]:
    """Return the voxels of air and of head above the plane, in the shape of ``around.window``.

    Raises
    ------
    NotComputableError
        There is too little air, or it is masked.
    """
    outside = around.away[around.upper]
    masked = around.blank[around.upper] & outside
    if not outside.any():
        raise NotComputableError(
            "there is no air next to the upper head: the field of view ends there"
        )
    share = masked.sum() / outside.sum()
    if share > MOST_BLANK:
        reason = f"{share:.0%} of the air has been masked: its voxels have one value"
        raise NotComputableError(reason)
    air = around.voxels(around.away & ~around.blank, around.upper)
    count = int(air.sum())
    if count < LEAST_VOXELS:
        raise NotComputableError(f"only {count} voxels of air are next to the upper head")
    values = volume.stored[around.window][air]
    lowest = float((values == values.min()).mean())
    if lowest > MOST_BLANK:
        raise NotComputableError(
            f"{lowest:.0%} of the voxels in air have the lowest value: no noise"
        )
    return air, around.voxels(around.head & ~around.blank, around.upper)


def zero_level(volume: Volume, around: Surroundings) -> float:
    """Return the intensity that means no signal: 0, or the lower end of air with an offset.

    Magnitude images are not negative, so air below 0 has an offset. Air above 0 has an offset if it
    is bright and its mean is too high for its spread with any number of coils.
    """
    outside = around.voxels(around.away & ~around.blank)
    if int(outside.sum()) < LEAST_VOXELS:
        outside = around.voxels(around.away)
    if not outside.any():
        return 0.0
    slope, inter = volume.scaling
    air, head = (
        intensities[:: max(1, intensities.size // SAMPLE)].astype(np.float64) * slope + inter
        for intensities in (volume.stored[outside], volume.stored[around.voxels(around.head)])
    )
    lowest, low, median, high, top = (
        float(level) for level in np.quantile(air, (0.001, 0.25, 0.5, 0.75, 0.9))
    )
    constant = median > MOST_SPREADS * (high - low) / NORMAL_IQR
    bright = lowest > BRIGHT_AIR * float(np.median(head))
    return lowest if top < 0 or (bright and constant) else 0.0


def _filled(head: Mask) -> Mask:
    """Fill holes of the head in each plane: sinuses and bone do not count as air."""
    result: Mask = ndimage.binary_closing(np.pad(head, 2), iterations=2)[2:-2, 2:-2, 2:-2]
    for axis in range(3):
        for plane in np.moveaxis(result, axis, 0):
            plane[...] = ndimage.binary_fill_holes(plane)
    return result


def _blank(stored: NDArray[Any], edges: Sequence[Sequence[int]]) -> Mask:
    """Return the blocks in which all voxels have one value, and those next to them."""
    top = bottom = stored
    for axis in (2, 1, 0):
        top = np.maximum.reduceat(top, edges[axis][:-1], axis=axis)
        bottom = np.minimum.reduceat(bottom, edges[axis][:-1], axis=axis)
    rings = 1
    if np.prod([edge[1] - edge[0] for edge in edges]) < FEW_VOXELS:
        top, bottom = ndimage.maximum_filter(top, 3), ndimage.minimum_filter(bottom, 3)
        rings = 2
    blank: Mask = top == bottom
    if blank.any():
        blank = ndimage.binary_dilation(blank, np.ones((3, 3, 3)), iterations=rings)
    return blank
