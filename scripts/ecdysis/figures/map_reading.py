"""Read a statistical map, find out what its values are, and decide how it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from numpy.typing import NDArray

from ecdysis.errors import InputError
from ecdysis.image.nifti import mm_per_unit
from ecdysis.image.volume import read
from ecdysis.statmaps import StatMap

Kind = Literal["binary", "labels", "p-values", "1-p", "thresholded", "statistic"]
STRONGEST = 80.0
"""Default threshold of a statistic: this percentile of its absolute values other than 0."""
LEAST_PART = 0.1
"""Minimum threshold as a fraction of the maximum, because smooth maps have long tails."""
SIGNIFICANT = 0.95
"""Threshold of maps of 1 - p."""
SPARSE = 0.05
"""A map with a smaller fraction of nonzero voxels is already thresholded."""
MOST_LABELS = 500
JUST_BELOW = 1 - 1e-4
"""nilearn hides values equal to the threshold, so it is lowered by this factor."""
LEAST_INSIDE = 0.5
"""The space of a map is doubtful if a smaller fraction of the shown voxels is in the brain."""
TEMPLATE = "the MNI152 template"
STATISTICS = {
    "z": "z", "t": "t", "F": "F", "chi2": "chi²", "p": "p", "effect": "effect size",
    "variance": "variance",
}  # fmt: skip
"""Names of the colour bar by the entity ``stat``."""

Background: TypeAlias = "nib.Nifti1Image | Literal[False] | None"
"""None for the MNI152 template of nilearn, False for no background."""


@dataclass(frozen=True)
class Reading:
    """The kind of values of a map, the map as it is drawn, and its default threshold.

    p-values are drawn as 1 - p.
    """

    kind: Kind
    image: nib.Nifti1Image
    threshold: float


@dataclass(frozen=True)
class Shown:
    """A map and the settings of its figures."""

    image: nib.Nifti1Image
    """float32, 3-D, 0 instead of NaN."""
    title: str
    threshold: float
    """Smaller absolute values are hidden."""
    background: Background = None
    cut_coords: Sequence[float] | None = None
    """mm; None for the maximum of the map."""
    values: str = "value"
    """The name of the colour bar."""
    notes: tuple[str, ...] = ()
    """Sentences for the caption."""

    @property
    def words(self) -> str:
        """The range of the values, the threshold and the notes."""
        values = np.asarray(self.image.dataobj)
        part = 100 * np.count_nonzero(np.abs(values) >= self.threshold) / values.size
        text = (
            f"Its values range from {values.min():.3g} to {values.max():.3g}; those of at least"
            f" {self.threshold:.3g} in size are shown, {part:.2g} % of the voxels."
        )
        return " ".join([text, *self.notes])

    @property
    def behind(self) -> str:
        """The anatomy under the map, in words."""
        if self.background is False:
            return "no anatomy"
        return TEMPLATE if self.background is None else "the subject's own head"


def load_map(path: str | Path) -> nib.Nifti1Image:
    """Read a statistical map: float32, 3-D, affine in mm; 0 instead of NaN.

    Raises
    ------
    InputError
        The file is damaged, has more than one volume, or has no value other than 0.
    """
    volume = read(path)
    shape = volume.stored.shape
    if len(shape) < 3 or np.prod(shape[3:], dtype=int) != 1:
        size = " × ".join(map(str, shape))
        raise InputError(
            path, f"its shape is {size}: expected one volume", "Write each map to its own file"
        )
    slope, inter = volume.scaling
    values = volume.stored.reshape(shape[:3], order="F").astype(np.float32) * slope + inter
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0).astype(np.float32)
    if not values.any():
        raise InputError(path, "no voxel differs from 0", "Make the map again")
    scale = mm_per_unit(volume.header)
    affine = np.diag([scale, scale, scale, 1.0]) @ volume.affine
    if not (np.isfinite(affine).all() and voxel_sizes(affine).all()):
        raise InputError(path, "its affine is singular", "Make the map again")
    return nib.Nifti1Image(values, affine)


def interpret(image: nib.Nifti1Image) -> Reading:
    """Determine the kind of values of a map of `load_map`, and its default threshold."""
    values = np.asarray(image.dataobj)
    used = np.abs(values[values != 0])
    whole = bool((used == np.rint(used)).all())
    if whole and used.max() == 1:
        return Reading("binary", image, 0.5)
    if whole and used.max() <= MOST_LABELS and np.unique(used).size <= used.size / 2:
        return Reading("labels", image, 0.5)
    if values.min() >= 0 and values.max() <= 1:
        # In most voxels there is no effect: p is near 1 there, and 1 - p near 0.
        usual = float(np.median(values))
        if usual > 0.5 or float((values > SIGNIFICANT).mean()) > 0.5:
            outside = values == 0
            turned = np.where(outside, 0, 1 - values).astype(np.float32)
            threshold = _reached(turned, SIGNIFICANT)
            return Reading("p-values", nib.Nifti1Image(turned, image.affine), threshold)
        return Reading("1-p", image, _reached(values, SIGNIFICANT))
    if used.size < SPARSE * values.size:
        return Reading("thresholded", image, float(used.min()) * JUST_BELOW)
    strongest = max(float(np.percentile(used, STRONGEST)), LEAST_PART * float(used.max()))
    return Reading("statistic", image, _reached(values, strongest))


def _reached(values: NDArray[np.floating], threshold: float) -> float:
    """Lower a threshold that no voxel exceeds, so that a map is never blank."""
    sizes = np.abs(values)
    if (sizes > threshold).any():
        return threshold
    return float(np.percentile(sizes[sizes > 0], STRONGEST)) * JUST_BELOW


def prepare(
    item: StatMap,
    head: nib.Nifti1Image | None = None,
    threshold: float | None = None,
    cut_coords: Sequence[float] | None = None,
) -> Shown:
    """Read a map and decide how it is shown.

    `head` is that of its subject. The user's `threshold` is used for statistics if any value
    reaches it; `cut_coords` are in mm.

    Raises
    ------
    InputError
        The map is damaged, has no value other than 0, or is completely outside the brain.
    """
    reading = interpret(load_map(item.path))
    level, notes = reading.threshold, [NOTES[reading.kind]] if reading.kind in NOTES else []
    if threshold is not None and reading.kind in ("statistic", "thresholded"):
        if np.abs(np.asarray(reading.image.dataobj)).max() > threshold:
            level = threshold
        else:
            notes.append(f"Warning: no value reaches the threshold of {threshold:g}.")
    background: Background = None
    if item.own_space:
        background = False if head is None else head
        if head is None:
            notes.append("Warning: there is no image of this subject's head to draw it on.")
        elif item.space == "scanner":
            notes.append(
                f"Warning: space-{item.space_label} is drawn in the coordinates of the scanner,"
                " without registration to the head."
            )
    elif item.space != "template":
        background = False
        notes.append(f"Warning: the space {item.space_label} is not known, so no anatomy is shown.")
    notes += _doubts(item, reading.image, level, background)
    statistic = next((part[5:] for part in item.title.split("_") if part.startswith("stat-")), "")
    values = {"p-values": "1 - p", "1-p": "1 - p", "binary": "mask", "labels": "label"}.get(
        reading.kind, STATISTICS.get(statistic, statistic or "value")
    )
    return Shown(reading.image, item.title, level, background, cut_coords, values, tuple(notes))


NOTES = {
    "binary": "It is a mask: all of it is shown.",
    "labels": "It holds labels: all of them are shown.",
    "p-values": "It holds p-values: 1 - p is shown.",
    "thresholded": "It is already thresholded: all of it is shown.",
}


def _doubts(
    item: StatMap, image: nib.Nifti1Image, threshold: float, background: Background
) -> list[str]:
    """Return a warning if a map seems to be in another space than its background."""
    if background is False:
        return []
    share = inside_share(image, threshold, background)
    where = f"the brain of {TEMPLATE}" if background is None else "the subject's head"
    if share == 0:
        raise InputError(
            item.path,
            f"none of the voxels to show is in {where}",
            "Name the space of the map (space-<label>), or correct its affine",
        )
    if share < LEAST_INSIDE:
        return [f"Warning: only {share:.0%} of the voxels shown are in {where}: check the space."]
    return []


def inside_share(
    image: nib.Nifti1Image, threshold: float, background: nib.Nifti1Image | None = None
) -> float:
    """Return the fraction of the strongest voxels in the template's brain, or in the head.

    Strongest: above `threshold` and at least half of the maximum, which excludes noise in air.
    """
    sizes = np.abs(np.asarray(image.dataobj))
    strong = sizes >= max(threshold, float(sizes.max()) / 2)
    places = apply_affine(image.affine, np.argwhere(strong))
    if background is None:
        from nilearn.datasets import load_mni152_brain_mask

        region = load_mni152_brain_mask(resolution=4)
        inside = np.asarray(region.dataobj) > 0
    else:
        region, inside = background, np.ones(background.shape[:3], dtype=np.bool_)
    voxels = np.rint(apply_affine(np.linalg.inv(region.affine), places)).astype(int)
    fits = ((voxels >= 0) & (voxels < inside.shape)).all(axis=1)
    return float(inside[tuple(voxels[fits].T)].sum() / max(len(places), 1))
