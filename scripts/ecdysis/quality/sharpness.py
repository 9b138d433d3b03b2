"""Smoothness of an image inside the brain."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecdysis.quality.sheet import NotComputableError

AXES = ("left-right", "back-front", "foot-head")

LEAST_CORRELATION = 0.05
"""Correlation of neighbours below which an image is white noise; own choice: noise has 0 ± 0.01; an
image whose neighbours correlate by 0.8, in noise as strong as itself, has 0.4."""


def fwhm(
    values: NDArray[np.float32], inside: NDArray[np.bool_], spacing: Sequence[float]
) -> list[float]:
    """Full width at half maximum, mm, of the Gaussian that would smooth white noise as much.

    Forman et al. 1995, doi:10.1002/mrm.1910330508, in the form of AFNI's 3dFWHMx (classic): of
    two neighbours at the distance d the correlation is ρ = 1 - v/2V, with v the variance of
    their difference and V that of the intensities. A Gaussian kernel makes it
    exp(-d² 2 ln 2 / FWHM²), so FWHM = d sqrt(-2 ln 2 / ln ρ). Both neighbours must be inside.

    Parameters
    ----------
    values : float array (X, Y, Z)
    inside : bool array (X, Y, Z)
    spacing : three floats
        mm between neighbours along each axis.

    Returns
    -------
    list of three floats
        Along each axis of the array.

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
                "neighbours in the brain mask are no more alike than others: white noise", look=True
            )
        widths.append(float(step * np.sqrt(-2 * np.log(2) / np.log(correlation))))
    return widths
