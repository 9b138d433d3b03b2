"""Read a brain mask on the grid of its image."""

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecdysis.image.geometry import axis_change, orientation_of
from ecdysis.image.volume import Volume, read_anatomical, reoriented, require_same_grid


def read_mask(path: str | PathLike[str], volume: Volume) -> NDArray[np.bool_]:
    """Read the brain mask of an image; values above 0 are brain.

    Parameters
    ----------
    path : path
        A mask on the grid of `volume`, in any order of axes.
    volume : Volume

    Returns
    -------
    bool array
        On the grid of `volume`.

    Raises
    ------
    InputError
        The mask cannot be read, or it is on another grid.
    """
    raw = read_anatomical(path).volume
    mask = reoriented(raw, axis_change(orientation_of(volume.affine), raw.affine))
    require_same_grid(mask, volume.stored.shape, volume.affine, path)
    slope, intercept = mask.scaling
    values: NDArray[Any] = mask.stored * slope + intercept
    return np.asarray(values > 0)
