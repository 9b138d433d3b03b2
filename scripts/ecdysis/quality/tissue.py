"""Measures of the tissues: contrast, noise, volumes, partial volume, overlap with the template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ecdysis.image.arrays import Mask, Values
from ecdysis.quality.sheet import NotComputableError

RAYLEIGH = float(np.sqrt(2 / (4 - np.pi)))
"""Ratio of the noise of a signal to that in air (Dietrich et al. 2007)."""
GAUSSIAN_MAD = 1.4826
"""Ratio of the standard deviation of a normal distribution to its median absolute deviation."""
LEAST_VOXELS = 100
"""Minimum number of voxels for the statistics of a tissue."""
SURE = 0.85
"""Minimum probability of voxels for the statistics of a tissue (as in MRIQC)."""
ERODE_BELOW_MM = 1.9
"""The outermost layer is removed only from smaller voxels (as in MRIQC)."""


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


def sure_mask(probability: Values, spacing: Sequence[float]) -> Mask:
    """Return the voxels that are surely a tissue: above `SURE`, without the outermost layer.

    The outermost layer are the voxels with a neighbour outside that shares a face or an edge.
    `probability` has the shape (X, Y, Z); `spacing` is the voxel size (mm).
    """
    mask: Mask = probability > SURE
    if max(spacing) < ERODE_BELOW_MM:
        mask = ndimage.binary_erosion(mask, ndimage.generate_binary_structure(3, 2))
    return mask


def volume_fractions(probabilities: Sequence[Values]) -> list[float]:
    """Fraction of each tissue: Σ p_k / Σ_k Σ p_k.

    Esteban et al. 2017, doi:10.1371/journal.pone.0184661.
    """
    sums = [float(probability.sum(dtype=np.float64)) for probability in probabilities]
    total = sum(sums)
    if not total:
        raise NotComputableError("the tissue maps are empty")
    return [probability / total for probability in sums]


def rpve(probability: Values) -> float:
    """Residual partial volume: mean of min(p, 1 - p) over voxels with P2 <= p <= P98, p > 0.

    After Esteban et al. 2017, doi:10.1371/journal.pone.0184661, with two differences. Their sum
    grows as voxels get purer although lower is called better, so the complement is used here.
    Voxels beyond the percentiles are ignored instead of being counted as 0.
    """
    values = probability[probability > 0]
    if not values.size:
        raise NotComputableError("a tissue map is empty")
    low, high = np.percentile(values, (2, 98))
    kept = values[(values >= low) & (values <= high)]
    return float(np.minimum(kept, 1 - kept).mean(dtype=np.float64))


def fuzzy_jaccard(probability: Values, other: Values) -> float:
    """Overlap of two maps of one shape: Σ min(p, q) / Σ max(p, q).

    Crum et al. 2006, doi:10.1109/TMI.2006.880587.
    """
    union = float(np.maximum(probability, other).sum(dtype=np.float64))
    if not union:
        raise NotComputableError("a tissue map is empty")
    return float(np.minimum(probability, other).sum(dtype=np.float64)) / union
