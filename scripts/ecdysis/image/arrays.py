"""Types of the arrays that images are computed with."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
"""Intensities, weights or probabilities."""
Mask = NDArray[np.bool_]
Array = NDArray[np.float64]
"""Points, matrices and other numbers."""
