"""Files that hold other files: archives are recognised, single gzipped files are read."""

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO

from ecdysis.dicom.reading import LARGEST_INFLATED, BoundedReader

GZIP = b"\x1f\x8b"

ARCHIVE = "an archive (zip, tar or the like): unpack it, and the files in it are read"
"""The reason to skip an archive."""

ARCHIVE_START = 512
"""Bytes by which an archive is recognised."""

STARTS = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\x00")
"""First bytes of zip, 7z, rar, bzip2 and xz files."""


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
