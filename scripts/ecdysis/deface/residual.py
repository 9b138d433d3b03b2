"""Measure how much of a face an image shows: compare the surface of its head with a template's.

The brain masks of image and template are aligned. Then rays run from outside to nose, eyes and
ears. A part is visible if the rays meet the head near the place where they meet the template's.
People are recognised by these parts (Schwarz et al. 2019, doi:10.1056/NEJMc1908881). The code that
removes faces is not used here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.eulerangles import euler2mat
from scipy import ndimage, optimize

from ecdysis.image.arrays import Array, Mask, Values
from ecdysis.image.components import largest_component
from ecdysis.template import embedded

Spans = tuple[tuple[float, float], tuple[float, float]]
Depths = tuple[Array, Array | None]
"""The depths (mm from their start) of the rays of a part, and of the rays at its base."""
STEP_MM = 2.0
"""Voxel size of the grid in the template's space, in which rays run."""
LOW_MM, HIGH_MM = np.array([-100.0, -130.0, -74.0]), np.array([100.0, 124.0, 90.0])
"""The corners of this grid."""
ALIGN_MM = 6.0
"""Voxel size at which brain masks are aligned."""
FAR = 1000.0
"""Added to the parameters of the alignment, so that relative steps become steps of 1 mm."""
ARM_MM = 60.0
"""A rotation by 1/60 rad moves a point at this distance from the centre by 1 mm."""


@dataclass(frozen=True)
class Part:
    """A part of the face and the rays that look for it, in mm of the template's space (RAS)."""

    axis: int
    """The axis along which the rays run."""
    sign: int
    """1 if they start at the positive end of the axis, else -1."""
    spans: Spans
    """The range of the rays along the two other axes."""
    near_mm: float
    """The part is visible if the distance of the surfaces is smaller."""
    base: Spans | None = None
    """For a flap such as the ear: the range of rays that meet the head next to it."""


EAR, BEHIND_EAR = ((-48, -18), (-62, -24)), ((-72, -56), (-50, -20))
PARTS: Mapping[str, Part] = {
    "nose": Part(1, 1, ((-7, 7), (-56, -34)), 10),
    "right eye": Part(1, 1, ((22, 42), (-60, -40)), 8),
    "left eye": Part(1, 1, ((-42, -22), (-60, -40)), 8),
    "right ear": Part(0, 1, EAR, 7, BEHIND_EAR),
    "left ear": Part(0, -1, EAR, 7, BEHIND_EAR),
}
"""Places on the head MNI152NLin6Asym (Grabner et al. 2006, doi:10.1007/11866763_8). The bounds are
between the distances of real faces and of defaced images; docs/benchmarks.md has the table."""
HEAD_LEVEL = 0.2
"""Voxels brighter than this part of the brain's median are head."""
OUTERMOST = 0.05
"""The quantile of the depths at which the edge of an ear is."""
LEAST_OVERLAP = 0.85
"""With a smaller Dice coefficient of the aligned brain masks, the distances are meaningless."""


@dataclass(frozen=True)
class Score:
    """The parts of a face that an image shows."""

    distances_mm: Mapping[str, float | None]
    """Part -> distance of the surface behind that of the template; None outside the field of view,
    infinity if no ray meets the head."""
    overlap: float
    """Dice coefficient of the aligned brain masks."""

    @property
    def visible(self) -> list[str]:
        """The parts that are visible."""
        return [
            name
            for name, distance in self.distances_mm.items()
            if distance is not None and distance < PARTS[name].near_mm
        ]

    @property
    def verdict(self) -> str:
        """``face`` if nose or eye is visible, ``ears`` if only ears are, ``none``, ``unknown``."""
        if self.overlap < LEAST_OVERLAP:
            return "unknown"
        visible = self.visible
        if not visible:
            return "none"
        return "ears" if all(name.endswith("ear") for name in visible) else "face"

    def to_json(self) -> dict[str, Any]:
        """Return verdict, visible parts, overlap and rounded distances (999 for no surface)."""
        distances = {
            name: None if value is None else round(min(value, 999.0), 1)
            for name, value in self.distances_mm.items()
        }
        return {
            "verdict": self.verdict,
            "visible": self.visible,
            "overlap": round(self.overlap, 3),
            "distances_mm": distances,
        }


def residual_face(
    image: nib.Nifti1Image, mask: nib.Nifti1Image, aligned: tuple[Array, float] | None = None
) -> Score:
    """Measure how much of the face a magnitude image of a head (3-D) shows.

    `mask` is its brain mask in the same world coordinates, on any grid; `aligned` is the result of
    `align_to_template` for this mask, if it is known.

    Raises
    ------
    ValueError
        The mask is empty.
    """
    _, surfaces = _template()
    to_image, overlap = aligned or align_to_template(mask)
    values, inside = in_template(image, to_image)
    brain, _ = in_template(mask, to_image)
    depths = _surfaces(values, brain, inside)
    return Score({name: _distance(depths[name], surfaces[name]) for name in PARTS}, overlap)


def align_to_template(mask: nib.Nifti1Image) -> tuple[Array, float]:
    """Align the brain mask of an image with that of the embedded template; see `align`."""
    return align(mask, _template()[0])


@cache
def _template() -> tuple[nib.Nifti1Image, dict[str, Depths]]:
    """Return the brain mask of the embedded template, and the surface of its head."""
    files = embedded(2)
    head, mask = nib.load(files.t1w), nib.load(files.brain_mask)
    values, inside = in_template(head, np.eye(4))
    brain, _ = in_template(mask, np.eye(4))
    return mask, _surfaces(values, brain, inside)


def _surfaces(values: Values, brain: Values, inside: Mask) -> dict[str, Depths]:
    """Return the depths at which the rays of each part meet the head."""
    # Only the largest component is used, so that rays do not meet noise in the air.
    solid = largest_component(values > HEAD_LEVEL * np.median(values[brain > 0.5]))
    return {
        name: (
            _rays(solid, inside, part, part.spans),
            _rays(solid, inside, part, part.base) if part.base else None,
        )
        for name, part in PARTS.items()
    }


def _rays(solid: Mask, inside: Mask, part: Part, spans: Spans) -> Array:
    """Return depths; infinity where a ray meets no head, NaN outside the field of view."""
    others = [axis for axis in range(3) if axis != part.axis]
    index: list[slice] = [slice(None, None, -part.sign)] * 3
    for axis, (low, high) in zip(others, spans, strict=True):
        first, last = np.round((np.array([low, high]) - LOW_MM[axis]) / STEP_MM).astype(int)
        index[axis] = slice(first, last + 1)
    head, field = (np.moveaxis(grid[tuple(index)], part.axis, 0) for grid in (solid, inside))
    depth = np.where(head.any(axis=0), head.argmax(axis=0) * STEP_MM, np.inf)
    return np.where(field.any(axis=0), depth, np.nan)


def _distance(depths: Depths, expected: Depths) -> float | None:
    """Return the distance of a surface behind that of the template; None if too little is seen.

    A flap also has a distance by which it is flatter than that of the template; the larger distance
    is returned.
    """
    (depth, base), (usual, usual_base) = depths, expected
    seen = ~np.isnan(depth) & np.isfinite(usual)
    if np.count_nonzero(seen) < usual.size / 4:
        return None
    if base is None or usual_base is None:
        return float(np.quantile(depth[seen] - usual[seen], 0.5, method="nearest"))
    edge, usual_edge = _outermost(depth), _outermost(usual)
    flatter = (_middle(usual_base) - usual_edge) - (_middle(base) - edge)
    return float(np.nanmax([edge - usual_edge, flatter]))


def _outermost(depth: Array) -> float:
    return float(np.quantile(depth[~np.isnan(depth)], OUTERMOST, method="nearest"))


def _middle(depth: Array) -> float:
    """Return the median of the rays that meet the head, NaN if none does."""
    return float(np.median(depth[np.isfinite(depth)])) if np.isfinite(depth).any() else np.nan


def align(mask: nib.Nifti1Image, template_mask: nib.Nifti1Image) -> tuple[Array, float]:
    """Align two brain masks by rotation, shift and scales.

    Masks are compared as blurred volumes, so no skull or face has an influence. The matrix (4, 4)
    maps mm of the template to mm of the image; the number is the Dice coefficient of the aligned
    masks.

    Raises
    ------
    ValueError
        The mask is empty.
    """
    moving, to_moving = _coarse(mask)
    fixed, to_fixed = _coarse(template_mask)
    world = nib.affines.apply_affine(to_fixed, np.argwhere(np.ones(fixed.shape, dtype=bool)))
    values = fixed.ravel()
    (centre, spread), (other, size) = _moments(fixed, to_fixed), _moments(moving, to_moving)
    to_voxel = np.linalg.inv(to_moving)

    def matrix(numbers: Array) -> Array:
        steps = (numbers - FAR) / ARM_MM
        result = np.eye(4)
        result[:3, :3] = euler2mat(*steps[:3]) @ np.diag(np.exp(steps[6:]))
        result[:3, 3] = other + ARM_MM * steps[3:6] - result[:3, :3] @ centre
        return result

    def sampled(numbers: Array) -> Array:
        voxels = nib.affines.apply_affine(to_voxel @ matrix(numbers), world)
        return np.asarray(ndimage.map_coordinates(moving, voxels.T, order=1, mode="constant"))

    begin = FAR + np.concatenate([np.zeros(6), ARM_MM * np.log(size / spread)])
    best = optimize.least_squares(
        lambda numbers: sampled(numbers) - values, begin, diff_step=1 / FAR, ftol=1e-5, max_nfev=40
    ).x
    ours, theirs = sampled(best) > 0.5, values > 0.5
    dice = 2 * np.count_nonzero(ours & theirs) / (np.count_nonzero(ours) + theirs.sum())
    return matrix(best), float(dice)


def _coarse(mask: nib.Nifti1Image) -> tuple[Values, Array]:
    """Return a blurred mask on a grid of `ALIGN_MM` around the brain, and its affine."""
    small, to_world = _thinned(mask, ALIGN_MM / 2)
    corners = nib.affines.apply_affine(to_world, np.argwhere(small > 0.5))
    if not corners.size:
        raise ValueError("the brain mask is empty")
    low, high = corners.min(axis=0) - 3 * ALIGN_MM, corners.max(axis=0) + 3 * ALIGN_MM
    affine = np.diag([ALIGN_MM] * 3 + [1.0])
    affine[:3, 3] = low
    sigma = ALIGN_MM / np.linalg.norm(to_world[:3, :3], axis=0)
    coarse: Values = ndimage.affine_transform(
        ndimage.gaussian_filter(small, sigma),
        np.linalg.inv(to_world) @ affine,
        output_shape=tuple(np.ceil((high - low) / ALIGN_MM).astype(int)),
        order=1,
    )
    return coarse, affine


def _moments(volume: Values, affine: Array) -> tuple[Array, Array]:
    """Return centre and standard deviations of a blurred mask along the axes of the world, mm."""
    points = nib.affines.apply_affine(affine, np.argwhere(volume > volume.max() / 2))
    return points.mean(axis=0), points.std(axis=0)


def in_template(image: nib.Nifti1Image, to_image: Array) -> tuple[Values, Mask]:
    """Resample an image to the grid of the rays, (100, 127, 82); also return where it has voxels.

    `to_image` (4, 4) maps mm of the template to mm of the image.
    """
    small, to_world = _thinned(image, STEP_MM)
    grid = np.diag([STEP_MM] * 3 + [1.0])
    grid[:3, 3] = LOW_MM
    to_voxel = np.linalg.inv(to_world) @ to_image @ grid
    shape = tuple(((HIGH_MM - LOW_MM) / STEP_MM).astype(int))
    values = ndimage.affine_transform(small, to_voxel, output_shape=shape, order=1)
    ones = np.ones(small.shape, np.uint8)
    inside = ndimage.affine_transform(ones, to_voxel, output_shape=shape, order=0)
    return values, inside > 0


def _thinned(image: nib.Nifti1Image, step_mm: float) -> tuple[Values, Array]:
    data = np.nan_to_num(np.asarray(image.dataobj, dtype=np.float32)).reshape(image.shape[:3])
    zooms = np.linalg.norm(image.affine[:3, :3], axis=0)
    factors = np.maximum(1, np.round(step_mm / zooms)).astype(int)
    cut = tuple(slice(0, n // f * f) for n, f in zip(data.shape, factors, strict=True))
    blocks = [v for n, f in zip(data[cut].shape, factors, strict=True) for v in (n // f, f)]
    small: Values = data[cut].reshape(blocks).mean(axis=(1, 3, 5), dtype=np.float32)
    step = np.diag([*factors.astype(float), 1.0])
    step[:3, 3] = (factors - 1) / 2
    return small, image.affine @ step
