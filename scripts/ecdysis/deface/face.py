"""The region of the face in the template's space, relative to the brain.

The region is everything in front of and below a plane from the brow to the pharynx, and the
auricles. It is defined by the box around the template's brain mask, so it needs no face mask and
works with every template. Recognition uses eyes, nose, mouth, teeth, chin and ears (Schwarz et al.
2019, doi:10.1056/NEJMc1908881).
"""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ecdysis.image.geometry import Affine, zooms_of
from ecdysis.image.resampling import resample

Region = NDArray[np.bool_]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class FaceSettings:
    """The region; lengths are fractions of the brain's length from frontal to occipital pole.

    Measured on the MNI152 head, whose brain is 179 mm long, and checked on other heads: `brow` is
    on the skin above the root of the nose, `pharynx` behind the palate.

    Attributes
    ----------
    brow, pharynx : (float, float)
        Two points of the plane: distance in front of the frontal pole, and above the vertex of the
        brain. Behind `pharynx` only the auricles are removed.
    ear_side : float
        Distance of the auricles from the midline, in halves of the brain's width.
    ear_top : float
        Upper end of the auricles, above the vertex of the brain, as in `brow`.
    ear_range : (float, float)
        Back and front end of the auricles, in front of the frontal pole.
    brain_margin_mm : float
        Voxels nearer to the brain mask are kept.
    """

    brow: tuple[float, float] = (0.04, -0.31)
    pharynx: tuple[float, float] = (-0.32, -0.76)
    ear_side: float = 1.10
    ear_top: float = -0.48
    ear_range: tuple[float, float] = (-0.83, -0.32)
    brain_margin_mm: float = 5.0


FACE = FaceSettings()
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


def face_region(
    shape: tuple[int, int, int],
    to_template: Affine,
    marks: Landmarks,
    settings: FaceSettings = FACE,
) -> Region:
    """Return the mask of the face region on a grid.

    Parameters
    ----------
    shape : (I, J, K)
    to_template : float array (4, 4)
        Voxel of the grid to mm of the template's space.
    marks : Landmarks
    settings : FaceSettings
    """
    region = np.zeros(shape, dtype=np.bool_)
    j, k = np.ogrid[: shape[1], : shape[2]]
    for start in range(0, shape[0], SLAB):
        i = np.arange(start, min(start + SLAB, shape[0]))[:, None, None]
        x, y, z = (row[0] * i + row[1] * j + row[2] * k + row[3] for row in to_template[:3])
        region[start : start + SLAB] = _inside(x, y, z, marks, settings)
    return region


def away_from(mask: Region, affine: Affine, margin_mm: float) -> Region:
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
    result: Region = (fine > margin_mm) & ~mask
    return result


def _inside(x: Array, y: Array, z: Array, marks: Landmarks, settings: FaceSettings) -> Region:
    """Return which points of the template's space are in the region."""
    ahead, above = (y - marks.front) / marks.length, (z - marks.top) / marks.length
    (brow_ahead, brow_above), (end_ahead, end_above) = settings.brow, settings.pharynx
    slope = (brow_above - end_above) / (brow_ahead - end_ahead)
    face = (ahead > end_ahead) & (above < end_above + slope * (ahead - end_ahead))
    aside = np.abs(x - marks.middle) / marks.half_width > settings.ear_side
    back, front = settings.ear_range
    ears = aside & (above < settings.ear_top) & (ahead > back) & (ahead < front)
    region: Region = face | ears
    return region
