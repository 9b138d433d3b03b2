"""Images as they are stored: voxels before scaling, with the header that explains them.

nibabel's images scale voxels when they are read and choose a new scale when they are
written. Reorienting and cropping must change no stored value, so a `Volume` keeps the
voxels as they are on disk, with scl_slope and scl_inter in the header.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.orientations import apply_orientation, inv_ornt_aff
from nibabel.volumeutils import array_from_file, array_to_file

from ecdysis.errors import InputError
from ecdysis.files import atomic
from ecdysis.image.arrays import Mask
from ecdysis.image.geometry import (
    Affine,
    Box,
    Ornt,
    Voxels,
    corner_distance,
    cropped_affine,
    permutation_and_flips,
    rigid,
    zooms_of,
)
from ecdysis.image.grid import (
    SAME_GRID,
    Grid,
    choose_grid,
    form_code,
    shorten_quaternion,
    stored_shape,
)
from ecdysis.image.gzip_files import BROKEN_GZIP, reader, writing
from ecdysis.image.nifti import (
    anatomical_shape,
    check_voxel_type,
    damaged,
    in_mm,
    mm_per_unit,
    promised_bytes,
    read_header,
    read_to_end,
    voxel_offset,
)

TEXT_FIELDS = ("data_type", "db_name", "descrip", "aux_file", "intent_name", "unused_str")
"""Free text of a header, where converters leave names, times and paths; never written out."""
ITK_ORTHOGONAL = 1e-4
"""ITK reads no sform whose axes are further from orthogonal (cosine); tried with ITK 5.4."""
LARGEST = 1e38
"""Larger intensities do not fit into the 32-bit floats that programs compute with. Some programs
write the limits of these floats (3.4e38) where there is no value."""
MIRRORED_SLICE_CODES = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5}
"""The slice order (nifti1.h, slice_code) seen from the other end of the slice axis."""


@dataclass(frozen=True)
class Volume:
    """Stored voxels and their header."""

    header: Nifti1Header
    """Also a Nifti2Header, which is a subclass. Its shape, scale and affines are those of the
    voxels."""
    stored: Voxels
    """The values on disk, (X, Y, Z) or (X, Y, Z, T...); times scl_slope plus scl_inter they are
    the intensities."""

    @property
    def affine(self) -> Affine:
        """The affine by nibabel's rule: sform, else qform, by their codes."""
        affine: Affine = self.header.get_best_affine()
        return affine

    @property
    def zooms_mm(self) -> tuple[float, float, float]:
        """The distance of neighbouring voxels along each spatial axis, in mm."""
        first, second, third = zooms_of(self.affine) * mm_per_unit(self.header)
        return float(first), float(second), float(third)

    @property
    def scaling(self) -> tuple[float, float]:
        """Slope and intercept, 1 and 0 where the header has none."""
        slope, inter = self.header.get_slope_inter()
        return (1.0 if slope is None else float(slope)), (0.0 if inter is None else float(inter))

    @property
    def background(self) -> Voxels:
        """The stored value whose intensity is 0, or the nearest that the data type has."""
        slope, inter = self.scaling
        dtype = self.stored.dtype
        value = -inter / slope
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            value = min(max(round(value), limits.min), limits.max)
        return np.asarray(value, dtype=dtype)


class Anatomical(NamedTuple):
    """An anatomical image ready for use, with its original grid."""

    volume: Volume
    """Three dimensions, lengths in mm; sform and qform describe the same grid, codes of 0 stay."""
    grid: Grid
    """The chosen affine (mm), and the header as it is on disk."""
    warnings: list[str]
    """Problems of the header and how each was resolved."""


def read(path: str | PathLike[str]) -> Volume:
    """Read an image as it is stored, without repairs; a ``.nii`` is memory-mapped.

    A compressed file is read to its end, so that its checksum is verified.

    Raises
    ------
    InputError
        The file is not a NIfTI image, or it is damaged or truncated.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            header = read_header(path, stream)
            check_voxel_type(path, header)
            expected = promised_bytes(path, header, os.fstat(stream.fileno()).st_size)
            layout = stored_shape(header), header.get_data_dtype()
            if path.suffix != ".gz":
                stored = array_from_file(*layout, stream, voxel_offset(header))
            else:
                stream.seek(0)
                with reader(stream) as content:
                    stored = array_from_file(*layout, content, voxel_offset(header))
                    read_to_end(path, content, expected, expected)
    except FileNotFoundError:
        raise InputError(path, "the file does not exist", "Correct the path") from None
    except (*BROKEN_GZIP, ValueError) as error:
        raise damaged(path, error) from error
    return Volume(header, stored)


def read_anatomical(path: str | PathLike[str]) -> Anatomical:
    """Read a single anatomical volume and make its affines agree.

    Raises
    ------
    InputError
        The image cannot be used (see `ecdysis.image.nifti.preflight`), or all voxels are equal.
    """
    raw = read(path)
    shape = anatomical_shape(path, raw.header)
    header, warnings = in_mm(raw.header)
    grid = choose_grid(path, header)
    warnings += grid.warnings
    header = settled(grid)
    if raw.stored.ndim > 3:
        warnings.append(f"trailing dimensions of 1 were removed from the shape {raw.stored.shape}")
        header["dim"][0] = 3
        header["dim"][4:] = 1
    volume = Volume(header, raw.stored.reshape(shape, order="F"))
    on_disk = replace(grid, header=raw.header)
    return Anatomical(volume, on_disk, warnings + _check_values(path, volume.stored))


def are_numbers(stored: Voxels) -> Mask:
    """Return which voxels are neither NaN nor infinite nor above `LARGEST`."""
    if stored.dtype.kind != "f":
        return np.ones(stored.shape, dtype=bool)
    numbers: Mask = np.abs(stored) <= LARGEST
    return numbers


def without_gaps(volume: Volume) -> Volume:
    """Return an image with the background where a voxel is not a number."""
    numbers = are_numbers(volume.stored)
    if numbers.all():
        return volume
    return replace(volume, stored=np.where(numbers, volume.stored, volume.background))


def write(volume: Volume, path: str | PathLike[str]) -> None:
    """Write an image atomically with its stored values, data type, byte order and scale.

    Free text and extensions of the header are left out, since they may identify a person.
    The bytes of a ``.nii.gz`` depend on the image alone.
    """
    header = without_texts(volume.header)
    with atomic(path) as partial, writing(partial) as stream:
        header.write_to(stream)
        array_to_file(volume.stored, stream, header.get_data_dtype(), offset=None)


def without_texts(header: Nifti1Header) -> Nifti1Header:
    """Return a copy of the header of a single file without free text and extensions."""
    clean = header.copy()
    clean.extensions.clear()
    clean["vox_offset"] = clean.single_vox_offset
    for field in TEXT_FIELDS:
        if field in clean:
            clean[field] = b""
    return clean


def settled(grid: Grid) -> Nifti1Header:
    """Return a header whose sform and qform both describe the chosen grid.

    A code of 0 stays 0, with one exception: if the sform is not exactly orthogonal, the qform gets
    the code of the sform, because ITK (and so ANTs) then reads the qform, the nearest orthogonal
    grid.
    """
    header = grid.header.copy()
    codes = {name: form_code(header, name) for name in ("sform", "qform")}
    used = codes[grid.source]
    pixdim = header["pixdim"][1:4].copy()
    if grid.warnings:
        codes = {name: used if code > 0 else 0 for name, code in codes.items()}
    if grid.warnings or codes["sform"] <= 0:
        header.set_sform(grid.affine, max(codes["sform"], 0))
    if grid.warnings or codes["qform"] <= 0:
        axes = grid.affine[:3, :3] / zooms_of(grid.affine)
        crooked = np.abs(axes.T @ axes - np.eye(3)).max() > ITK_ORTHOGONAL
        header.set_qform(rigid(grid.affine), used if crooked else max(codes["qform"], 0))
    shorten_quaternion(header)
    if not grid.warnings:
        header["pixdim"][1:4] = pixdim
    return header


def reoriented(volume: Volume, change: Ornt) -> Volume:
    """Reorient a settled volume: voxels keep their values and world coordinates."""
    header = volume.header
    permutation, flips = permutation_and_flips(change)
    stored = apply_orientation(volume.stored, change)
    from_new_voxels = inv_ornt_aff(change, volume.stored.shape[:3])
    moved = _moved(header, lambda affine: affine @ from_new_voxels)
    moved["dim"][1:4] = stored.shape[:3]
    moved["pixdim"][1:4] = header["pixdim"][1:4][list(permutation)]
    axes = header.get_dim_info()
    moved.set_dim_info(*(None if axis is None else permutation.index(axis) for axis in axes))
    slice_axis = moved.get_dim_info()[2]
    if slice_axis is not None and flips[slice_axis] and header["slice_code"] > 0:
        last = int(moved["dim"][slice_axis + 1]) - 1
        moved["slice_start"] = last - header["slice_end"]
        moved["slice_end"] = last - header["slice_start"]
        moved["slice_code"] = MIRRORED_SLICE_CODES.get(int(header["slice_code"]), 0)
    return Volume(moved, stored)


def cropped(volume: Volume, box: Box) -> Volume:
    """Crop a settled volume to a box: voxels keep their values and world coordinates."""
    header = volume.header
    moved = _moved(header, lambda affine: cropped_affine(affine, box))
    moved["pixdim"][1:4] = header["pixdim"][1:4]
    moved["dim"][1:4] = box.shape
    slice_axis = header.get_dim_info()[2]
    if slice_axis is not None and box.shape[slice_axis] != volume.stored.shape[slice_axis]:
        moved["slice_start"] = moved["slice_end"] = moved["slice_code"] = 0
    return Volume(moved, volume.stored[box.slices])


def with_values(volume: Volume, stored: Voxels) -> Volume:
    """Return a volume with other voxels of the same shape, unscaled, on the grid of `volume`."""
    header = volume.header.copy()
    header.set_data_dtype(stored.dtype)
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["cal_min"] = header["cal_max"] = 0
    return Volume(header, stored.astype(header.get_data_dtype(), copy=False))


def require_same_grid(
    volume: Volume, shape: Sequence[int], affine: Affine, path: str | PathLike[str]
) -> None:
    """Check that `volume`, read from `path`, has a given shape and affine.

    Raises
    ------
    InputError
        The shape differs, or the affine differs by more than half a voxel at a corner.
    """
    stored = volume.stored.shape
    remedy = "Make it on the grid of the image"
    if stored != tuple(shape):
        raise InputError(path, f"its shape is {stored}, that of the image {tuple(shape)}", remedy)
    apart = corner_distance(volume.affine, affine, stored)
    if not apart <= SAME_GRID * zooms_of(affine).min():
        raise InputError(path, f"its grid is {apart:.3g} mm off that of the image", remedy)


def _moved(header: Nifti1Header, move: Callable[[Affine], Affine]) -> Nifti1Header:
    """Move both affines of a header, also those with code 0."""
    moved = header.copy()
    moved.set_sform(move(header.get_sform()), int(header["sform_code"]))
    moved.set_qform(move(header.get_qform()), int(header["qform_code"]))
    shorten_quaternion(moved)
    return moved


def _check_values(path: str | PathLike[str], stored: Voxels) -> list[str]:
    """Refuse an image without contrast; warn of voxels that are no numbers."""
    numbers = are_numbers(stored)
    missing = int(numbers.size - np.count_nonzero(numbers))
    values = stored[numbers] if missing else stored
    absent = f"NaN, infinite or above {LARGEST:g}"
    if not values.size or values.min() == values.max():
        fault = f"all its voxels are {values.flat[0]}" if values.size else "no voxel is a number"
        fault += f" ({missing} are {absent})" if missing else ""
        raise InputError(path, f"{fault}, so it shows nothing", "Make or convert it again")
    kept = f"{missing} voxels are {absent}; they were kept, and count as background"
    return [kept] if missing else []
