"""The self-check of a brain mask: whether it is plausible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import scipy
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from ecdysis.files import table_rows
from ecdysis.image.arrays import Mask, Values
from ecdysis.image.geometry import Affine, Box, faces
from ecdysis.skullstrip.mask_border import measure_border
from ecdysis.skullstrip.working_image import (
    NativeGrid,
    intensities,
    native_grid,
    write_mask,
)


@dataclass(frozen=True)
class Limit:
    """Bounds of one measure: outside `look` a person should look, outside `fail` it is wrong."""

    look: tuple[float, float]
    fail: tuple[float, float]
    alignment: bool
    """Whether a wrong alignment with the template changes the measure."""
    meaning: str
    source: str


def _limits(contrast: str) -> dict[str, Limit]:
    """Return the rows of ``mask_limits.tsv`` of a contrast, by measure."""
    return {
        measure: Limit(_bounds(look), _bounds(fail), alignment == "yes", meaning, source)
        for of, measure, look, fail, alignment, meaning, source in table_rows(
            Path(__file__).with_name("mask_limits.tsv")
        )
        if of == contrast
    }


def _bounds(text: str) -> tuple[float, float]:
    low, high = text.split("..")
    return float(low), float(high)


LIMITS, OTHER_CONTRASTS = _limits("all"), _limits("other")
"""Bounds by measure, of all images and of those that are not T1w."""
FORAMEN_MAGNUM_MM2 = 793.0
"""Area of the opening of the skull for the brain stem in 120 adults, mean of men:
doi:10.3126/njms.v8i1.50908."""
BINS = 32
TISSUE_FRACTIONS = ("fluid_fraction", "grey_fraction", "white_fraction")


def judge(measures: Mapping[str, float]) -> dict[str, Any]:
    """Compare measures with `LIMITS`.

    Returns
    -------
    dict
        ``verdict``: ok, look or fail; ``reasons``: a sentence for each measure out of bounds.
    """
    grades, reasons = [0], []
    for name, value in measures.items():
        limit = _limit(name, measures)
        grade = 2 if _outside(value, limit.fail) else int(_outside(value, limit.look))
        grades.append(grade)
        if grade:
            low, high = limit.fail if grade == 2 else limit.look
            reasons.append(f"{limit.meaning} is {value:g}, expected {low:g} to {high:g}")
    return {"verdict": ("ok", "look", "fail")[max(grades)], "reasons": reasons}


def is_aligned(measures: Mapping[str, float]) -> bool:
    """Return whether no measure that depends on the alignment is out of the bounds of `look`."""
    limits = {name: _limit(name, measures) for name in measures}
    return not any(
        limit.alignment and _outside(measures[name], limit.look) for name, limit in limits.items()
    )


def _limit(name: str, measures: Mapping[str, float]) -> Limit:
    """Return the bounds of a measure; only a T1w is correlated with the template."""
    other = OTHER_CONTRASTS.get(name)
    return LIMITS[name] if other is None or "template_correlation" in measures else other


def measure_alignment(
    prior: nib.Nifti1Image, template_mask: nib.Nifti1Image, affine: Affine
) -> dict[str, float]:
    """Take the measures of the warped mask and of the affine alignment.

    `prior` is the warped mask of the template, 0 to 1, on the working grid, and `template_mask` the
    mask in the template's space. `affine` (4, 4) maps points of the template to the head (RAS, mm).
    """
    warped = np.asanyarray(prior.dataobj) > 0.5
    to_template = np.linalg.inv(affine).astype(np.float64)
    overlap = _affine_overlap(warped, prior.affine, template_mask, to_template)
    return {
        "fragment_fraction": round(fragment_fraction(warped), 5),
        "left_right_difference": round(_left_right(warped, prior.affine, to_template), 4),
        "affine_overlap": round(overlap, 4),
        "rotation_deg": round(rotation_angle(to_template), 1),
    }


def measure_image(mask: Mask, image: nib.Nifti1Image) -> dict[str, float]:
    """Take the measures that need no registration: those of the mask's shape, contrast and border.

    `mask` is on the grid of `image`, the head.
    """
    grid = native_grid(image)
    data = intensities(image)
    return {
        **measure_shape(mask, grid),
        "contrast": round(contrast(mask, data), 3),
        **measure_border(mask, grid, data),
    }


def write_checked(mask: Mask, image: nib.Nifti1Image, path: Path) -> dict[str, Any]:
    """Write a mask that was made without a registration; return its ``measures`` and ``check``.

    `mask` is on the grid of `image`, the head; `path` gets it as uint8.
    """
    write_mask(mask, image, path)
    measures = measure_image(mask, image)
    return {"measures": measures, "check": judge(measures)}


def measure_shape(mask: Mask, grid: NativeGrid) -> dict[str, float]:
    """Take volume, edge and fragments."""
    return {
        "volume_ml": round(float(mask.sum() * np.prod(grid.zooms) / 1000), 1),
        "edge_cm2": round((edge_area(mask, grid.zooms) - stem_area(mask, grid)) / 100, 2),
        "fragment_fraction": round(fragment_fraction(mask), 5),
    }


def measure_t1w(
    classes: Sequence[Values], inside: Mask, head: Values, template: Values
) -> dict[str, float]:
    """Take the measures that hold for a T1w only.

    `classes` are the probabilities of three tissues, from the darkest to the brightest. `inside` is
    the warped mask without a lesion, `template` the warped template. All arrays have one shape,
    (X, Y, Z).
    """
    total = max(float(sum(tissue[inside].sum() for tissue in classes)), 1e-6)
    parts = [round(float(tissue[inside].sum()) / total, 3) for tissue in classes]
    correlation = 0.0
    if inside.sum() > 1 and head[inside].std() > 0 and template[inside].std() > 0:
        correlation = float(np.corrcoef(head[inside], template[inside])[0, 1])
    return {
        "template_correlation": round(correlation, 3),
        **dict(zip(TISSUE_FRACTIONS, parts, strict=True)),
    }


def contrast(mask: Mask, data: Values) -> float:
    """Spread of intensities in a mask over their median above the level of air.

    Examples
    --------
    >>> data = np.zeros((10, 10, 10), np.float32)
    >>> data[5:] = np.linspace(50, 150, 500).reshape(5, 10, 10)
    >>> round(contrast(data > 0, data), 2)
    0.8
    """
    if not mask.any():
        return 0.0
    low, middle, high = np.percentile(data[mask], (10, 50, 90))
    above = float(middle - np.percentile(data[::2, ::2, ::2], 2))
    return float(high - low) / above if above > 0 else 0.0


def rotation_angle(affine: Affine) -> float:
    """Angle (degrees) of the rotation nearest to the linear part of an affine map.

    The polar decomposition gives it (Shoemake and Duff 1992, Graphics Interface, 258).

    Examples
    --------
    >>> round(rotation_angle(np.diag([-2.0, 1.1, -1.0, 1.0])))
    180
    """
    left, _, right = np.linalg.svd(affine[:3, :3])
    cosine = (float(np.trace(left @ right)) - 1) / 2
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def edge_area(mask: Mask, zooms: Sequence[float]) -> float:
    """Area (mm²) of the mask in the outermost layers of the field."""
    areas = np.prod(zooms) / np.asarray(zooms)
    return sum(float(face.sum() * area) for face, area in zip(faces(mask), areas, strict=True))


def stem_area(mask: Mask, grid: NativeGrid) -> float:
    """Area (mm²) of the mask in the lowest layer of the field, at most `FORAMEN_MAGNUM_MM2`.

    Many fields of view end where the brain stem leaves the head.
    """
    axis = int(np.abs(grid.affine[2, :3]).argmax())
    lowest = mask.take(0 if grid.affine[2, axis] > 0 else -1, axis)
    area = float(lowest.sum() * np.prod(grid.zooms) / grid.zooms[axis])
    return min(area, FORAMEN_MAGNUM_MM2)


def fragment_fraction(mask: Mask) -> float:
    """Part of the mask outside its largest component; 1 for an empty mask."""
    box = Box.around(mask) or Box.whole(mask.shape)
    sizes = np.bincount(scipy.ndimage.label(mask[box.slices])[0].ravel())[1:]
    return 1 - float(sizes.max() / sizes.sum()) if sizes.size else 1.0


def correlation_ratio(values: Values, given: Values) -> float:
    """Part of the variance of `values` that `BINS` bins of `given` explain, 0 to 1."""
    if values.size == 0 or values.var() == 0:
        return 0.0
    edges = np.quantile(given, np.linspace(0, 1, BINS + 1)[1:-1])
    label = np.searchsorted(edges, given)
    counts = np.bincount(label, minlength=BINS)
    totals = np.bincount(label, weights=values, minlength=BINS)
    means = totals / np.maximum(counts, 1)
    between = float((counts * (means - values.mean(dtype=np.float64)) ** 2).sum())
    return between / (values.size * float(values.var(dtype=np.float64)))


def _left_right(mask: Mask, affine: Affine, to_template: Affine) -> float:
    points = apply_affine(to_template @ affine, np.argwhere(mask))
    if points.size == 0:
        return 1.0
    # A template in MNI space is symmetric about x = 0.
    return abs(float(np.sign(points[:, 0]).mean()))


def _affine_overlap(
    mask: Mask, affine: Affine, template_mask: nib.Nifti1Image, to_template: Affine
) -> float:
    to_voxel = np.linalg.inv(template_mask.affine) @ to_template @ affine
    source = np.asanyarray(template_mask.dataobj).astype(np.float32)
    moved: NDArray[np.bool_] = (
        scipy.ndimage.affine_transform(
            source, to_voxel[:3, :3], to_voxel[:3, 3], output_shape=mask.shape, order=1
        )
        > 0.5
    )
    total = float(mask.sum() + moved.sum())
    return 2 * float((mask & moved).sum()) / total if total else 0.0


def _outside(value: float, bounds: tuple[float, float]) -> bool:
    return not bounds[0] <= value <= bounds[1]
