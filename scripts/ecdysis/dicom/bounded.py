"""Reading a file whose lengths are not to be believed, in bounded memory."""

import io
import os
import zlib
from pathlib import Path

LARGEST_INFLATED = 1 << 28
"""Bytes that a deflated data set may grow to; more is taken for an attack."""

PIECE = 1 << 20


class BoundedReader(io.BufferedReader):
    """A file of which no element is larger than the file itself.

    pydicom allocates what an element claims, up to 4 GB, before it reads, and inflates a
    deflated data set (PS3.5, section A.5), for which it reads all the rest, without limit.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._length = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most `size` bytes; all, which are to be inflated, when it is negative.

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
