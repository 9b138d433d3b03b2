"""Intensity non-uniformity."""

import numpy as np
from numpy.typing import NDArray


def inu(field: NDArray[np.float32]) -> list[float]:
    """Range and median of the bias field.

    (P95 - P5) / median, and the median; the range is relative, since N4 leaves the scale of its
    field open (Tustison et al. 2010, doi:10.1109/TMI.2010.2046908).

    Parameters
    ----------
    field : float array (N,)
        What N4 divides the image by, at the voxels of the brain.
    """
    low, median, high = (float(part) for part in np.percentile(field, (5, 50, 95)))
    return [(high - low) / median, median]
