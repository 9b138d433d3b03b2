"""The anatomy of the phantom in template space: head, neck, and the chosen contrast.

The embedded template is an average of 152 heads. It ends at the foramen magnum and lacks the tip of
the nose. This module adds a neck and a nose tip, removes the haze in the air and remaps the
intensities, so that the head looks like one scan of one person.
"""

from dataclasses import dataclass
from functools import lru_cache

import nibabel as nib
import numpy as np
from scipy import ndimage

from ecdysis.image.arrays import Array, Mask, Values
from ecdysis.image.components import largest_component
from ecdysis.phantom.neck import extended_below
from ecdysis.template import embedded

# Signal at these intensities of the template, in the brain and in the rest of the head. Brain:
# CSF, grey and white matter. Rest: air, cortical bone, muscle, marrow, fat. Ratios of the brain
# are spin-echo signals (T2w TR 5000 TE 100, PDw TR 3000 TE 15 ms, FLAIR with CSF nulled) from
# the relaxation times at 3 T of Wansapura et al. 1999 (J Magn Reson Imaging 9:531-538).
BRAIN_KNOTS = (2600.0, 5600.0, 7700.0)
REST_KNOTS = (700.0, 1600.0, 4000.0, 6500.0, 9500.0)
CONTRASTS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "T1w": ((190, 530, 800), (0, 70, 400, 650, 1050)),
    "low": ((380, 550, 650), (0, 150, 380, 520, 700)),
    "child": ((260, 640, 750), (0, 70, 430, 560, 1000)),
    "T2w": ((1020, 490, 300), (0, 70, 190, 380, 720)),
    "FLAIR": ((90, 520, 390), (0, 70, 200, 330, 650)),
    "PDw": ((640, 780, 690), (0, 90, 480, 600, 950)),
}
EYES_MM, EYE_RADIUS_MM = ((-31.0, 55.0, -38.0), (31.0, 55.0, -38.0)), 11.0
NOSE_CUT_MM, NOSE_MM, NOSE_SLOPE = 88.0, 12.0, 0.8
# Resampling damaged the sections of the template below this height.
LOWEST_MM = -70.0
HEAD_THRESHOLD = 1700.0
CLOSING_MM = 8.0


@dataclass(frozen=True)
class Anatomy:
    """A head and its brain (i, j, k) in template space; `affine` maps voxels to mm (RAS)."""

    head: Values
    """Signal, about 800 in white matter of T1w, 0 in air."""
    brain: Values
    """1 in the brain with its ventricles and cisterns, else 0."""
    affine: Array
    surface_mm: Array
    """Points (n, 3) of the head above the template's lower edge."""
    brain_mm: Array


@lru_cache(maxsize=2)
def anatomy(resolution: int, contrast: str) -> Anatomy:
    """Build the head in template space; `resolution` is the template's voxel size, 1 or 2 mm."""
    t1w, inside, brain, affine = _extended(resolution)
    brain_levels, rest_levels = CONTRASTS[contrast]
    step = float(resolution)
    # 1 within 2 mm of the brain, where there is subarachnoid fluid; 0 beyond 3 mm.
    intracranial = np.clip((_blurred(brain, 2.5 / step) - 0.1) / 0.1, 0, 1)
    head = np.interp(t1w, REST_KNOTS, rest_levels).astype(np.float32)
    head += intracranial * (_interpolated(t1w, BRAIN_KNOTS, brain_levels) - head)
    vitreous = _eyes(head.shape, affine)
    head += vitreous * (np.float32(brain_levels[0] * 1.1) - head)
    head *= inside
    sparse = max(1, round(4 / step))
    return Anatomy(
        head=head,
        brain=brain,
        affine=affine,
        surface_mm=_points(inside > 0.5, affine, sparse, above_mm=LOWEST_MM),
        brain_mm=_points(brain > 0.5, affine, sparse, above_mm=-np.inf),
    )


@lru_cache(maxsize=1)
def _extended(resolution: int) -> tuple[Values, Values, Values, Array]:
    """Return T1w intensity, head (0 to 1), brain (0 or 1) and affine, with neck and nose."""
    template = embedded(resolution)
    image = nib.load(template.t1w)
    step = float(resolution)
    t1w = np.asarray(image.dataobj, dtype=np.float32)
    t1w += 0.8 * (t1w - _blurred(t1w, 1.6 / step))
    filled = _filled(np.asarray(nib.load(template.brain_mask).dataobj) > 0, CLOSING_MM / step)
    damaged = round((LOWEST_MM - image.affine[2, 3]) / step)
    t1w, silhouette = extended_below(
        t1w[:, :, damaged:], _silhouette(t1w)[:, :, damaged:], image.affine, step
    )
    added = t1w.shape[2] - filled.shape[2]
    ahead = round((NOSE_MM + 6) / step)
    affine = image.affine.copy()
    affine[2, 3] -= added * step
    brain = np.pad(filled, ((0, 0), (0, ahead), (added, 0))).astype(np.float32)
    cut = round((NOSE_CUT_MM - affine[1, 3]) / step)
    t1w, silhouette = _with_nose(t1w, silhouette, cut, ahead, step)
    return t1w, _blurred(silhouette.astype(np.float32), 0.8 / step), brain, affine


def _silhouette(t1w: Values) -> Mask:
    """Return the head without holes; it is filled slice by slice, since the nose opens below."""
    filled: Mask = ndimage.binary_fill_holes(largest_component(t1w > HEAD_THRESHOLD))
    for k in range(filled.shape[2]):
        filled[:, :, k] = ndimage.binary_fill_holes(filled[:, :, k])
    return filled


def _filled(mask: Mask, radius: float) -> Mask:
    """Close `mask` over `radius` voxels, then fill its holes: ventricles and cisterns."""
    steps = round(radius)
    closed = ndimage.binary_closing(np.pad(mask, steps), iterations=steps)
    inner = (slice(steps, -steps),) * 3
    return np.asarray(ndimage.binary_fill_holes(closed[inner]))


def _with_nose(
    t1w: Values, silhouette: Mask, cut: int, ahead: int, step: float
) -> tuple[Values, Mask]:
    """Replace the voxels in front of the coronal plane `cut` by a rounded tip of the nose.

    The section at `cut` is continued forward and eroded more and more.
    """
    size = t1w.shape[1] + ahead
    nose = np.zeros((t1w.shape[0], size, t1w.shape[2]), dtype=np.float32)
    inside = np.zeros(nose.shape, dtype=np.bool_)
    nose[:, :cut], inside[:, :cut] = t1w[:, :cut], silhouette[:, :cut]
    depth = ndimage.distance_transform_edt(silhouette[:, cut - 1]) * step
    skin = np.minimum(t1w[:, cut - 1], 6500)
    for j in range(cut, size):
        forward = (j - cut + 1) * step
        if forward > NOSE_MM:
            break
        nose[:, j] = skin
        inside[:, j] = depth > NOSE_SLOPE * forward + 2
    return nose, inside


def _eyes(shape: tuple[int, ...], affine: Array) -> Values:
    """Return the weight of the vitreous body, 0 to 1; the affine has no rotation."""
    axes = [affine[a, 3] + affine[a, a] * np.arange(shape[a]) for a in range(3)]
    weight = np.zeros(shape, dtype=np.float32)
    for eye in EYES_MM:
        squares = [(axis - centre) ** 2 for axis, centre in zip(axes, eye, strict=True)]
        near = np.ix_(*(np.flatnonzero(square < (EYE_RADIUS_MM + 3) ** 2) for square in squares))
        x, y, z = (square[index] for square, index in zip(squares, near, strict=True))
        weight[near] = np.clip(EYE_RADIUS_MM - np.sqrt(x + y + z), 0, 1)
    return weight


def _interpolated(t1w: Values, knots: tuple[float, ...], levels: tuple[float, ...]) -> Values:
    """Interpolate linearly between the knots, and with half the slope beyond them."""
    low = knots[0] - 1500, levels[0] - (levels[1] - levels[0]) / (knots[1] - knots[0]) * 750
    high = knots[-1] + 1500, levels[-1] + (levels[-1] - levels[-2]) / (knots[-1] - knots[-2]) * 750
    levels = (low[1], *levels, high[1])
    values = np.interp(t1w, (low[0], *knots, high[0]), np.maximum(levels, 0))
    return np.asarray(values, dtype=np.float32)


def _points(mask: Mask, affine: Array, step: int, above_mm: float) -> Array:
    voxels = np.argwhere(mask[::step, ::step, ::step]) * step
    points: Array = voxels @ affine[:3, :3].T + affine[:3, 3]
    return points[points[:, 2] >= above_mm]


def _blurred(volume: Values, sigma: float) -> Values:
    return np.asarray(ndimage.gaussian_filter(volume, sigma, mode="nearest", truncate=3))
