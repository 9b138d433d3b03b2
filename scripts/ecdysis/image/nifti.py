"""Checks of NIfTI files.

Only single files (``.nii``, ``.nii.gz``) are accepted, as in BIDS. Field names are those of
the NIfTI-1 standard (nifti1.h); NIfTI-2 has the same fields in wider types.
"""

import math
import stat
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from isal.igzip import IGzipFile
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError

from ecdysis.errors import InputError
from ecdysis.files import ANNEX_POINTER
from ecdysis.image.grid import choose_grid, stored_shape
from ecdysis.image.gzip_files import BROKEN_GZIP, first_bytes, reader

GZIP_MAGIC = b"\x1f\x8b"
HEADERS = ((b"n+1", slice(344, 347), Nifti1Header), (b"n+2", slice(4, 7), Nifti2Header))
PAIRS = ((b"ni1", slice(344, 347)), (b"ni2", slice(4, 7)))

DEFLATE_LIMIT = 1032
"""Maximum compression ratio of deflate (zlib technical details, M. Adler)."""
LONGEST_TAIL = 2**24
"""Bytes after the voxels above which a compressed file counts as a bomb."""
MAX_VOXELS = 2**31
"""Twice a cube of 1024 voxels; no head image is larger, and a larger image would fill memory."""
MM = 2
"""NIFTI_UNITS_MM of xyzt_units (nifti1.h)."""
VOXEL_MM = (0.05, 30.0)
"""Edges of the voxels of a head; own choice."""
AGAIN = "Convert or copy the image again"


def preflight(path: str | PathLike[str]) -> None:
    """Check, without reading the voxels, that a file is a usable anatomical image.

    The size of a compressed file is checked by the length in its gzip trailer (RFC 1952, ISIZE).
    If that differs, which is legal with several gzip members, the file is decompressed once, in
    pieces. For a valid image the time does not depend on its size.

    Raises
    ------
    InputError
        The file is missing, unreadable, empty, truncated or not NIfTI, or its dimensions, data type
        or affine cannot be used.
    """
    path = Path(path)
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            # Opening a pipe would wait endlessly.
            raise InputError(path, "it is not a regular file", "Put the image itself there")
        size = state.st_size
        with path.open("rb") as stream:
            header = read_header(path, stream)
            check_voxel_type(path, header)
            anatomical_shape(path, header)
            _check_size(path, header, stream, size)
    except FileNotFoundError:
        fetch = "it is a broken link" if path.is_symlink() else "the file does not exist"
        raise InputError(
            path, fetch, "Fetch it (datalad get, or set datalad: get) or correct the path"
        ) from None
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror or type(error).__name__})"
        raise InputError(path, problem, "Check its permissions and its disk") from error
    choose_grid(path, header)


def read_header(path: Path, stream: BinaryIO) -> Nifti1Header:
    """Read the header of an open file, gzip or not, without repairs.

    Raises
    ------
    InputError
        It is not the header of a single-file NIfTI image, or its dimensions are not valid.
    """
    start = stream.read(4096)
    if not start:
        raise InputError(path, "the file is empty", AGAIN)
    if start.startswith(ANNEX_POINTER):
        problem = "its content is kept elsewhere by git-annex"
        raise InputError(path, problem, "Fetch it with datalad get, or set datalad: get")
    if start.startswith(GZIP_MAGIC) != (path.suffix == ".gz"):
        verb = "is" if path.suffix != ".gz" else "is not"
        raise InputError(
            path,
            f"the file {verb} gzip data",
            "Rename it to the extension that matches its content",
        )
    if path.suffix == ".gz":
        start = _first_bytes(path, stream, start)
    for magic, place in PAIRS:
        if start[place] == magic:
            problem = "the file is one half of a NIfTI pair (.hdr, .img)"
            raise InputError(path, problem, "Convert the pair to one .nii file")
    for magic, place, kind in HEADERS:
        if start[place] == magic and len(start) >= kind.sizeof_hdr:
            header = kind(start[: kind.sizeof_hdr], check=False)
            _check_numbers(path, header)
            return header
    problem = "the file is not a NIfTI image: it has no NIfTI-1 or NIfTI-2 magic string"
    raise InputError(path, problem, AGAIN)


def check_voxel_type(path: str | PathLike[str], header: Nifti1Header) -> None:
    """Refuse voxels that are not a single integer or real number of up to 64 bits.

    Raises
    ------
    InputError
        The voxels are colours, complex numbers, bits, extended reals or of an unknown type.
    """
    try:
        dtype = header.get_data_dtype()
    except (HeaderDataError, KeyError):
        dtype = None
    if dtype is None or dtype.kind not in "iuf" or not 0 < dtype.itemsize <= 8:
        raise InputError(
            path,
            f"the data type {dtype if dtype is not None else int(header['datatype'])} cannot be "
            "used: expected one integer or real number a voxel, of up to 64 bits",
            "Convert the image to a grey scale, such as int16 or float32",
        )
    try:
        header.get_slope_inter()
    except HeaderDataError as error:
        problem = f"scl_inter is {header['scl_inter']}: expected a finite number"
        raise InputError(path, problem, AGAIN) from error


def anatomical_shape(path: str | PathLike[str], header: Nifti1Header) -> tuple[int, int, int]:
    """Return the spatial shape of an image with one volume.

    Trailing dimensions of 1 are allowed.

    Raises
    ------
    InputError
        The image has fewer than three dimensions, several volumes, or a single slice.
    """
    shape = stored_shape(header)
    if len(shape) < 3 or min(shape[:3]) < 2:
        problem = f"its shape is {shape}: expected three dimensions of at least 2 voxels"
        raise InputError(path, problem, "Exclude it; it is not an anatomical volume")
    if math.prod(shape[3:]) != 1:
        raise InputError(
            path,
            f"its shape is {shape}, {math.prod(shape[3:])} volumes: expected one anatomical volume",
            "Select one volume or average them first, or exclude the image with filters",
        )
    return shape[0], shape[1], shape[2]


def voxel_offset(header: Nifti1Header) -> int:
    """Return the offset of the first voxel in the file; 0 means the end of the header."""
    return int(header["vox_offset"]) or int(header.single_vox_offset)


def in_mm(header: Nifti1Header) -> tuple[Nifti1Header, list[str]]:
    """Return a header whose lengths are in mm, and a warning if its unit (xyzt_units) is wrong.

    A unit with which voxels would be impossibly small or large is wrong; its lengths are in mm.
    """
    scale = mm_per_unit(header)
    if scale == 1:
        return header, []
    result, warnings = header.copy(), []
    result["xyzt_units"] = int(header["xyzt_units"]) - int(header["xyzt_units"]) % 8 + MM
    zooms = np.abs(header["pixdim"][1:4]) * scale
    if zooms.min() < VOXEL_MM[0] or zooms.max() > VOXEL_MM[1]:
        unit = header.get_xyzt_units()[0]
        warnings.append(
            f"the unit of lengths is {unit}, so voxels would have {zooms.max():g} mm; mm were taken"
        )
        return result, warnings
    for field in ("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"):
        result[field] = header[field] * scale
    result["pixdim"][1:4] = header["pixdim"][1:4] * scale
    return result, warnings


def mm_per_unit(header: Nifti1Header) -> float:
    """Return the length of the spatial unit (xyzt_units) in mm; an unknown unit counts as mm."""
    return {1: 1000.0, 3: 0.001}.get(int(header["xyzt_units"]) % 8, 1.0)


def damaged(path: str | PathLike[str], error: Exception) -> InputError:
    """Return the InputError of a file whose voxels cannot be read because of `error`."""
    problem = f"the voxels cannot be read, the file is damaged or cut short ({error})"
    return InputError(path, problem, AGAIN)


def _first_bytes(path: Path, stream: BinaryIO, compressed: bytes) -> bytes:
    wanted = Nifti2Header.sizeof_hdr
    try:
        start = first_bytes(compressed, wanted)
        if len(start) < wanted:
            stream.seek(0)
            with reader(stream) as whole:
                start = whole.read(wanted)
    except BROKEN_GZIP as error:
        raise damaged(path, error) from error
    return start


def _check_numbers(path: Path, header: Nifti1Header) -> None:
    """Check the dimensions and the offset of the voxels, before they are used."""
    rank = int(header["dim"][0])
    if not 1 <= rank <= 7 or min(stored_shape(header)) < 1:
        problem = f"its dimensions are {header['dim'].tolist()}: expected 1 to 7 positive lengths"
        raise InputError(path, problem, AGAIN)
    voxels = math.prod(stored_shape(header))
    if voxels > MAX_VOXELS:
        problem = f"it claims {voxels} voxels: expected at most {MAX_VOXELS}"
        raise InputError(path, problem, AGAIN)
    offset = float(header["vox_offset"])
    if not (offset == 0 or header.single_vox_offset <= offset < 2**31):
        problem = f"vox_offset is {offset}: expected {header.single_vox_offset} or a little more"
        raise InputError(path, problem, AGAIN)


def promised_bytes(path: Path, header: Nifti1Header, size: int) -> int:
    """Return the number of bytes that the header declares, checked against the file size.

    Raises
    ------
    InputError
        A file of `size` bytes cannot contain them, even compressed.
    """
    length = math.prod(stored_shape(header)) * int(header.get_data_dtype().itemsize)
    expected = voxel_offset(header) + length
    compressed = path.suffix == ".gz"
    if expected > size * (DEFLATE_LIMIT if compressed else 1):
        held = "fewer than" if compressed else f"{size} of"
        problem = f"it holds {held} the {expected} bytes that its header promises"
        raise InputError(path, problem, AGAIN)
    return expected


def _check_size(path: Path, header: Nifti1Header, stream: BinaryIO, size: int) -> None:
    """Compare the number of bytes that the header declares with that in the file."""
    expected = promised_bytes(path, header, size)
    if path.suffix != ".gz":
        return
    stream.seek(-4, 2)
    if int.from_bytes(stream.read(4), "little") == expected % 2**32:
        return
    # It may have several gzip members, so all of it is decompressed, in pieces.
    stream.seek(0)
    try:
        with reader(stream) as whole:
            held = read_to_end(path, whole, 0, expected)
    except BROKEN_GZIP as error:
        raise damaged(path, error) from error
    if held < expected:
        problem = f"it holds fewer than the {expected} bytes that its header promises"
        raise InputError(path, problem, AGAIN)


def read_to_end(path: Path, content: IGzipFile, done: int, expected: int) -> int:
    """Read a decompressed stream to its end, so that its checksum is verified; count its bytes.

    `done` bytes were read before; `expected` is the number that the header declares.

    Raises
    ------
    InputError
        The stream is much longer than the voxels.
    """
    while part := content.read(1 << 20):
        done += len(part)
        if done > expected + LONGEST_TAIL:
            problem = f"it holds far more than the {expected} bytes that its header promises"
            raise InputError(path, problem, AGAIN)
    return done
