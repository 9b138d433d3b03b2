"""Connected parts of a mask."""

import numpy as np
import scipy
from numpy.typing import NDArray


def largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the largest set of voxels that touch by faces; an empty mask stays empty."""
    labels, count = scipy.ndimage.label(mask)
    if count < 2:
        return mask
    largest: NDArray[np.bool_] = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    return largest
