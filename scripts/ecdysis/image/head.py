"""Find the head in a T1-weighted image, for cropping.

The image is averaged to blocks of a few mm, which reduces noise and makes the search fast. The
intensity of tissue is the fixed point of AFNI's 3dClipLevel (R. W. Cox): the median of all values
above half of this median. The head is the largest group of blocks that are brighter than air by a
part of that intensity; other bright regions (ghosts, wrap-around) are ignored.
"""

import numpy as np

from ecdysis.image.arrays import Mask, Values
from ecdysis.image.components import largest_component
from ecdysis.image.geometry import Box, Voxels
from ecdysis.image.volume import Volume, are_numbers

BLOCK_MM = 4.0
"""Length of a block."""
CLIP = 0.5
"""Clip level as a part of the tissue's median: ``mfrac`` of 3dClipLevel."""
STANDS_OUT = 0.2
"""Minimum brightness of the head, as a fraction of the way from air to tissue: lower than blocks
that contain some scalp, higher than a usual N/2 ghost (a tenth)."""
ROUNDS = 100
"""Maximum number of iterations to the fixed point; about ten are needed."""
BRIGHTEST = 0.99
"""Quantile to which brighter blocks are cut, so that single hot voxels are not the head."""


def find_head(volume: Volume) -> Box | None:
    """Return the box around the head, in voxels of `volume`, exact to one block.

    None if no block is brighter than air.
    """
    blocks, edges = block_means(volume, BLOCK_MM)
    box = Box.around(head_blocks(blocks))
    if box is None:
        return None
    return Box.of(
        [[edge[start], edge[stop]] for edge, (start, stop) in zip(edges, box.pairs, strict=True)]
    )


def head_blocks(blocks: Values) -> Mask:
    """Return the mask of the blocks (from `block_means`) of the head; empty if none is bright."""
    return largest_component(blocks > _threshold(blocks))


def block_means(volume: Volume, length: float) -> tuple[Values, list[list[int]]]:
    """Average the intensities over blocks of about `length` mm; NaN counts as 0.

    The edges are, along each axis, the first voxel of each block and the end of the last one.
    """
    means: Voxels = volume.stored
    if means.dtype.kind == "f":
        means = np.where(are_numbers(means), means, volume.background)
    edges: list[list[int]] = []
    for axis in (2, 1, 0):
        size = volume.stored.shape[axis]
        step = max(1, round(length / volume.zooms_mm[axis]))
        starts = np.arange(0, size, step)
        ends = np.append(starts[1:], size)
        means = np.add.reduceat(means, starts, axis=axis, dtype=np.float64)
        means /= (ends - starts).reshape([-1 if other == axis else 1 for other in range(3)])
        edges.insert(0, [*starts.tolist(), size])
    slope, inter = volume.scaling
    return (means * slope + inter).astype(np.float32), edges


def _threshold(blocks: Values) -> float:
    # Squares of large intensities do not fit into 32 bits.
    values = blocks.astype(np.float64) - blocks.min()
    inside = values[values > 0]
    if not inside.size:
        return float(blocks.max())
    inside = np.minimum(inside, np.quantile(inside, BRIGHTEST))
    clip = float(np.sqrt(np.mean(inside**2)))
    for _ in range(ROUNDS):
        tissue = float(np.median(inside[inside >= clip]))
        if np.isclose(clip, CLIP * tissue, rtol=1e-4):
            break
        clip = CLIP * tissue
    dark = inside[inside < clip]
    air = float(np.quantile(dark, 0.5)) if dark.size else 0.0
    return float(blocks.min()) + air + STANDS_OUT * (tissue - air)
