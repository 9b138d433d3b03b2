"""Choose the affine of a NIfTI image between its sform and its qform."""

from dataclasses import dataclass
from os import PathLike

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.spatialimages import HeaderDataError

from ecdysis.errors import InputError
from ecdysis.image.geometry import Affine, corner_distance, rigid, zooms_of

SAME_GRID = 0.5
"""Two affines are the same grid if no corner differs by more than this number of voxels.

A much smaller limit would fail: near a rotation of 180 degrees the quaternion of a qform (single
precision) is exact to 1e-3 rad only, which is 0.2 mm at the far corner of a head.
"""
SINGULAR = 1e-6
"""Axes with a smaller determinant, as unit vectors, are in one plane."""
ROUNDED = 1e-5
"""A quaternion whose squared length exceeds 1 by up to this value was rounded; it is shortened."""
FORM_CODES = range(6)
"""Values of sform_code and qform_code that have a meaning (nifti1.h; 5 since 2020)."""
ALIGNED = 2
"""NIFTI_XFORM_ALIGNED_ANAT: coordinates aligned to another image."""
ORIENT = "Convert the image again, or set a correct sform (nibabel's set_sform, fslorient)"


@dataclass(frozen=True)
class Grid:
    """The chosen affine of an image."""

    header: Nifti1Header
    """As it is on disk."""
    affine: Affine
    """From voxels to RAS+, mm if the header is."""
    source: str
    """``sform`` or ``qform``."""
    warnings: tuple[str, ...]
    """Problems of the header and how each was resolved. Without any, sform and qform agree."""


def choose_grid(path: str | PathLike[str], header: Nifti1Header) -> Grid:
    """Choose the affine of an image between its sform and qform.

    If both can be used and differ, the sform is chosen, as in nibabel and FSL: tools update the
    sform, and it can represent every affine exactly. The qform is chosen if the sform is singular
    or sheared by more than half a voxel, which ITK does not read. If both codes are 0, left and
    right are unknown, and the image is refused.

    Raises
    ------
    InputError
        Neither affine can be used.
    """
    shape = stored_shape(header)[:3]
    warnings: list[str] = []
    for name in ("sform", "qform"):
        if form_code(header, name) != header[f"{name}_code"]:
            code = int(header[f"{name}_code"])
            warnings.append(f"{name}_code is {code}, which has no meaning; it was taken for 2")
    candidates: dict[str, Affine | None] = {}
    if header["sform_code"] > 0:
        candidates["sform"] = header.get_sform()
    if header["qform_code"] > 0:
        candidates["qform"] = _qform(header, warnings)
    if not candidates:
        problem = "sform_code and qform_code are both 0, so left and right are unknown"
        raise InputError(path, problem, ORIENT)
    faults = {name: _fault(affine, shape) for name, affine in candidates.items()}
    usable = {
        name: affine
        for name, affine in candidates.items()
        if affine is not None and faults[name] is None
    }
    if not usable:
        text = ", ".join(f"the {name} {fault}" for name, fault in faults.items())
        raise InputError(path, f"its affine cannot be used: {text}", ORIENT)
    name, affine = next(iter(usable.items()))
    warnings += [
        f"the {other} {fault}; the {name} was used" for other, fault in faults.items() if fault
    ]
    if len(usable) == 2:
        apart = corner_distance(affine, usable["qform"], shape)
        if apart > SAME_GRID * zooms_of(affine).min():
            warnings.append(
                f"sform and qform differ by up to {apart:.3g} mm; the sform was used for both"
            )
    elif list(candidates) == ["sform"]:
        warnings += _pixdim_warnings(header, affine)
    return Grid(header, affine, name, tuple(warnings))


def form_code(header: Nifti1Header, name: str) -> int:
    """Return sform_code or qform_code; codes that are not in the standard count as "aligned"."""
    code = int(header[f"{name}_code"])
    return code if code < len(FORM_CODES) else ALIGNED


def stored_shape(header: Nifti1Header) -> tuple[int, ...]:
    """Return the stored dimensions, including trailing dimensions of 1."""
    return tuple(int(length) for length in header["dim"][1 : int(header["dim"][0]) + 1])


def shorten_quaternion(header: Nifti1Header) -> None:
    """Shorten a quaternion that rounding made longer than 1, near a rotation of 180 degrees.

    The standard computes the first component from a length of 1. niftilib scales the others down;
    nibabel refuses to read them, in NIfTI-2 even those that it wrote.
    """
    fields = ("quatern_b", "quatern_c", "quatern_d")
    parts = np.array([header[field] for field in fields], dtype=float)
    square = float(parts @ parts)
    if 1 < square <= 1 + ROUNDED:
        shorter = (1 - 2 * np.finfo(header["quatern_b"].dtype).eps) / np.sqrt(square)
        for field, part in zip(fields, parts * shorter, strict=True):
            header[field] = part


def _qform(header: Nifti1Header, warnings: list[str]) -> Affine | None:
    """Return the qform with signs repaired as in the standard, or None if it is not valid."""
    repaired = header.copy()
    if repaired["pixdim"][0] not in {-1, 1}:
        repaired["pixdim"][0] = 1
        warnings.append(f"pixdim[0] is {header['pixdim'][0]}, not -1 or 1; it was taken for 1")
    if min(repaired["pixdim"][1:4]) < 0:
        repaired["pixdim"][1:4] = abs(repaired["pixdim"][1:4])
        warnings.append(f"pixdim is {header['pixdim'][1:4]}; the signs were dropped")
    shorten_quaternion(repaired)
    try:
        with np.errstate(invalid="ignore"):
            qform: Affine = repaired.get_qform()
    except (HeaderDataError, ValueError):
        return None
    return qform


def _fault(affine: Affine | None, shape: tuple[int, ...]) -> str | None:
    if affine is None:
        return "has no valid quaternion"
    if not np.isfinite(affine).all():
        return "is not finite"
    zooms = zooms_of(affine)
    if zooms.min() <= 0:
        return "has a zoom of zero"
    if abs(np.linalg.det(affine[:3, :3] / zooms)) < SINGULAR:
        return "is singular"
    if corner_distance(affine, rigid(affine), shape) > SAME_GRID * zooms.min():
        return "is sheared"
    return None


def _pixdim_warnings(header: Nifti1Header, affine: Affine) -> list[str]:
    """Warn of zooms (pixdim) that differ from those of the chosen sform."""
    pixdim, zooms = header["pixdim"][1:4], zooms_of(affine)
    if np.allclose(pixdim, zooms, rtol=1e-3):
        return []
    text = ", ".join(f"{zoom:g}" for zoom in pixdim)
    wanted = ", ".join(f"{zoom:g}" for zoom in zooms)
    return [f"the zooms (pixdim) are {text}, the sform has {wanted}; the sform was used"]
