"""Files that are, or claim to be, NIfTI images: one case a subject."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti2 import Nifti2Header

from tests.hostile.case import Case
from tests.unit.nifti_images import AFFINE, save

GRID = 16
ZERO = np.zeros((4, 4))
DIM, DATATYPE, BITPIX, PIXDIM, VOX_OFFSET, MAGIC = 40, 70, 72, 76, 108, 344


def head(dtype: Any = "int16", scale: float = 1, offset: float = 0) -> np.ndarray:
    """A ball in air, which is head enough for cropping."""
    place = np.indices((GRID,) * 3) - GRID / 2 + 0.5
    ball = np.linalg.norm(place, axis=0) < GRID / 3
    texture = np.random.default_rng(1).integers(200, 300, ball.shape)
    return (np.where(ball, texture, texture % 9) * scale + offset).astype(dtype)


def image(root: Path, label: str, ending: str = ".nii.gz") -> Path:
    """The place of the only T1w of a subject."""
    path = root / f"sub-{label}/anat/sub-{label}_T1w{ending}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def written(ending: str = ".nii.gz", voxels: np.ndarray | None = None, **options: Any) -> Any:
    """Make a whole image with these options of `save`."""

    def make(root: Path, label: str) -> None:
        options.setdefault("sform", AFFINE * [[8], [8], [8], [1]])
        options.setdefault("qform", options["sform"])
        save(image(root, label, ending), head() if voxels is None else voxels, **options)

    return make


def changed(change: Callable[[bytes], bytes], ending: str = ".nii.gz") -> Any:
    """Make a whole image and change the bytes of its file."""

    def make(root: Path, label: str) -> None:
        written(ending)(root, label)
        path = image(root, label, ending)
        path.write_bytes(change(path.read_bytes()))

    return make


def content(change: Callable[[bytes], bytes], ending: str = ".nii.gz") -> Any:
    """Make a whole image and change its bytes before they are compressed."""
    if ending == ".nii":
        return changed(change, ending)
    return changed(lambda data: gzip.compress(change(gzip.decompress(data)), 1))


def field(offset: int, form: str, *values: Any, ending: str = ".nii.gz") -> Any:
    """Make a whole image with another value in a header field."""
    packed = struct.pack("<" + form, *values)
    return content(lambda data: data[:offset] + packed + data[offset + len(packed) :], ending)


def shape(*lengths: int) -> Any:
    """Make an image of this shape."""
    return written(voxels=np.arange(np.prod(lengths), dtype="int16").reshape(lengths))


def colours(letters: str, fields: int) -> Any:
    """Make an image of RGB or RGBA voxels."""
    voxels = np.zeros((GRID,) * 3, dtype=[(letter, "u1") for letter in letters[:fields]])
    return written(voxels=voxels)


def _forged(data: bytes) -> bytes:
    """A header that claims 2 GB, in a small file whose trailer confirms it."""
    raw = bytearray(gzip.decompress(data))
    raw[DIM : DIM + 8] = struct.pack("<4h", 3, 1024, 1024, 1024)
    return gzip.compress(bytes(raw), 1)[:-4] + struct.pack("<I", 352 + 2 * 1024**3)


def _bomb(data: bytes) -> bytes:
    """The image, and behind it 64 MB of zeros in 64 kB."""
    return gzip.compress(gzip.decompress(data) + bytes(64 << 20), 1)


def _hidden_bomb(data: bytes) -> bytes:
    """A bomb whose last member's trailer gives the right length."""
    return _bomb(data) + data


def _flipped(data: bytes) -> bytes:
    start = len(data) // 2
    wrong = bytes(255 - one for one in data[start : start + 40])
    return data[:start] + wrong + data[start + 40 :]


def _zip(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("T1w.nii", data)
    return packed.getvalue()


def _with_extension(data: bytes) -> bytes:
    """An extension that claims 2 GB stands before the voxels."""
    raw = bytearray(data)
    raw[VOX_OFFSET : VOX_OFFSET + 4] = struct.pack("<f", 368)
    return (
        bytes(raw[:348]) + b"\1\0\0\0" + struct.pack("<2i", 2**31 - 16, 6) + bytes(8) + data[352:]
    )


def _pair(root: Path, label: str) -> None:
    written(".nii")(root, label)
    path = image(root, label, ".nii")
    data = path.read_bytes()
    image(root, label, ".hdr").write_bytes(data[:MAGIC] + b"ni1\0")
    image(root, label, ".img").write_bytes(data[352:])
    path.unlink()


def _text(text: str) -> Any:
    return lambda root, label: image(root, label).write_bytes(text.encode())


def _not_finite(value: float) -> Any:
    affine = AFFINE.copy()
    affine[0, 0] = value
    return written(sform=affine, qform=None, codes=(1, 0))


def _some(value: float) -> np.ndarray:
    voxels = head("float32")
    voxels[2:5, 2:5, 2:5] = value
    return voxels


_POINTER = "../../.git/annex/objects/Xx/00/MD5E-s9--0/MD5E-s9--0.nii.gz\n"
_LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
_SINGULAR = np.array([[2.0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])

CASES = [
    Case("a sound image", written(), "processed"),
    Case("gzip cut in its own header", changed(lambda data: data[:5]), "excluded", "damaged"),
    Case("gzip cut in the NIfTI header", changed(lambda data: data[:40]), "excluded", "damaged"),
    Case("gzip cut in the middle", changed(lambda d: d[: len(d) // 2]), "excluded", "cut short"),
    Case("gzip without its trailer", changed(lambda data: data[:-4]), "excluded", "cut short"),
    Case("gzip with a wrong checksum",
         changed(lambda d: d[:-8] + bytes(4) + d[-4:]), "failed", "damaged"),
    Case("bytes of the compressed voxels flipped", changed(_flipped), "failed", "damaged"),
    Case("no bytes at all", changed(lambda data: b""), "excluded", "empty"),
    Case("one byte", changed(lambda data: data[:1], ".nii"), "excluded", "not a NIfTI"),
    Case("a wrong magic string", field(MAGIC, "4s", b"nix\0"), "excluded", "magic"),
    Case("half of a header", content(lambda data: data[:150], ".nii"), "excluded", "not a NIfTI"),
    Case("a header and no voxel", content(lambda data: data[:352], ".nii"), "excluded", "352 of"),
    Case("an uncompressed image cut short",
         content(lambda data: data[:-1], ".nii"), "excluded", "promises"),
    Case("more voxels claimed than there are",
         field(DIM, "4h", 3, GRID, GRID, GRID + 1), "excluded", "promises"),
    Case("2 GB claimed in a small file",
         field(DIM, "4h", 3, 1024, 1024, 1024, ending=".nii"), "excluded", "promises"),
    Case("2 GB claimed in a small compressed file",
         field(DIM, "4h", 3, 1024, 1024, 1024), "excluded", "promises"),
    Case("2 GB claimed, and confirmed by a forged trailer",
         changed(_forged), "excluded", "promises"),
    Case("10¹³ voxels claimed", field(DIM, "4h", 3, 32767, 32767, 32767), "excluded", "at most"),
    Case("a gzip bomb behind the voxels", changed(_bomb), "excluded", "far more"),
    Case("a gzip bomb with a fitting trailer", changed(_hidden_bomb), "failed", "far more"),
    Case("dimensions below zero", field(DIM, "4h", 3, -4, 16, 16), "excluded", "positive"),
    Case("no dimension", field(DIM, "h", 0), "excluded", "1 to 7"),
    Case("200 dimensions", field(DIM, "h", 200), "excluded", "1 to 7"),
    Case("voxels that begin at NaN", field(VOX_OFFSET, "f", np.nan), "excluded", "vox_offset"),
    Case("voxels that begin before the file", field(VOX_OFFSET, "f", -8), "excluded", "vox_offset"),
    Case("voxels that begin far behind it", field(VOX_OFFSET, "f", 1e9), "excluded", "promises"),
    Case("an affine with NaN", _not_finite(np.nan), "excluded", "not finite"),
    Case("an affine with infinity", _not_finite(np.inf), "excluded", "not finite"),
    Case("zooms of zero",
         written(sform=ZERO, qform=None, codes=(1, 0)), "excluded", "zoom of zero"),
    Case("a singular affine",
         written(sform=_SINGULAR, qform=None, codes=(1, 0)), "excluded", "singular"),
    Case("no orientation code", written(codes=(0, 0)), "excluded", "left and right"),
    Case("an orientation code without meaning", field(252, "h", 23809), "processed"),
    Case("five dimensions", shape(8, 8, 8, 1, 3), "excluded", "3 volumes"),
    Case("a time series", shape(8, 8, 8, 5), "excluded", "5 volumes"),
    Case("trailing dimensions of one", written(voxels=head()[..., None, None]), "processed"),
    Case("a single slice", shape(16, 16, 1), "excluded", "at least 2"),
    Case("a single voxel", shape(1, 1, 1), "excluded", "at least 2"),
    Case("two dimensions", shape(16, 16), "excluded", "three dimensions"),
    Case("complex voxels", written(voxels=head("complex64")), "excluded", "complex64"),
    Case("RGB voxels", colours("RGBA", 3), "excluded", "grey scale"),
    Case("RGBA voxels", colours("RGBA", 4), "excluded", "grey scale"),
    Case("voxels of 128 bits", field(DATATYPE, "2h", 1536, 128), "excluded", "data type"),
    Case("an unknown data type", field(DATATYPE, "2h", 77, 16), "excluded", "data type"),
    Case("scaling by NaN", field(112, "2f", 1, np.nan), "excluded", "scl_inter"),
    Case("scaling by infinity", field(112, "2f", np.inf, 0), "processed"),
    Case("values of 1e30", written(voxels=head("float64", 1e27)), "processed"),
    Case("values of 1e300", written(voxels=head("float64", 1e297)), "failed", "above 1e+38"),
    Case("the largest integers", written(voxels=head("uint64") + np.uint64(2**63)), "processed"),
    Case("negative intensities", written(voxels=head("int16", -1)), "processed"),
    Case("some voxels NaN", written(voxels=_some(np.nan)), "processed"),
    Case("some voxels infinite", written(voxels=_some(np.inf)), "processed"),
    Case("all voxels NaN",
         written(voxels=np.full((16,) * 3, np.nan, "float32")), "failed", "number"),
    Case("all voxels equal", written(voxels=np.full((16,) * 3, 7, "int16")), "failed", "are 7"),
    Case("big-endian", written(endianness=">"), "processed"),
    Case("NIfTI-2", written(kind=Nifti2Header), "processed"),
    Case("not compressed", written(".nii"), "processed"),
    Case("gzip data called .nii", changed(gzip.compress, ".nii"), "excluded", "is gzip"),
    Case("plain data called .nii.gz", changed(gzip.decompress), "excluded", "not gzip"),
    Case("a pair of .hdr and .img", _pair, "excluded", "no T1w image"),
    Case("half of a pair called .nii.gz", field(MAGIC, "4s", b"ni1\0"), "excluded", "pair"),
    Case("an extension that claims 2 GB", content(_with_extension), "processed"),
    Case("a zip archive", changed(_zip), "excluded", "not gzip"),
    Case("a web page", _text("<html>404</html>"), "excluded", "not gzip"),
    Case("a file that git-annex stands in for", _text(_POINTER), "excluded", "not gzip"),
    Case("a file that git-lfs stands in for", _text(_LFS), "excluded", "not gzip"),
]  # fmt: skip
