"""Grey matter, white matter and fluid: from the classes of Atropos to the voxels of the image.

Atropos (Avants et al. 2011, doi:10.1007/s12021-011-9109-y) works on the 2 mm image, where it
costs two seconds and sees the neighbourhood; at 1 mm it costs twenty. Its posteriors are then
the spatial prior of Bayes' rule on the full grid, with a Gaussian for each class (Ashburner
and Friston 2005, equations 1 and 2, doi:10.1016/j.neuroimage.2005.02.018).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import scipy
from numpy.typing import NDArray

from ecdysis.image.arrays import Mask, Values
from ecdysis.image.distance import deeper_than, within


@dataclass(frozen=True)
class Tissue:
    """A class of tissue, as the BIDS table of common image-derived labels has it."""

    index: int
    name: str
    label: str


TISSUES = (Tissue(3, "Cerebrospinal Fluid", "CSF"), Tissue(1, "Grey Matter", "GM"),
           Tissue(2, "White Matter", "WM"))  # fmt: skip
"""In the order in which probabilities are stacked, which is from dark to bright in a T1w."""

CERTAIN = 0.8
"""Probability from which a voxel is an example of its class."""
FEWEST_EXAMPLES = 100
DEEP_MM = 6.0
"""Depth in the brain from which warped maps of the template are examples: a warp is not exact."""
SURROUNDINGS_MM = 16.0
DARK_PERCENTILE = 5.0
"""Percentile of the surroundings of the brain that is the level of bone and air."""
FLOOR = 0.05
"""Probability that the prior keeps for every class: it is blurred to 2 mm, the image is not."""
ITERATIONS = 3
QUANTILES = (0.05, 0.35, 0.8)
"""Where k-means starts: the middle of what fluid, grey and white matter take of a brain."""
KMEANS_ITERATIONS = 20


@dataclass(frozen=True)
class Brightness:
    """Median of a tissue, and its standard deviation estimated from the median deviation."""

    centre: float
    sigma: float


def brightness(head: Values, probability: Values, where: Mask) -> Brightness | None:
    """Measure the intensity of a tissue by its certain voxels; None if there are too few."""
    values = head[where & (probability > CERTAIN)]
    if values.size < FEWEST_EXAMPLES:
        return None
    centre = float(np.median(values))
    return Brightness(centre, 1.4826 * float(np.median(np.abs(values - centre))))


def without_bright_spots(head: Values, inside: Mask | None = None) -> Values:
    """Return the intensities of a T1w without what is brighter than tissue.

    Vessels, and the rims of tumours after gadolinium, would be a class of their own and leave one
    class to both matters. What is above the upper fence of Tukey (1977, Exploratory Data Analysis)
    gets the upper quartile, which is white matter. The quartiles are measured `inside` the brain,
    by default everywhere.

    Examples
    --------
    >>> without_bright_spots(np.array([1, 2, 3, 4, 99], dtype=np.float32)).tolist()
    [1.0, 2.0, 3.0, 4.0, 4.0]
    """
    values = head if inside is None else head[inside]
    if not values.size:
        return head
    low, high = np.percentile(values, (25, 75))
    return np.where(head > high + 1.5 * (high - low), np.float32(high), head)


def write_without_bright_spots(image: Path, prior: Path, folder: Path) -> Path:
    """Write `without_bright_spots` of a T1w; `prior` is its warped brain mask (0 to 1)."""
    source = nib.load(image)
    head = source.get_fdata(dtype=np.float32)
    even = without_bright_spots(head, nib.load(prior).get_fdata(dtype=np.float32) > 0.5)
    path = folder / "even.nii"
    nib.save(nib.Nifti1Image(even, source.affine), path)
    return path


def brightness_by_maps(
    head: Values, maps: Sequence[Values], brain: Mask, spacing: float
) -> list[Brightness] | None:
    """Measure the intensities of `TISSUES` by the template's maps, warped to the head.

    Medians of certain voxels deep in the brain: neither a lesion nor bone at the border moves them.
    Returns None if a tissue has too few voxels or one value only. The arrays have one shape, (X, Y,
    Z); `spacing` is the edge of the cubic voxels, mm.
    """
    deep = deeper_than(brain, DEEP_MM, spacing)
    measured = [brightness(head, probability, deep) for probability in maps]
    levels = [level for level in measured if level is not None and level.sigma > 0]
    return levels if len(levels) == len(maps) else None


def has_dark_fluid(levels: Sequence[Brightness]) -> bool:
    """Return whether fluid is darker than both matters, as in T1w and FLAIR images."""
    fluid, grey, white = levels
    return fluid.centre < min(grey.centre, white.centre)


def range_of_matter(
    levels: Sequence[Brightness], bone: float, fluid_from: float
) -> tuple[float, float]:
    """Return the intensities between which a voxel is grey or white matter, not fluid or bone.

    Where fluid is about as bright as matter, as in many PDw images, only bone is divided from them:
    within the standard deviation of a matter, no intensity tells it from fluid.

    Parameters
    ----------
    levels : three Brightness
        Of `TISSUES`.
    bone : float
        Intensity below which a voxel is bone or air.
    fluid_from : float
        Part of the way from the nearest matter to fluid where fluid begins.

    Examples
    --------
    >>> fluid, bright, dark = Brightness(200, 9), Brightness(100, 9), Brightness(50, 9)
    >>> range_of_matter([fluid, bright, dark], 25, 0.7)
    (25, 170.0)
    >>> range_of_matter([Brightness(104, 9), bright, dark], 25, 0.7)
    (25, inf)
    >>> range_of_matter([Brightness(30, 9), bright, dark], 20, 0.5)
    (40.0, inf)
    """
    fluid, *matters = levels
    darker, brighter = sorted(matters, key=lambda matter: matter.centre)
    below, above = darker.centre - fluid.centre, fluid.centre - brighter.centre
    if below > darker.sigma:
        return darker.centre - fluid_from * below, np.inf
    if above > brighter.sigma:
        return bone, brighter.centre + fluid_from * above
    return bone, np.inf


def darkest_of_brain(
    head: Values, brain: Mask, levels: Sequence[Brightness], spacing: float
) -> float:
    """Return the intensity halfway between bone and air around the brain and its darkest tissue."""
    near = within(brain, SURROUNDINGS_MM, spacing) & ~brain
    dark = float(np.percentile(head[near], DARK_PERCENTILE)) if near.any() else float(head.min())
    return (dark + min(level.centre for level in levels)) / 2


def tissues_by_maps(
    image: Path, prior: Path, region: Path, maps: Sequence[Path], folder: Path
) -> list[Path]:
    """Divide a region into `TISSUES` by Bayes' rule, with the template's maps as the prior.

    Unless fluid is dark, voxels as dark as bone belong to no tissue. The map of fluid covers some
    of them, and as examples of fluid they would move the classes away from their tissues.

    `image` is the head without bias field, `prior` the warped brain mask (0 to 1), `region` where
    tissues are looked for; `maps` are the template's maps of `TISSUES`, warped to the head.
    `folder` gets the three probabilities (float32, 0 outside the region), whose paths are returned.
    """
    source = nib.load(image)
    head = source.get_fdata(dtype=np.float32)
    brain = nib.load(prior).get_fdata(dtype=np.float32) > 0.5
    where = np.asanyarray(nib.load(region).dataobj) > 0
    volumes = [nib.load(path).get_fdata(dtype=np.float32) for path in maps]
    spacing = float(np.linalg.norm(source.affine[:3, 0]))
    levels = brightness_by_maps(head, volumes, brain, spacing)
    if levels and not has_dark_fluid(levels):
        where &= head > darkest_of_brain(head, brain, levels, spacing)
    posteriors = np.zeros((len(volumes), *head.shape), dtype=np.float32)
    posteriors[:, where] = classify(
        head[where], np.stack([volume[where] for volume in volumes]), levels
    )
    files = []
    for tissue, posterior in zip(TISSUES, posteriors, strict=True):
        files.append(folder / f"posterior_{tissue.label}.nii")
        nib.save(nib.Nifti1Image(posterior, source.affine), files[-1])
    return files


def by_brightness(classes: Sequence[Values], image: Values) -> list[Values]:
    """Sort the classes of a T1w by mean intensity, and so into the order of `TISSUES`.

    `classes` are probabilities, 0 outside the brain; all arrays have one shape, (X, Y, Z).
    """
    means = [float((tissue * image).sum() / max(tissue.sum(), 1e-6)) for tissue in classes]
    return [classes[place] for place in np.argsort(means)]


def maps_of_template(head: Values, brain: NDArray[np.bool_]) -> Values:
    """Divide the brain of a T1-weighted template into the `TISSUES`.

    k-means of the intensities; a Gaussian of one voxel makes the borders soft, since no
    registration puts them where they are. Both arrays have the shape (X, Y, Z); the result is
    float32 (3, X, Y, Z), 0 to 1.
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


def classify(values: Values, prior: Values, start: Sequence[Brightness] | None = None) -> Values:
    """Give each voxel its probability of each class: float32 (K, N), which sums to 1 over K.

    `values` (N,) are the intensities inside the brain, without bias field. Unless fluid is the
    brightest tissue, they go through `without_bright_spots`. `prior` (K, N) is the spatial prior,
    which need not sum to 1. `start` are the K intensities to begin with; by default they are
    computed from the prior.
    """
    prior = prior + np.float32(FLOOR)
    prior /= prior.sum(axis=0)
    posterior = prior
    fluid, *matters = (prior @ values) / prior.sum(axis=1)
    if values.size and fluid < max(matters):
        values = without_bright_spots(values)
    for iteration in range(ITERATIONS):
        if start and iteration == 0:
            means = np.array([level.centre for level in start], dtype=np.float32)
            variances = np.array([level.sigma**2 for level in start], dtype=np.float32)
        else:
            weights = posterior / posterior.sum(axis=1, keepdims=True)
            means = weights @ values
            squares = (values - means[:, None]) ** 2
            variances = (weights * squares).sum(axis=1)
        variances = np.maximum(variances, np.finfo(np.float32).tiny)
        exponent = -((values - means[:, None]) ** 2) / (2 * variances[:, None])
        exponent -= np.log(variances)[:, None] / 2
        posterior = prior * np.exp(exponent - exponent.max(axis=0))
        posterior /= posterior.sum(axis=0)
    return posterior.astype(np.float32)


def labelled(posterior: Values) -> NDArray[np.uint8]:
    """Give each voxel the index of its most probable tissue; (K, ...) to (...)."""
    indices = np.array([tissue.index for tissue in TISSUES], dtype=np.uint8)
    labels: NDArray[np.uint8] = indices[posterior.argmax(axis=0)]
    return labels
