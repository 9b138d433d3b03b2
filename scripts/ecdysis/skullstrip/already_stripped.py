"""Recognise an image whose skull was stripped before: a brain on a constant background."""

import numpy as np
import scipy

from ecdysis.image.arrays import Mask, Values
from ecdysis.image.components import filled, largest_component
from ecdysis.image.geometry import faces
from ecdysis.skullstrip.working_image import NativeGrid

BACKGROUND_FRACTION = 0.4
"""Least part of the field that has one value outside a stripped brain; own choice."""
VOLUME_ML = (500.0, 2200.0)
"""Volumes of a brain with its fluid; own choice. The head of an adult without its neck has 3000 mL
and more."""
SURELY_LARGER = 1.2
"""Part of the largest volume from which every eighth voxel leaves no doubt; own choice."""


def stripped_brain(data: Values, grid: NativeGrid) -> Mask | None:
    """Return the brain of an image without skull, or None for any other image.

    The background must have one value. The rest must be one piece of the size of a brain, and its
    outermost millimetres must be tissue or fluid, not the dark ring of a skull under a scalp.
    `data` has the shape (X, Y, Z).
    """
    background = np.median(np.concatenate([face.ravel() for face in faces(data)]))
    foreground = data != background
    if foreground.mean() > 1 - BACKGROUND_FRACTION or not foreground.any():
        return None
    voxel_ml = float(np.prod(grid.zooms)) / 1000
    # Every eighth voxel shows in little time that a head is too large.
    coarse = largest_component(foreground[::2, ::2, ::2])
    if coarse.sum() * 8 * voxel_ml > SURELY_LARGER * VOLUME_ML[1]:
        return None
    brain = filled(largest_component(foreground))
    volume = float(brain.sum()) * voxel_ml
    if not VOLUME_ML[0] <= volume <= VOLUME_ML[1] or _has_skull(data - background, brain, grid):
        return None
    return brain


def _has_skull(data: Values, brain: Mask, grid: NativeGrid) -> bool:
    """Return whether intensities fall and rise again on the way from the border to the middle.

    In a head, bone lies under the scalp: a layer within 20 mm of the border is darker than half of
    the layers on both sides of it.
    """
    depth = scipy.ndimage.distance_transform_edt(brain, sampling=grid.zooms)
    step = max(2.0, *grid.zooms)
    layers = [data[(depth > low) & (depth <= low + step)] for low in np.arange(0, 24, step)]
    means = [float(np.median(layer)) for layer in layers if layer.size]
    return any(
        means[at] < 0.6 * max(means[:at]) and means[at] < 0.6 * max(means[at + 1 :])
        for at in range(1, len(means) - 1)
    )
