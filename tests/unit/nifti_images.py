"""NIfTI files for tests, written field by field: odd ones that nibabel would repair as well."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header

AFFINE = np.array(
    [[-1.5, 0.0, 0.0, 20.0], [0.0, 1.25, 0.0, -30.0], [0.0, 0.0, 2.0, -7.0], [0, 0, 0, 1.0]]
)


def rotation(axis: tuple[float, float, float], degrees: float) -> np.ndarray:
    """Rotate about an axis (Rodrigues)."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def noise(shape: tuple[int, ...] = (7, 6, 5), dtype: Any = "int16", seed: int = 0) -> np.ndarray:
    """Voxels that are all different enough to tell a wrong permutation."""
    return np.random.default_rng(seed).integers(0, 120, shape).astype(dtype)


def save(
    path: Path,
    stored: np.ndarray,
    *,
    sform: np.ndarray | None = AFFINE,
    qform: np.ndarray | None = AFFINE,
    codes: tuple[int, int] = (1, 1),
    kind: type[Nifti1Header] = Nifti1Header,
    endianness: str = "<",
    **fields: Any,
) -> Path:
    """Write `stored` with a header; `codes` are those of sform and qform."""
    header = kind(endianness=endianness)
    header.set_data_dtype(stored.dtype)
    header.set_data_shape(stored.shape)
    if qform is not None:
        header.set_qform(qform, codes[1])
    if sform is not None:
        header.set_sform(sform, codes[0])
    header["sform_code"], header["qform_code"] = codes
    header["vox_offset"] = header.single_vox_offset
    header["xyzt_units"] = 2
    for field, value in fields.items():
        header[field] = value
    block = header.binaryblock.ljust(header.single_vox_offset, b"\0")
    content = block + stored.astype(header.get_data_dtype()).tobytes("F")
    path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)
    return path


def nifti1_field(content: bytes, offset: int, form: str, *values: Any) -> bytes:
    """Overwrite one field of a little-endian NIfTI-1 file, by its place in nifti1.h."""
    packed = struct.pack("<" + form, *values)
    return content[:offset] + packed + content[offset + len(packed) :]
