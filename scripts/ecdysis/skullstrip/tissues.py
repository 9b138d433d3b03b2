"""Grey matter, white matter and fluid: from the classes of Atropos to the voxels of the image.

Atropos (Avants et al. 2011, doi:10.1007/s12021-011-9109-y) works on the 2 mm image, where it
costs two seconds and sees the neighbourhood; at 1 mm it costs twenty. Its posteriors are then
the spatial prior of Bayes' rule on the full grid, with a Gaussian for each class (Ashburner
and Friston 2005, equations 1 and 2, doi:10.1016/j.neuroimage.2005.02.018).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from ecdysis.image.resampling import FloatArray

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Tissue:
    """A class of tissue, as the BIDS table of common image-derived labels has it."""

    index: int
    name: str
    label: str


TISSUES = (Tissue(3, "Cerebrospinal Fluid", "CSF"), Tissue(1, "Grey Matter", "GM"),
           Tissue(2, "White Matter", "WM"))  # fmt: skip
"""In the order in which probabilities are stacked, which is from dark to bright in a T1w."""

FLOOR = 0.05
"""Probability that the prior keeps for every class: it is blurred to 2 mm, the image is not."""
ITERATIONS = 3
QUANTILES = (0.05, 0.35, 0.8)
"""Where k-means starts: the middle of what fluid, grey and white matter take of a brain."""
KMEANS_ITERATIONS = 20


def by_brightness(classes: Sequence[FloatArray], image: FloatArray) -> list[FloatArray]:
    """Sort the classes of a T1w by mean intensity, and so into the order of `TISSUES`.

    Parameters
    ----------
    classes : float arrays (X, Y, Z)
        Probability of each class, 0 outside the brain.
    image : float array (X, Y, Z)
    """
    means = [float((tissue * image).sum() / max(tissue.sum(), 1e-6)) for tissue in classes]
    return [classes[place] for place in np.argsort(means)]


def maps_of_template(head: FloatArray, brain: NDArray[np.bool_]) -> Probabilities:
    """Divide the brain of a T1-weighted template into the `TISSUES`.

    k-means of the intensities; a Gaussian of one voxel makes the borders soft, since no
    registration puts them where they are.

    Parameters
    ----------
    head : float array (X, Y, Z)
    brain : bool array (X, Y, Z)

    Returns
    -------
    float32 array (3, X, Y, Z)
        0 to 1.
    """
    values = head[brain]
    centres = np.quantile(values, QUANTILES)
    for _ in range(KMEANS_ITERATIONS):
        nearest = np.abs(values[:, None] - centres).argmin(axis=1)
        sums = np.bincount(nearest, weights=values, minlength=centres.size)
        centres = sums / np.maximum(np.bincount(nearest, minlength=centres.size), 1)
    maps = np.zeros((centres.size, *head.shape), dtype=np.float32)
    for index, tissue in enumerate(maps):
        tissue[brain] = nearest == index
        maps[index] = scipy.ndimage.gaussian_filter(tissue, 1.0)
    return maps


def classify(values: FloatArray, prior: Probabilities) -> Probabilities:
    """Give each voxel its probability of each class.

    Parameters
    ----------
    values : float array (N,)
        Intensities inside the brain, without bias field.
    prior : float array (K, N)
        Spatial prior; need not sum to 1.

    Returns
    -------
    float32 array (K, N)
        Sums to 1 over K.
    """
    prior = prior + np.float32(FLOOR)
    prior /= prior.sum(axis=0)
    posterior = prior
    for _ in range(ITERATIONS):
        weights = posterior / posterior.sum(axis=1, keepdims=True)
        means = weights @ values
        variances = np.stack(
            [weight @ (values - mean) ** 2 for weight, mean in zip(weights, means, strict=True)]
        )
        variances = np.maximum(variances, np.finfo(np.float32).tiny)
        exponent = -((values - means[:, None]) ** 2) / (2 * variances[:, None])
        exponent -= np.log(variances)[:, None] / 2
        posterior = prior * np.exp(exponent - exponent.max(axis=0))
        posterior /= posterior.sum(axis=0)
    return posterior.astype(np.float32)


def labelled(posterior: Probabilities) -> NDArray[np.uint8]:
    """Give each voxel the index of its most probable tissue; (K, ...) to (...)."""
    indices = np.array([tissue.index for tissue in TISSUES], dtype=np.uint8)
    labels: NDArray[np.uint8] = indices[posterior.argmax(axis=0)]
    return labels
