"""Measures of the air around the head: noise, ghosts and other artefacts."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, special

from ecdysis.image.arrays import Mask, Values
from ecdysis.quality.sheet import NotComputableError

SPREADS = 5.0
"""Minimum distance of artefacts above the median of the air, in spreads. Rayleigh noise reaches it
in one of 20,000 voxels, never with all six neighbours. MRIQC uses 10 and misses faint ghosts."""
NORMAL_IQR = 1.349
"""Ratio of the interquartile range of a normal distribution to its standard deviation."""
SAMPLE = 1_000_000
"""Number of voxels from which quantiles are estimated."""
BINS = 64
"""Bins of the histogram of the noise, from 0 to its percentile 99.9."""
CHANNELS = np.geomspace(0.4, 64, 2000)
"""Range of the effective number of coil channels; below 1, noise is more peaked than Rayleigh's."""


@dataclass(frozen=True)
class Noise:
    """The air of an image without artefacts: intensities (N,), and their standard deviation.

    `stdev` is without the part of rounding, and above 0; `artefacts` is QI1, the fraction of
    artefact voxels in the air; `step` is the smallest difference of two intensities, 0 if they are
    continuous.
    """

    values: Values
    stdev: float
    artefacts: float
    step: float


def noise_of(values: Values, air: Mask, step: float) -> Noise:
    """Separate the air into noise and artefacts, after Mortamet et al. 2009, doi:10.1002/mrm.21992.

    Artefacts are voxels above the median of the air by `SPREADS` spreads that are connected with a
    voxel whose six neighbours are bright too; the spread is the interquartile range / 1.349. The
    arrays have the shape (X, Y, Z); for `step` see `Noise`.
    """
    inside = values[air]
    low, median, high = quantiles(inside[:: max(1, inside.size // SAMPLE)], (0.25, 0.5, 0.75), step)
    if not high > low:
        raise NotComputableError("the air has no noise")
    threshold = median + SPREADS * (high - low) / NORMAL_IQR
    artefact = _clusters(air & (values > threshold))
    count = int(artefact.sum())
    noise = values[air & ~artefact] if count else inside
    # Rounding adds step²/12 to the variance (Sheppard).
    variance = float(noise.var(ddof=1, dtype=np.float64)) - step**2 / 12
    if not variance > 0:
        raise NotComputableError("the air has no noise except from rounding")
    return Noise(noise, float(np.sqrt(variance)), count / inside.size, step)


def quantiles(values: Values, parts: tuple[float, ...], step: float) -> list[float]:
    """Return quantiles of intensities that are rounded to multiples of `step`.

    Intensities are assumed to be uniform in the interval of `step` around each rounded value
    (quantiles of grouped data), so that noise of a few steps has a spread too.
    """
    levels, counts = np.unique(values, return_counts=True)
    above = np.cumsum(counts) / values.size
    edges = np.append(levels[0] - step / 2, levels + step / 2)
    return [float(value) for value in np.interp(parts, np.append(0, above), edges)]


def _clusters(bright: Mask) -> Mask:
    """Keep the face-connected components of a mask that contain a voxel and its six neighbours.

    This equals the erosion and bounded dilation of Mortamet et al.
    """
    core: Mask = ndimage.binary_erosion(bright)
    return ndimage.binary_propagation(core, mask=bright) if core.any() else core


def fber(values: Values, head: Mask, air: Mask) -> float:
    """Foreground-background energy ratio: mean of x² in the head over that in the air.

    Shehzad et al. 2015, doi:10.3389/conf.fnins.2015.91.00047.
    """
    foreground, background = (
        float(np.mean(np.square(values[mask], dtype=np.float64))) for mask in (head, air)
    )
    if not background:
        raise NotComputableError("the air has no energy")
    return foreground / background


def efc(values: Values, drop: Mask | None = None) -> float:
    """Entropy focus criterion: -Σ (x/m) ln(x/m) / (√N ln √N), m = sqrt(Σ x²); x is (X, Y, Z).

    Atkinson et al. 1997, doi:10.1109/42.650886, over its value for N equal voxels: 0 for one bright
    voxel, 1 for equal voxels. Negative values count as 0. Voxels to `drop` (masked, padded) do not
    count.
    """
    count = values.size if drop is None else int((~drop).sum())
    total = squares = entropy = 0.0
    for index in range(values.shape[2]):  # One plane at a time, to save memory.
        plane = np.maximum(values[..., index], 0).astype(np.float64)
        if drop is not None:
            plane = plane[~drop[..., index]]
        total += float(plane.sum())
        squares += float(np.square(plane).sum())
        entropy += float(special.xlogy(plane, plane).sum())
    if not squares or count < 2:
        raise NotComputableError("the image is empty")
    norm = np.sqrt(squares)
    # Σ (x/m) ln(x/m) = (Σ x ln x - ln m Σ x) / m
    estimate = -(entropy - np.log(norm) * total) / norm
    return float(estimate / (np.sqrt(count) * np.log(np.sqrt(count))))


def qi_2(noise: Noise) -> float:
    """QI1 plus the misfit of a χ distribution to the noise: Σ |H - G| from x2 upwards.

    After Mortamet et al. 2009, doi:10.1002/mrm.21992. H is the fraction of the noise in each bin, G
    that of the fitted distribution, x2 the first bin right of the mode of H with less than half of
    it; the last bin has no upper end.
    """
    top = float(np.quantile(noise.values[:: max(1, noise.values.size // SAMPLE)], 0.999))
    # Bin edges are half-way between the intensities that occur.
    width = max(top / BINS, noise.step)
    if noise.step:
        width = round(width / noise.step) * noise.step
    edges = np.arange(1, int(top / width) + 1) * width - noise.step / 2
    edges = np.append(edges[edges < top], np.inf)
    counts = np.diff(np.searchsorted(np.sort(noise.values), edges), prepend=0)
    observed = counts / noise.values.size
    freedom, scale = fit_chi(noise.values, noise.step)
    expected = np.diff(special.gammainc(freedom / 2, (edges / scale) ** 2 / 2), prepend=0)
    mode = int(observed[:-1].argmax()) if observed.size > 1 else 0
    right = np.flatnonzero(observed[mode:] < observed[mode] / 2)
    if not right.size:
        raise NotComputableError("the noise takes too few intensities for a histogram")
    start = mode + int(right[0])
    return noise.artefacts + float(np.abs(observed - expected)[start:].sum())


def fit_chi(values: Values, step: float = 0.0) -> tuple[float, float]:
    """Fit a central χ distribution by its first two moments; return degrees of freedom and scale.

    The degrees of freedom are twice the number of coil channels, 2 for Rayleigh noise. The scale is
    the noise of one channel. Rounding to multiples of `step` adds step²/12 to the second moment.
    """
    first = float(values.mean(dtype=np.float64))
    second = float(np.square(values, dtype=np.float64).mean()) - step**2 / 12
    freedom = 2 * CHANNELS
    log_ratio = special.gammaln((freedom + 1) / 2) - special.gammaln(freedom / 2)
    ratios = 2 / freedom * np.exp(2 * log_ratio)
    estimate = float(np.interp(first**2 / second, ratios, freedom))
    return estimate, float(np.sqrt(second / estimate))
