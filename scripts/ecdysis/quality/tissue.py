"""Tissue fractions, residual partial volume and overlap with the template's tissues."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ecdysis.quality.sheet import NotComputableError

Probabilities = Sequence[NDArray[np.float32]]
Mask = NDArray[np.bool_]

SURE = 0.85
"""Minimum probability of voxels for the statistics of a tissue (as in MRIQC)."""
ERODE_BELOW_MM = 1.9
"""The outermost layer is removed only from smaller voxels (as in MRIQC)."""
NEIGHBOURS = [step for step in product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, step)) < 3]
"""The 18 neighbours that share a face or an edge."""


def sure_mask(probability: NDArray[np.float32], spacing: Sequence[float]) -> Mask:
    """Return the voxels that are surely a tissue: above `SURE`, without the outermost layer.

    Parameters
    ----------
    probability : float array (X, Y, Z)
    spacing : three floats
        Voxel size, mm.
    """
    mask: Mask = probability > SURE
    return eroded(mask) if max(spacing) < ERODE_BELOW_MM else mask


def eroded(mask: Mask) -> Mask:
    """Erode a mask by `NEIGHBOURS`; voxels beyond the edge count as outside.

    Nineteen shifted copies cost a tenth of the time of a general erosion.
    """
    padded = np.pad(mask, 1)
    result = mask.copy()
    for step in NEIGHBOURS:
        result &= padded[
            tuple(slice(1 + shift, 1 + shift + size)
                  for shift, size in zip(step, mask.shape, strict=True))
        ]  # fmt: skip
    return result


def volume_fractions(probabilities: Probabilities) -> list[float]:
    """Fraction of each tissue: Σ p_k / Σ_k Σ p_k.

    Esteban et al. 2017, doi:10.1371/journal.pone.0184661.
    """
    sums = [float(probability.sum(dtype=np.float64)) for probability in probabilities]
    total = sum(sums)
    if not total:
        raise NotComputableError("the tissue maps are empty")
    return [probability / total for probability in sums]


def rpve(probability: NDArray[np.float32]) -> float:
    """Residual partial volume: mean of min(p, 1 - p) over voxels with P2 <= p <= P98, p > 0.

    After Esteban et al. 2017, doi:10.1371/journal.pone.0184661, with two differences. Their
    sum grows as voxels get purer although lower is called better, so the complement is used here.
    Voxels beyond the percentiles are ignored instead of being counted as 0.

    Parameters
    ----------
    probability : float array, any shape
        0 to 1.
    """
    values = probability[probability > 0]
    if not values.size:
        raise NotComputableError("a tissue map is empty")
    low, high = np.percentile(values, (2, 98))
    kept = values[(values >= low) & (values <= high)]
    return float(np.minimum(kept, 1 - kept).mean(dtype=np.float64))


def fuzzy_jaccard(probability: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Overlap of two maps of one shape: Σ min(p, q) / Σ max(p, q).

    Crum et al. 2006, doi:10.1109/TMI.2006.880587.
    """
    union = float(np.maximum(probability, other).sum(dtype=np.float64))
    if not union:
        raise NotComputableError("a tissue map is empty")
    return float(np.minimum(probability, other).sum(dtype=np.float64)) / union
