"""Contrast and noise of the tissues, and their statistics."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecdysis.quality.sheet import NotComputableError

Values = NDArray[np.float32]

RAYLEIGH = float(np.sqrt(2 / (4 - np.pi)))
"""Ratio of the noise of a signal to that in air (Dietrich et al. 2007)."""
GAUSSIAN_MAD = 1.4826
"""Ratio of the standard deviation of a normal distribution to its median absolute deviation."""
LEAST_VOXELS = 100
"""Minimum number of voxels for the statistics of a tissue."""


@dataclass(frozen=True)
class Statistics:
    """Statistics of one tissue; `mad` is scaled by `GAUSSIAN_MAD`, `stdev` has n - 1."""

    median: float
    stdev: float
    mad: float


def statistics(values: Values, what: str) -> Statistics:
    """Compute the statistics of a tissue; NotComputableError for too few voxels."""
    if values.size < LEAST_VOXELS:
        raise NotComputableError(f"only {values.size} voxels are surely {what}")
    median = float(np.median(values))
    return Statistics(
        median,
        float(values.std(ddof=1, dtype=np.float64)),
        GAUSSIAN_MAD * float(np.median(np.abs(values - median))),
    )


def cjv(white: Statistics, grey: Statistics) -> float:
    """Coefficient of joint variation: (σ_WM + σ_GM) / |µ_WM - µ_GM|, µ median, σ scaled MAD.

    Ganzetti et al. 2016, doi:10.3389/fninf.2016.00010.
    """
    return (white.mad + grey.mad) / _contrast(white, grey)


def cnr(white: Statistics, grey: Statistics, air_stdev: float) -> float:
    """Contrast-to-noise ratio: |µ_WM - µ_GM| / sqrt(s_air² + s_WM² + s_GM²).

    Magnotta and Friedman 2006, doi:10.1007/s10278-006-0264-x.
    """
    noise = float(np.sqrt(air_stdev**2 + white.stdev**2 + grey.stdev**2))
    return _contrast(white, grey) / noise


def snr(tissue: Statistics) -> float:
    """Signal-to-noise ratio inside a tissue: µ / s, s with n - 1.

    Magnotta and Friedman 2006, doi:10.1007/s10278-006-0264-x.
    """
    if not tissue.stdev:
        raise NotComputableError("all voxels of a tissue are equal")
    return tissue.median / tissue.stdev


def snr_dietrich(tissue: Statistics, air_stdev: float) -> float:
    """Signal over the noise of the air: µ / (s_air sqrt(2 / (4 - π))).

    Dietrich et al. 2007, equation A.12, doi:10.1002/jmri.20969: Rayleigh noise in air has a
    deviation sqrt((4 - π) / 2) of that which the signal has.
    """
    return tissue.median / (RAYLEIGH * air_stdev)


def wm2max(white: Statistics, brightest: float) -> float:
    """Median of white matter over `brightest`, percentile 99.95 of the image.

    Esteban et al. 2017, doi:10.1371/journal.pone.0184661.
    """
    if not brightest > 0:
        raise NotComputableError("the brightest voxels are not above 0")
    return white.median / brightest


def with_mean(values: Mapping[str, float]) -> list[float]:
    """Return the values in order, and their mean."""
    return [*values.values(), float(np.mean(list(values.values())))]


def _contrast(white: Statistics, grey: Statistics) -> float:
    """|µ_WM - µ_GM|; NotComputableError when it is 0."""
    contrast = abs(white.median - grey.median)
    if not contrast:
        raise NotComputableError("grey and white matter are equally bright")
    return contrast
