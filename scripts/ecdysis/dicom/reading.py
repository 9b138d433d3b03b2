"""Reading DICOM files with pydicom in bounded memory, also gzipped, and values in JSON form."""

import gzip
import io
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from pydicom import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue

LARGEST_INFLATED = 1 << 28
"""Largest size of an inflated data set in bytes; a larger one is refused as an attack."""

PIECE = 1 << 20

GZIP = b"\x1f\x8b"

ARCHIVE = "an archive (zip, tar or the like): unpack it, and the files in it are read"
"""The reason to skip an archive."""

ARCHIVE_START = 512
"""Bytes by which an archive is recognised."""

STARTS = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\x00")
"""First bytes of zip, 7z, rar, bzip2 and xz files."""

FUNCTIONAL = {
    "EchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "RepetitionTime": ("MRTimingAndRelatedParametersSequence", "RepetitionTime"),
    "FlipAngle": ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    "EchoTrainLength": ("MRTimingAndRelatedParametersSequence", "EchoTrainLength"),
    "InversionTime": ("MRModifierSequence", "InversionTimes"),
    "InversionRecovery": ("MRModifierSequence", "InversionRecovery"),
    "InPlanePhaseEncodingDirection": ("MRFOVGeometrySequence", "InPlanePhaseEncodingDirection"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
    "FrameTypes": ("MRImageFrameTypeSequence", "FrameType"),
    "ReceiveCoilName": ("MRReceiveCoilSequence", "ReceiveCoilName"),
    "PixelSpacing": ("PixelMeasuresSequence", "PixelSpacing"),
    "SliceThickness": ("PixelMeasuresSequence", "SliceThickness"),
    "ImageOrientationPatient": ("PlaneOrientationSequence", "ImageOrientationPatient"),
}
"""Places in an enhanced MR object of top-level values of a classic one (PS3.3, C.8.13.5)."""

OF_A_FRAME = ("EchoTime", "InversionTime", "DiffusionBValue", "FrameTypes")
"""Facts that may differ between the frames of one object."""

UNREADABLE = (
    InvalidDicomError,
    BytesLengthException,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    MemoryError,
    RecursionError,
    struct.error,
    zlib.error,
)
"""What pydicom raises on a file that is damaged in one way or another."""


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Return the JSON form of an element; None if it is absent, empty or malformed."""
    try:
        if keyword not in dataset:
            return None
        element = dataset[keyword]
        value = _plain(element.value)
    except UNREADABLE:
        return None
    # A decimal or integer string that is no number stays text in pydicom.
    return None if isinstance(value, str) and element.VR in ("DS", "IS") else value


def _plain(value: Any) -> Any:
    if isinstance(value, MultiValue | list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None:
        return None
    text = str(value).replace("\0", "").strip()
    return text or None


def functional(dataset: Dataset) -> dict[str, Any]:
    """Return the facts that the functional groups of an enhanced object hold.

    A fact that differs between frames, as the echo time, is a list of its values in order of
    appearance; ``FrameTypes`` holds the different frame types, each joined by backslashes.
    """
    shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])
    frames = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    found: dict[str, Any] = {}
    for keyword, (sequence, inner) in FUNCTIONAL.items():
        groups = shared + (frames if keyword in OF_A_FRAME else frames[:1])
        values: dict[Any, None] = {}
        for group in groups:
            items = group.get(sequence)
            value = value_of(items[0], inner) if items else None
            if keyword == "InversionTime" and isinstance(value, list):
                value = value[0] if value else None
            if keyword == "FrameTypes" and isinstance(value, list):
                value = "\\".join(str(word) for word in value)
            if isinstance(value, list):
                found.setdefault(keyword, value)
            elif value is not None:
                values[value] = None
        if values:
            found[keyword] = [*values] if len(values) > 1 else next(iter(values))
    return found


class BoundedReader(io.BufferedReader):
    """A file in which no element may be larger than the file itself.

    pydicom allocates what an element claims, up to 4 GB, before it reads, and inflates a
    deflated data set (PS3.5, section A.5), for which it reads all the rest, without limit.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._length = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most `size` bytes; if it is negative, all, to be inflated.

        Raises
        ------
        ValueError
            They would grow beyond `LARGEST_INFLATED` bytes.
        """
        if size is not None and size >= 0:
            return super().read(min(size, self._length))
        if self._length > LARGEST_INFLATED:
            raise ValueError("too large to be inflated")
        content = super().read()
        unpacker, grown, rest = zlib.decompressobj(-zlib.MAX_WBITS), 0, content
        while rest and grown <= LARGEST_INFLATED and not unpacker.eof:
            grown += len(unpacker.decompress(rest, PIECE))
            rest = unpacker.unconsumed_tail
        if grown > LARGEST_INFLATED:
            raise ValueError("too large when inflated")
        return content


def is_archive(start: bytes) -> bool:
    r"""Return whether a file is an archive, judged by its first `ARCHIVE_START` bytes.

    A tar archive has the word ustar at byte 257 (POSIX.1-1988).

    Examples
    --------
    >>> is_archive(b"PK\x03\x04 and more"), is_archive(b"DICM")
    (True, False)
    """
    return start.startswith(STARTS) or start[257:262] == b"ustar"


def gunzipped(path: Path) -> bytes | None:
    """Return the content of a gzipped file; None if it is damaged or very large."""
    try:
        with gzip.open(path) as stream:
            content = stream.read(LARGEST_INFLATED + 1)
    except (OSError, EOFError, zlib.error):
        return None
    return content if len(content) <= LARGEST_INFLATED else None


def opened(path: Path) -> BinaryIO:
    """Open a DICOM file for reading; a gzipped one is unpacked into memory.

    Raises
    ------
    OSError
        The file cannot be opened, or is a damaged or very large gzipped file.
    """
    stream = BoundedReader(path)
    start = stream.read(len(GZIP))
    stream.seek(0)
    if start != GZIP:
        return stream
    stream.close()
    content = gunzipped(path)
    if content is None:
        raise OSError("a damaged or very large gzipped file")
    return io.BytesIO(content)
