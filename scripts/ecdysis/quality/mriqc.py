"""The image quality metrics of MRIQC 24.0.2, by its own definitions and names.

They make ``group_T1w.tsv``, for tools that read MRIQC's tables. Definitions follow MRIQC's
``qc/anatomical.py`` and ``interfaces/anatomical.py`` (Esteban et al. 2017,
doi:10.1371/journal.pone.0184661), also where `ecdysis.quality.dictionary` differs from them. Brain
mask, tissues, head and bias field are those of Ecdysis; MRIQC uses SynthStrip, FAST, its own head
mask and N4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from nibabel.affines import apply_affine
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation, ornt_transform
from numpy.typing import NDArray
from scipy import ndimage, stats

from ecdysis.image.arrays import Array, Mask, Values
from ecdysis.image.geometry import Affine
from ecdysis.quality.background import efc
from ecdysis.quality.sheet import NotComputableError

GLABELLA_MM, INION_MM = (0.0, 90.0, -14.0), (0.0, -120.0, -14.0)
"""Points of MNI152 space; air below the planes through them is left out."""
WHITE_MATTER = 1000.0
"""The median of white matter after scaling."""
SURE = 0.9
ARTEFACT_SPREADS = 10.0
NEAR_HEAD = 0.1
"""Artefacts nearer to the head than this part of the largest distance do not count."""
NORMAL_MAD = stats.norm.ppf(0.75)
DIETRICH = 0.6551364
"""1 / sqrt(2 / (4 - π)) as MRIQC rounds it."""
CHANNELS = 32
FEWEST_AIR, MOST_FITTED = 1000, 100_000
"""Voxels of air that are needed, and those that the distribution is fitted to (MRIQC: 300,000)."""
BANDWIDTH = 4.0
GRID = np.linspace(0.0, 110.0, 1000)
SEED = 1191935
TISSUES = ("csf", "gm", "wm")


@dataclass(frozen=True)
class Summary:
    """Statistics of one tissue, weighted by its probability; `n` is the sum of the weights."""

    mean: float
    median: float
    p95: float
    p05: float
    k: float
    stdv: float
    mad: float
    n: float


@dataclass(frozen=True)
class Scan:
    """The data that the metrics of one image are computed from, on the image's grid (X, Y, Z)."""

    corrected: Values
    """Intensities without bias field and offset; negative ones are 0."""
    tissues: Mapping[str, Values]
    """Probability of CSF, GM and WM in `box`, by the names of `TISSUES`."""
    box: tuple[slice, slice, slice]
    """The part of the grid that holds the brain."""
    head: Mask
    blank: Mask
    """Voxels that were masked or padded."""
    hat: Mask
    """The air above the planes through glabella and inion."""
    artefacts: Mask
    """The part of `hat` that is artefact."""


def scaled(corrected: Values, white: Values, box: tuple[slice, ...]) -> Values:
    """Scale an image to a median of 1000 in the core of white matter; negative values become 0.

    `corrected` has the shape (X, Y, Z), `white` is the probability of white matter in `box`.
    """
    core = ndimage.binary_erosion(white >= SURE, ndimage.generate_binary_structure(3, 2))
    if not core.any():
        raise NotComputableError("no white matter is left after erosion")
    median = float(np.median(corrected[box][core]))
    if not median > 0:
        raise NotComputableError("the median of white matter is not above 0")
    result: Values = np.maximum(corrected * np.float32(WHITE_MATTER / median), 0)
    return result


def hat_mask(head: Mask, affine: Affine, to_head: Affine) -> Mask:
    """Return the air above the planes through glabella and inion.

    `head` has the shape (X, Y, Z), `affine` maps its voxels to mm (RAS), and `to_head` points of
    MNI152 space to those of the head (mm).
    """
    orientation = io_orientation(affine)
    air = apply_orientation(~head, orientation).copy()
    to_mm = affine @ inv_ornt_aff(orientation, head.shape)
    points = apply_affine(np.linalg.inv(to_mm) @ to_head, [GLABELLA_MM, INION_MM])
    glabella, inion = (max(0, int(point[2])) for point in points)
    air[:, :, :inion] = False
    air[:, air.shape[1] // 2 :, :glabella] = False
    identity = io_orientation(np.eye(4))
    result: Mask = apply_orientation(air, ornt_transform(identity, orientation))
    return result


def artefact_mask(values: Values, hat: Mask, near: Mask) -> Mask:
    """Return the voxels of air that are artefact: above ten spreads, away from the head, opened.

    `values` are the intensities before bias correction (X, Y, Z), `hat` is the air, and `near` are
    the voxels too near to the head.
    """
    artefact = np.zeros(hat.shape, dtype=np.bool_)
    positive = values[hat][values[hat] > 0]
    if positive.size < 10:
        return artefact
    spread = float(np.median(np.abs(positive - np.median(positive)))) / NORMAL_MAD
    if not spread > 0:
        return artefact
    artefact[hat] = values[hat] / spread > ARTEFACT_SPREADS
    artefact &= ~near
    opened: Mask = ndimage.binary_opening(artefact, ndimage.generate_binary_structure(3, 1))
    return opened


def metrics(
    scan: Scan, spacing_mm: Sequence[float], others: Mapping[str, float]
) -> dict[str, float]:
    """Return all metrics by MRIQC's names.

    `spacing_mm` is the voxel size. `others` are values of `ecdysis.quality.dictionary` whose
    definition is the same, or is converted here: ``icvs_*``, ``tpm_overlap_*``, ``fwhm_*`` (mm),
    ``inu_med``, ``inu_range``.
    """
    values = scan.corrected[scan.box]
    air = scan.hat & ~scan.artefacts
    if not air.any():
        raise NotComputableError("there is no air above the planes through glabella and inion")
    summaries = {name: summary_of(values, scan.tissues[name]) for name in TISSUES}
    summaries["bg"] = summary_of(scan.corrected[air], np.ones(int(air.sum()), np.float32))
    result: dict[str, float] = {
        f"summary_{name}_{key}": value
        for name, summary in summaries.items()
        for key, value in vars(summary).items()
    }
    white, grey, back = (summaries[name] for name in ("wm", "gm", "bg"))
    result["cjv"] = (white.mad + grey.mad) / abs(white.median - grey.median)
    noise = np.sqrt(back.stdv**2 + grey.stdv**2 + white.stdv**2)
    result["cnr"] = abs(white.median - grey.median) / float(noise)
    for name in TISSUES:
        summary = summaries[name]
        bias = np.sqrt(summary.n / (summary.n - 1))
        result[f"snr_{name}"] = summary.median / (summary.stdv * float(bias))
        result[f"snrd_{name}"] = snr_dietrich(summary.median, back)
        result[f"rpve_{name}"] = rpve(scan.tissues[name], scan.corrected.size)
    for kind in ("snr", "snrd"):
        result[f"{kind}_total"] = float(np.mean([result[f"{kind}_{name}"] for name in TISSUES]))
    result["efc"] = efc(scan.corrected, scan.blank if scan.blank.any() else None)
    result["fber"] = fber(scan.corrected, scan.head, scan.blank)
    result["wm2max"] = white.median / float(np.percentile(scan.corrected, 99.95))
    result["qi_1"] = int(scan.artefacts.sum()) / max(1, int(scan.hat.sum()))
    result["qi_2"] = qi_2(scan.corrected[air])
    for axis, size, length in zip("xyz", spacing_mm, scan.corrected.shape, strict=True):
        result |= {f"spacing_{axis}": float(size), f"size_{axis}": float(length)}
        if f"fwhm_{axis}" in others:
            result[f"fwhm_{axis}"] = others[f"fwhm_{axis}"] / float(size)
    widths = [result[f"fwhm_{axis}"] for axis in "xyz" if f"fwhm_{axis}" in result]
    if len(widths) == 3:
        result["fwhm_avg"] = float(np.mean(widths))
    if "inu_med" in others and "inu_range" in others:
        result["inu_med"] = others["inu_med"]
        # Ours is relative to the median.
        result["inu_range"] = others["inu_range"] * others["inu_med"]
    same = ("icvs_", "tpm_overlap_")
    result |= {key: value for key, value in others.items() if key.startswith(same)}
    return dict(sorted(result.items()))


def summary_of(values: Values, weights: Values) -> Summary:
    """Return statistics weighted by a probability; MAD and kurtosis are of its upper half.

    Both arrays have one shape, and no value is negative.
    """
    parts = np.round(weights.ravel(), 3).astype(np.float64)
    counts = np.bincount(np.rint(values.ravel()).astype(np.intp), parts)
    levels = np.flatnonzero(counts)
    sums = np.asarray(counts[levels], dtype=np.float64)
    total = float(sums.sum())
    if not total > 0:
        raise NotComputableError("a tissue is empty")
    mean = float((sums * levels).sum() / total)
    low, median, high = weighted_quantiles(levels, sums, (0.05, 0.5, 0.95))
    upper = values[weights > 0.5 * weights.max()]
    return Summary(
        mean=mean,
        median=median,
        p95=high,
        p05=low,
        k=float(stats.kurtosis(upper, axis=None)),
        stdv=float(np.sqrt((sums * (levels - mean) ** 2).sum() / total)),
        mad=float(np.median(np.abs(upper - median))) / NORMAL_MAD,
        n=float(weights.sum(dtype=np.float64)),
    )


def weighted_quantiles(
    levels: NDArray[np.intp], weights: Array, parts: Sequence[float]
) -> list[float]:
    """Return quantiles of sorted values with weights, as ``DescrStatsW`` of statsmodels does.

    A quantile is the lowest value whose summed weight reaches its part; where the sum is equal to
    the part, it is the mean of that value and the next one.
    """
    sums = np.cumsum(weights)
    result = []
    for part in parts:
        target = part * sums[-1]
        place = min(int(np.searchsorted(sums, target)), levels.size - 1)
        value = float(levels[place])
        if abs(sums[place] - target) < 1e-10 and place < levels.size - 1:
            value = (value + float(levels[place + 1])) / 2
        result.append(value)
    return result


def snr_dietrich(median: float, air: Summary) -> float:
    """Signal over the noise of the air: its MAD, or its deviation where the MAD is below 1."""
    if air.mad > 1.0:
        return DIETRICH * median / air.mad
    if not air.stdv > 1e-3:
        raise NotComputableError("the air has no noise")
    return DIETRICH * median / air.stdv


def fber(values: Values, head: Mask, blank: Mask) -> float:
    """Median of x² in the head over that of all voxels outside of it."""
    outside = ~head & ~blank
    if not outside.any():
        raise NotComputableError("there is no air outside the head")
    background = float(np.median(np.square(values[outside], dtype=np.float64)))
    if background < 1e-3:
        raise NotComputableError("the median of the air is 0")
    return float(np.median(np.square(values[head], dtype=np.float64))) / background


def rpve(probability: Values, size: int) -> float:
    """Residual partial volume as MRIQC computes it; it is largest for pure voxels.

    Voxels beyond percentiles 2 and 98, and all voxels of the image without the tissue, count as 1.
    `probability` is that of a part of the image, which has `size` voxels.
    """
    clipped = np.clip(probability, 0, 1)
    above = clipped[clipped > 0]
    if not above.size:
        raise NotComputableError("a tissue map is empty")
    low, high = np.percentile(above, (2, 98))
    kept = np.where((clipped < low) | (clipped > high), 0, clipped)
    sure = kept > 0.5
    total = kept[sure].sum(dtype=np.float64) + (1 - kept[~sure]).sum(dtype=np.float64)
    return float(total + size - probability.size) / above.size


def qi_2(air: Values) -> float:
    """Misfit of a χ² distribution of 32 channels to the air, right of the mode's half height.

    The density of the air is estimated with a Gaussian kernel; here from a histogram of a quarter
    of the kernel's width.
    """
    values = np.maximum(air, 0).astype(np.float64)
    if int((values > 0).sum()) < FEWEST_AIR:
        raise NotComputableError(f"fewer than {FEWEST_AIR} voxels of air are above 0")
    top = float(np.percentile(values, 99))
    if not top > 0:
        raise NotComputableError("the air has no noise")
    values *= 100 / top
    counts, edges = np.histogram(values, np.arange(0, values.max() + 2, BANDWIDTH / 4))
    centres = (edges[1:] + edges[:-1]) / 2
    filled = counts > 0
    kernels = stats.norm.pdf(GRID[:, None], centres[None, filled], BANDWIDTH)
    density = kernels @ counts[filled] / values.size
    right = int(np.argmax(density[::-1] > density.max() * 0.5))
    if values.size > MOST_FITTED:
        values = np.random.default_rng(SEED).choice(values, MOST_FITTED)
    freedom, location, scale = stats.chi2.fit(values, CHANNELS)
    fitted = stats.chi2.pdf(GRID, freedom, loc=location, scale=scale)
    return float(np.abs(density[-right:] - fitted[-right:]).mean())
