"""Remove the face: its region in the template's space, relative to the brain.

The region is everything in front of and below a plane from the brow to the pharynx, and the
auricles. It is defined by the box around the template's brain mask, so it needs no face mask and
works with every template. Recognition uses eyes, nose, mouth, teeth, chin and ears (Schwarz et al.
2019, doi:10.1056/NEJMc1908881).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from ecdysis.image.arrays import Array, Mask
from ecdysis.image.geometry import Affine, zooms_of
from ecdysis.image.resampling import resample
from ecdysis.image.volume import Volume
from ecdysis.skullstrip.itk import read_affine

# Lengths are fractions of the brain's length from frontal to occipital pole. They are measured in
# front of the frontal pole and above the vertex of the brain. The values are from the MNI152 head,
# whose brain is 179 mm long, and were checked on other heads.
BROW, PHARYNX = (0.04, -0.31), (-0.32, -0.76)
"""Two points of the plane (in front, above): on the skin above the root of the nose, and behind the
palate. Behind `PHARYNX` only the auricles are removed."""
EAR_SIDE = 1.10
"""Distance of the auricles from the midline, in halves of the brain's width."""
EAR_TOP = -0.48
"""Upper end of the auricles."""
EAR_BACK, EAR_FRONT = -0.83, -0.32
"""Back and front end of the auricles."""
BRAIN_MARGIN_MM = 5.0
"""Voxels nearer to the brain mask are kept."""
COARSE_MM = 2.0
SLAB = 16


@dataclass(frozen=True)
class Landmarks:
    """The box around the template's brain, in mm of its space (RAS)."""

    middle: float
    half_width: float
    front: float
    length: float
    top: float


def landmarks(brain_mask: nib.Nifti1Image) -> Landmarks:
    """Return the landmarks of a template from its brain mask (brain is above 0.5)."""
    voxels = np.argwhere(brain_mask.get_fdata(dtype=np.float32) > 0.5)
    points = nib.affines.apply_affine(brain_mask.affine, voxels)
    low, high = points.min(axis=0), points.max(axis=0)
    return Landmarks(
        middle=float(low[0] + high[0]) / 2,
        half_width=float(high[0] - low[0]) / 2,
        front=float(high[1]),
        length=float(high[1] - low[1]),
        top=float(high[2]),
    )


def face_region(shape: tuple[int, int, int], to_template: Affine, marks: Landmarks) -> Mask:
    """Return the mask of the face region on a grid.

    `to_template` (4, 4) maps voxels of the grid to mm of the template's space.
    """
    region = np.zeros(shape, dtype=np.bool_)
    j, k = np.ogrid[: shape[1], : shape[2]]
    for start in range(0, shape[0], SLAB):
        i = np.arange(start, min(start + SLAB, shape[0]))[:, None, None]
        x, y, z = (row[0] * i + row[1] * j + row[2] * k + row[3] for row in to_template[:3])
        region[start : start + SLAB] = _inside(x, y, z, marks)
    return region


def away_from(mask: Mask, affine: Affine, margin_mm: float) -> Mask:
    """Return the voxels further than `margin_mm` from a mask, without voxels of the mask.

    The distance is computed on a grid of 2 mm, because a fine grid is slow.
    """
    zooms = zooms_of(affine)
    shape = tuple(
        int(np.ceil(n * zoom / COARSE_MM)) for n, zoom in zip(mask.shape, zooms, strict=True)
    )
    coarse = resample(mask.astype(np.float32), zooms.tolist(), shape, (COARSE_MM,) * 3)
    distance = ndimage.distance_transform_edt(coarse < 0.5, sampling=COARSE_MM)
    fine = resample(distance.astype(np.float32), (COARSE_MM,) * 3, mask.shape, zooms.tolist())
    return np.asarray((fine > margin_mm) & ~mask)


def _inside(x: Array, y: Array, z: Array, marks: Landmarks) -> Mask:
    """Return which points of the template's space are in the region."""
    ahead, above = (y - marks.front) / marks.length, (z - marks.top) / marks.length
    slope = (BROW[1] - PHARYNX[1]) / (BROW[0] - PHARYNX[0])
    face = (ahead > PHARYNX[0]) & (above < PHARYNX[1] + slope * (ahead - PHARYNX[0]))
    aside = np.abs(x - marks.middle) / marks.half_width > EAR_SIDE
    ears = aside & (above < EAR_TOP) & (ahead > EAR_BACK) & (ahead < EAR_FRONT)
    return np.asarray(face | ears)


def region_to_remove(
    volume: Volume, brain: Mask, template_mask: Path, affines: Iterable[Path]
) -> Mask:
    """Return the face region of an image, without voxels in or near the brain.

    `brain` is its brain mask, `template_mask` that of the template. `affines` are ITK transforms of
    points that lead from the template to the image, in this order.
    """
    to_template = np.eye(4)
    for file in affines:
        to_template = to_template @ np.linalg.inv(read_affine(file))
    marks = landmarks(nib.load(template_mask))
    region = face_region(volume.stored.shape, to_template @ volume.affine, marks)
    return region & away_from(brain, volume.affine, BRAIN_MARGIN_MM)


def without(volume: Volume, region: Mask) -> Volume:
    """Return an image with the value of air in a region; other voxels are unchanged."""
    return Volume(volume.header, np.where(region, volume.background, volume.stored))
