"""Gzip as NIfTI files have it, read and written with ISA-L (package `isal`).

Measured in one run on a head of 16.8 MB: writing takes 0.03 s and 4.56 MB (zlib at level 1: 0.17 s
and 4.62 MB), reading 0.026 s (zlib: 0.052 s).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from isal import igzip, isal_zlib

# The package does not declare all of its types.
_open: Any = igzip.IGzipFile

BROKEN_GZIP = (EOFError, OSError, cast("type[Exception]", isal_zlib.error))
"""What reading a damaged gzip stream raises; `gzip.BadGzipFile` is an `OSError`."""
LEVEL = 2
"""Level 3 takes three times as long and saves nothing."""


def reader(stream: BinaryIO) -> igzip.IGzipFile:
    """Return a stream that decompresses `stream`; the checksum is verified at its end."""
    return cast("igzip.IGzipFile", _open(fileobj=stream, mode="rb"))


def first_bytes(start: bytes, wanted: int) -> bytes:
    """Decompress the start of a gzip file; return up to `wanted` bytes."""
    return isal_zlib.decompressobj(wbits=31).decompress(start, wanted)


@contextmanager
def writing(path: Path) -> Iterator[Any]:
    """Open a file for writing, compressed if its name ends in ``.gz``.

    The content alone decides the bytes: neither a time nor a name is stored.
    """
    with path.open("wb") as stream:
        if path.suffix != ".gz":
            yield stream
            return
        with _open("", "wb", LEVEL, stream, mtime=0) as packed:
            yield packed
