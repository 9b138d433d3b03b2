"""Read a brain mask on the grid of its image."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecdysis.image.arrays import Mask
from ecdysis.image.geometry import Affine, axis_change, orientation_of
from ecdysis.image.volume import Volume, read_anatomical, reoriented, require_same_grid


def read_mask(path: str | PathLike[str], volume: Volume) -> Mask:
    """Read a brain mask, in any order of axes, on the grid of its image; values above 0 are brain.

    Raises
    ------
    InputError
        The mask cannot be read, or it is on another grid.
    """
    return mask_on_grid(path, volume.stored.shape, volume.affine)


def mask_on_grid(path: str | PathLike[str], shape: Sequence[int], affine: Affine) -> Mask:
    """Read a mask on a grid given by its shape and affine; see `read_mask`."""
    raw = read_anatomical(path).volume
    mask = reoriented(raw, axis_change(orientation_of(affine), raw.affine))
    require_same_grid(mask, shape, affine, path)
    slope, intercept = mask.scaling
    values: NDArray[Any] = mask.stored * slope + intercept
    return np.asarray(values > 0)
