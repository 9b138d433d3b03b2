"""Whole heads of known anatomy: an image of any contrast made from a map of labels.

The labels are those of SynthSeg's training maps (Billot et al. 2023,
doi:10.1016/j.media.2023.102789): FreeSurfer's numbers below 200 for the brain and its fluid (24 is
fluid outside the ventricles), 500 and more for the rest of the head. Each label gets an intensity
with texture; partial volume, a receive field and Rician noise follow, as in that paper.
"""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from ecdysis.image.resampling import resample
from ecdysis.phantom.head import bias_field
from numpy.typing import NDArray
from scipy import ndimage

Labels = NDArray[np.int16]
Signal = NDArray[np.float32]

BRAIN_BELOW = 200
CORTEX = (3, 42)
FLUID = (4, 5, 14, 15, 24, 43, 44)
GROUPS = {
    "white": (2, 41, 7, 46, 16, 28, 60, 77, 85),
    "cortex": (*CORTEX, 8, 47),
    "fluid": FLUID,
    "vessels": (25, 30, 57, 62, 72, 502),
    "eyes": (506, 508, 530),
    "bone": (515,),
    "marrow": (516,),
    "skin": (511,),
    "air": (0,),
}
"""Labels of each tissue; of the others, those of the brain are "deep", the rest is "soft"."""

# Relative intensities, white matter of T1w = 100: own choice, ordered as the relaxation times in
# Bojorquez et al. 2017, doi:10.1016/j.mri.2016.08.021.
INTENSITY = {
    "T1w": {"white": 100, "cortex": 68, "deep": 80, "fluid": 25, "vessels": 50, "eyes": 28,
            "bone": 14, "marrow": 85, "skin": 105, "air": 1, "soft": 62},
    "T1wGd": {"white": 100, "cortex": 70, "deep": 80, "fluid": 28, "vessels": 170, "eyes": 30,
              "bone": 16, "marrow": 95, "skin": 110, "air": 1, "soft": 85},
    "T2w": {"white": 45, "cortex": 65, "deep": 52, "fluid": 150, "vessels": 40, "eyes": 145,
            "bone": 10, "marrow": 55, "skin": 70, "air": 1, "soft": 40},
    "FLAIR": {"white": 62, "cortex": 80, "deep": 68, "fluid": 14, "vessels": 40, "eyes": 14,
              "bone": 10, "marrow": 45, "skin": 75, "air": 1, "soft": 45},
    "PDw": {"white": 75, "cortex": 92, "deep": 82, "fluid": 100, "vessels": 55, "eyes": 98,
            "bone": 18, "marrow": 60, "skin": 85, "air": 1, "soft": 70},
}  # fmt: skip
TEXTURE, TEXTURE_SIGMA = 0.08, 1.5
"""Relative standard deviation of a tissue's texture, and the sigma (voxels) of its blur."""
ROUGH = {"bone": 0.5, "soft": 0.25, "skin": 0.3}
"""Relative standard deviation of the tissues that differ most within themselves."""
PARTIAL_VOLUME_SIGMA = 0.5
DEEPEST_LAYER = 60
"""How far outside the brain (voxels) layers are made thinner."""


@dataclass(frozen=True)
class Scan:
    """How a head is scanned.

    Attributes
    ----------
    contrast : str
        A key of `INTENSITY`.
    slice_mm : float
        Thickness of axial slices; 1 keeps the grid of the labels.
    scale : three floats
        Size of the head along left-right, back-front and bottom-top.
    layers : float
        Thickness of everything outside the brain, relative to the label map: below 1 the scalp
        lies nearer to the brain, as in a child.
    bias : float
        Largest absolute logarithm of the receive field.
    noise : float
        Sigma of the Rician noise, on the scale of `INTENSITY`.
    seed : int
        Seed of intensities, texture, receive field and noise.
    """

    contrast: str = "T1w"
    slice_mm: float = 1.0
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    layers: float = 1.0
    bias: float = 0.25
    noise: float = 3.0
    seed: int = 0


def build(labels_file: Path, scan: Scan) -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Return the image (int16) and the labels at the centres of its voxels (int16), both RAS."""
    source = nib.as_closest_canonical(nib.load(labels_file))
    labels = np.rint(np.asanyarray(source.dataobj)).astype(np.int16)
    if scan.layers != 1:
        labels = _with_thinner_layers(labels, scan.layers)
    affine = source.affine.copy()
    affine[:3, :3] *= np.array(scan.scale)
    head = _signal(labels, scan)
    if scan.slice_mm != 1:
        head, labels, affine = _sliced(head, labels, affine, scan.slice_mm)
    head = head * bias_field(head.shape, scan.bias, scan.seed)
    draw = np.random.default_rng([scan.seed, 7])
    real = head + scan.noise * draw.standard_normal(head.shape, dtype=np.float32)
    head = np.hypot(real, scan.noise * draw.standard_normal(head.shape, dtype=np.float32))
    voxels = np.clip(np.rint(head * 5), 0, 32000).astype(np.int16)
    return nib.Nifti1Image(voxels, affine), nib.Nifti1Image(labels, affine)


def _signal(labels: Labels, scan: Scan) -> Signal:
    """Intensity of each voxel: that of its label, with texture, and partial volume at borders."""
    draw = np.random.default_rng([scan.seed, 5])
    group_of = {label: group for group, members in GROUPS.items() for label in members}
    means, spread = np.zeros(1024, np.float32), np.zeros(1024, np.float32)
    for label in np.unique(labels):
        group = group_of.get(int(label), "soft" if label >= BRAIN_BELOW else "deep")
        means[label] = INTENSITY[scan.contrast][group] * draw.uniform(0.95, 1.05)
        spread[label] = means[label] * ROUGH.get(group, TEXTURE)
    noise = draw.standard_normal(labels.shape, dtype=np.float32)
    noise = ndimage.gaussian_filter(noise, TEXTURE_SIGMA)
    head = means[labels] + spread[labels] * noise / noise.std()
    signal: Signal = ndimage.gaussian_filter(np.clip(head, 0, None), PARTIAL_VOLUME_SIGMA)
    return signal


def _sliced(
    head: Signal, labels: Labels, affine: NDArray[np.float64], slice_mm: float
) -> tuple[Signal, Labels, NDArray[np.float64]]:
    """Average the head over axial slices; take the labels in the middle of each slice."""
    zooms = np.linalg.norm(affine[:3, :3], axis=0)
    count = int(labels.shape[2] * zooms[2] / slice_mm)
    thick = resample(
        head, zooms, (*labels.shape[:2], count), (float(zooms[0]), float(zooms[1]), slice_mm)
    )
    middle = (labels.shape[2] - 1) / 2
    centres = middle + (np.arange(count) - (count - 1) / 2) * slice_mm / zooms[2]
    sliced = affine.copy()
    sliced[:3, 3] += affine[:3, 2] * centres[0]
    sliced[:3, 2] *= slice_mm / zooms[2]
    return thick, labels[:, :, np.rint(centres).astype(int)], sliced


def _with_thinner_layers(labels: Labels, layers: float) -> Labels:
    """Draw everything outside brain and fluid nearer to the brain, by the factor `layers`."""
    inside = ndimage.binary_fill_holes((labels > 0) & (labels < BRAIN_BELOW))
    distance = ndimage.distance_transform_edt(~inside).astype(np.float32)
    directions = np.gradient(ndimage.gaussian_filter(distance, 3.0))
    shift = np.clip(distance, 0, DEEPEST_LAYER) * (1 / layers - 1)
    indices = np.indices(labels.shape, dtype=np.float32)
    places = [
        index + shift * direction for index, direction in zip(indices, directions, strict=True)
    ]
    moved = ndimage.map_coordinates(labels, places, order=0, mode="nearest")
    moved[(moved > 0) & (moved < BRAIN_BELOW)] = 0
    thinner: Labels = np.where(inside, labels, moved)
    return thinner
