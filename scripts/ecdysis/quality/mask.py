"""Measures of a brain mask that need no reference mask."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecdysis.image.geometry import Box
from ecdysis.quality.sheet import NotComputableError
from ecdysis.skullstrip.mask_check import edge_area, fragment_fraction

Mask = NDArray[np.bool_]


def mask_figures(brain: Mask, head: Mask, spacing: Sequence[float]) -> list[float]:
    """Volume (mL), area at the edge of the field (cm²), part in fragments, part outside the head.

    Parameters
    ----------
    brain, head : bool arrays (X, Y, Z)
    spacing : three floats
        Voxel size, mm.
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
