"""Where an image shows air: around the upper head, away from it, and not masked.

Noise is measured in air (Mortamet et al. 2009, doi:10.1002/mrm.21992), above face and neck,
whose motion and wrap-around are no measure of the brain's image. Their plane runs from nasion to
cerebellum; here it lies level, a fixed distance below the vertex, which needs no registration,
so that images of every skull stripping method are measured alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ecdysis.image.geometry import superior_axis
from ecdysis.image.head import block_means, head_blocks
from ecdysis.image.volume import Volume
from ecdysis.quality.sheet import NotComputableError

Mask = NDArray[np.bool_]
Window = tuple[slice, slice, slice]


SAMPLE = 1_000_000
"""The level of air and head is taken of so many voxels."""
FEW_VOXELS = 27
"""In a block of fewer voxels noise may have one value; then its neighbours have to have it too."""


@dataclass(frozen=True)
class AirSearch:
    """Settings of the search; lengths in mm.

    Attributes
    ----------
    block : float
        Length of the blocks in which head and air are told apart.
    margin : float
        Air nearer than this to the head is left out: ringing and partial volume.
    below_vertex : float
        What lies further below the top of the head is left out. In the MNI152 head the eyes lie
        130 mm below it and nasion 140; a child's head of seven eighths has its eyes at 115 mm.
    most_blank : float
        Above this part of air that is masked, or of voxels with the lowest value, nothing is
        measured.
    least_voxels : int
        Fewer voxels of air give no measure.
    most_spreads : float
        Noise of magnitude images has a mean of fewer spreads; that of 64 coils has 16.
    bright_air : float
        Air has an offset only above this part of the median of the head.
    """

    block: float = 4.0
    margin: float = 10.0
    below_vertex: float = 100.0
    most_blank: float = 0.5
    least_voxels: int = 1000
    most_spreads: float = 16.0
    bright_air: float = 0.1


@dataclass(frozen=True)
class Surroundings:
    """Head and air in blocks; `edges` are the voxels at which blocks begin, and the end.

    Attributes
    ----------
    head : bool array (X', Y', Z')
    away : bool array (X', Y', Z')
        Outside the head and its margin.
    blank : bool array (X', Y', Z')
        All voxels have one value, or next to such a block: masked or padded, not measured.
    upper : three slices
        The blocks above the plane.
    """

    head: Mask
    away: Mask
    blank: Mask
    upper: Window
    edges: list[list[int]]

    @property
    def window(self) -> Window:
        """The voxels above the plane."""
        first, second, third = (
            slice(edge[part.start], edge[part.stop])
            for edge, part in zip(self.edges, self.upper, strict=True)
        )
        return first, second, third

    def voxels(self, blocks: Mask, part: Window | None = None) -> Mask:
        """Give every voxel of the image, or of the `upper` part, the value of its block."""
        part = part or (slice(None), slice(None), slice(None))
        result = blocks[part]
        for axis in range(3):
            lengths = np.diff(self.edges[axis])[part[axis]]
            result = np.repeat(result, lengths, axis=axis)
        return result


def survey(volume: Volume, search: AirSearch = AirSearch()) -> Surroundings:
    """Tell head, air and what is masked apart.

    Parameters
    ----------
    volume : Volume
        The whole image, with the air around the head; every voxel is a number.

    Raises
    ------
    NotComputableError
        Nothing stands out from the air.
    """
    means, edges = block_means(volume, search.block)
    head = _filled(head_blocks(means))
    if not head.any():
        raise NotComputableError("no head stands out from the air")
    spacing = [
        float(np.mean(np.diff(edge))) * zoom
        for edge, zoom in zip(edges, volume.zooms_mm, strict=True)
    ]
    away = ndimage.distance_transform_edt(~head, sampling=spacing) > search.margin
    blank = _blank(volume.stored, edges)
    axis, upwards = superior_axis(volume.affine)
    occupied = np.flatnonzero(head.any(axis=tuple(one for one in range(3) if one != axis)))
    depth = max(1, round(search.below_vertex / spacing[axis]))
    upper = [slice(0, size) for size in head.shape]
    upper[axis] = (
        slice(max(0, int(occupied[-1]) + 1 - depth), head.shape[axis])
        if upwards
        else slice(0, min(head.shape[axis], int(occupied[0]) + depth))
    )
    return Surroundings(head, away, blank, (upper[0], upper[1], upper[2]), edges)


def air_voxels(
    volume: Volume, around: Surroundings, search: AirSearch = AirSearch()
) -> tuple[Mask, Mask]:
    """Find the voxels of air and of head above the plane.

    Returns
    -------
    air, head : bool arrays, of the shape of ``around.window``

    Raises
    ------
    NotComputableError
        There is too little air, or it is masked.
    """
    outside = around.away[around.upper]
    masked = around.blank[around.upper] & outside
    if not outside.any():
        raise NotComputableError("no air lies beside the upper head: the field of view ends there")
    share = masked.sum() / outside.sum()
    if share > search.most_blank:
        raise NotComputableError(
            f"{share:.0%} of the air has been masked: there one value stands for all"
        )
    air = around.voxels(around.away & ~around.blank, around.upper)
    count = int(air.sum())
    if count < search.least_voxels:
        raise NotComputableError(f"only {count} voxels of air lie beside the upper head")
    values = volume.stored[around.window][air]
    lowest = float((values == values.min()).mean())
    if lowest > search.most_blank:
        raise NotComputableError(
            f"{lowest:.0%} of the voxels in air have the lowest value: no noise"
        )
    return air, around.voxels(around.head & ~around.blank, around.upper)


def zero_level(volume: Volume, around: Surroundings, search: AirSearch = AirSearch()) -> float:
    """Return the intensity of no signal: 0, or the lower end of the air if it has an offset.

    Magnitude images are not negative, so air below 0 has an offset. Air above 0 has an offset if
    no number of coils gives noise with so high a mean for its spread, and if it is bright.

    Parameters
    ----------
    volume : Volume
        The whole image; every voxel is a number.
    around : Surroundings
        Of `survey`.
    """
    outside = around.voxels(around.away & ~around.blank)
    if int(outside.sum()) < search.least_voxels:
        outside = around.voxels(around.away)
    if not outside.any():
        return 0.0
    slope, inter = volume.scaling
    air, head = (
        found[:: max(1, found.size // SAMPLE)].astype(np.float64) * slope + inter
        for found in (volume.stored[outside], volume.stored[around.voxels(around.head)])
    )
    lowest, low, median, high, top = (
        float(level) for level in np.quantile(air, (0.001, 0.25, 0.5, 0.75, 0.9))
    )
    constant = median > search.most_spreads * (high - low) / 1.349
    bright = lowest > search.bright_air * float(np.median(head))
    return lowest if top < 0 or (bright and constant) else 0.0


def _filled(head: Mask) -> Mask:
    """Fill what head surrounds in any plane: sinuses and bone are no air around the head."""
    result = ndimage.binary_closing(np.pad(head, 2), iterations=2)[2:-2, 2:-2, 2:-2]
    for axis in range(3):
        for plane in np.moveaxis(result, axis, 0):
            plane[...] = ndimage.binary_fill_holes(plane)
    filled: Mask = result
    return filled


def _blank(stored: NDArray[Any], edges: Sequence[Sequence[int]]) -> Mask:
    """Find the blocks in which all voxels have one value, and those next to them."""
    top, bottom = (_reduced(stored, edges, what) for what in (np.maximum, np.minimum))
    rings = 1
    if np.prod([edge[1] - edge[0] for edge in edges]) < FEW_VOXELS:
        top, bottom = ndimage.maximum_filter(top, 3), ndimage.minimum_filter(bottom, 3)
        rings = 2
    blank: Mask = top == bottom
    if blank.any():
        blank = ndimage.binary_dilation(blank, np.ones((3, 3, 3)), iterations=rings)
    return blank


def _reduced(stored: NDArray[Any], edges: Sequence[Sequence[int]], what: np.ufunc) -> NDArray[Any]:
    """Reduce an array to blocks by a ufunc, such as `np.maximum`."""
    for axis in (2, 1, 0):
        stored = what.reduceat(stored, edges[axis][:-1], axis=axis)
    return stored
