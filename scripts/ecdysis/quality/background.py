"""Measures of the air around the head: noise, ghosts and other artefacts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from ecdysis.quality.sheet import NotComputableError

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]

SPREADS = 5.0
"""An artefact is this far above the median of the air: Rayleigh noise gets there once in 20,000
voxels, and never with all six neighbours. MRIQC is at 10, where a faint ghost is missed."""
NORMAL_IQR = 1.349
"""Interquartile range of a normal distribution over its standard deviation."""
SAMPLE = 1_000_000
"""Quantiles are taken of so many voxels."""
BINS = 64
"""Of the histogram of the noise, from 0 to its percentile 99.9."""
CHANNELS = np.geomspace(0.4, 64, 2000)
"""Effective numbers of coil channels to fit; below 1, noise is more peaked than Rayleigh's."""


@dataclass(frozen=True)
class Noise:
    """The air of an image.

    Attributes
    ----------
    values : float array (N,)
        Intensities of the air without artefacts.
    stdev : float
        Their standard deviation, without that of rounding; above 0.
    artefacts : float
        QI1: artefact voxels over voxels of air.
    step : float
        Distance of two intensities that can be told apart; 0 where these are continuous.
    """

    values: Values
    stdev: float
    artefacts: float
    step: float


def listen(values: Values, air: Mask, step: float) -> Noise:
    """Part the air into noise and artefacts, after Mortamet et al. 2009, doi:10.1002/mrm.21992.

    Artefact is what exceeds the median of the air by `SPREADS` spreads and hangs together with a
    voxel whose six neighbours do so too; the spread is the interquartile range / 1.349.

    Parameters
    ----------
    values : float array (X, Y, Z)
        Intensities of a part of the image.
    air : bool array (X, Y, Z)
    step : float
        Distance of two stored intensities, 0 where they are continuous.
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
        raise NotComputableError("the air has no noise but that of rounding")
    return Noise(noise, float(np.sqrt(variance)), count / inside.size, step)


def quantiles(values: Values, parts: tuple[float, ...], step: float) -> list[float]:
    """Quantiles of intensities that are rounded to multiples of `step`, as if they were not.

    A rounded value stands for the interval of `step` around it, in which intensities are taken
    to be evenly spread (quantile of grouped data), so that noise of few steps has a spread too.
    """
    found, counts = np.unique(values, return_counts=True)
    above = np.cumsum(counts) / values.size
    edges = np.append(found[0] - step / 2, found + step / 2)
    return [float(one) for one in np.interp(parts, np.append(0, above), edges)]


def _clusters(bright: Mask) -> Mask:
    """Keep the components of a mask, connected by faces, that hold a voxel and its six neighbours.

    That is the erosion and bounded dilation of Mortamet et al.
    """
    core: Mask = ndimage.binary_erosion(bright)
    if not core.any():
        return core
    labels, count = ndimage.label(bright)
    kept = np.zeros(count + 1, dtype=bool)
    kept[labels[core]] = True
    result: Mask = kept[labels]
    return result


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
    """Entropy focus criterion: -Σ (x/m) ln(x/m) / (√N ln √N), m = sqrt(Σ x²).

    Atkinson et al. 1997, doi:10.1109/42.650886, over its value for N equal voxels: 0 for one
    bright voxel, 1 for all alike. What is negative counts as 0.

    Parameters
    ----------
    values : float array (X, Y, Z)
    drop : bool array (X, Y, Z), optional
        Voxels that were masked or padded, which are not counted.
    """
    count = values.size if drop is None else int((~drop).sum())
    total = squares = entropy = 0.0
    for index in range(values.shape[2]):  # a plane at a time, for little memory
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
    found = -(entropy - np.log(norm) * total) / norm
    return float(found / (np.sqrt(count) * np.log(np.sqrt(count))))


def qi_2(noise: Noise) -> float:
    """QI1 plus the misfit of a χ distribution to the noise: Σ |H - G| from x2 upwards.

    After Mortamet et al. 2009, doi:10.1002/mrm.21992. H is the part of the noise in each bin, G
    what the fitted distribution puts there, x2 the first bin right of the mode of H that has less
    than half of it; the last bin has no upper end.
    """
    top = float(np.quantile(noise.values[:: max(1, noise.values.size // SAMPLE)], 0.999))
    # Bins begin and end half-way between the intensities that occur.
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
    """Fit a central χ distribution by its first two moments; return freedom and scale.

    The freedom is twice the number of coil channels, 2 for Rayleigh noise. The scale is the
    noise of one channel. Rounding to multiples of `step` adds step²/12 to the second moment.
    """
    first = float(values.mean(dtype=np.float64))
    second = float(np.square(values, dtype=np.float64).mean()) - step**2 / 12
    freedom = 2 * CHANNELS
    log_ratio = special.gammaln((freedom + 1) / 2) - special.gammaln(freedom / 2)
    ratios = 2 / freedom * np.exp(2 * log_ratio)
    found = float(np.interp(first**2 / second, ratios, freedom))
    return found, float(np.sqrt(second / found))
