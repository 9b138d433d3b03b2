"""What the audit remembers of the files that it has read, so that equal bytes are read once."""

from collections import deque
from typing import NamedTuple

from ecdysis.audit.instance import META, Chunk, joined

TAG = 4
"""Bytes of the tag of an element."""

SMALL = 4096
"""Bytes of an element up to which all of its values are remembered; of larger ones the last is."""

MOST_REMEMBERED = 200_000
STEADY = 4
"""Files in which an element was the same before it is joined with its neighbours."""


class Context(NamedTuple):
    """All that the reading of an element depends on, besides its bytes.

    Parameters
    ----------
    implicit : bool
        Whether elements have no VR.
    order : str
        Byte order, ``<`` or ``>``.
    charset : tuple of str
        Python codecs of text.
    creator : str
        The private creator that reserved the block of the element.
    """

    implicit: bool
    order: str
    charset: tuple[str, ...]
    creator: str


class Memory:
    """The elements that were read in one context."""

    def __init__(self) -> None:
        self._small: dict[bytes, Chunk] = {}
        self._last: dict[bytes, Chunk] = {}

    def recall(self, data: bytes, start: int, stop: int) -> Chunk | None:
        """Return the element at `start`; None if it was not read before.

        Parameters
        ----------
        stop : int
            Where it ends by its header; `start` for an undefined length.
        """
        if start < stop <= start + SMALL:
            return self._small.get(data[start:stop])
        chunk = self._last.get(data[start : start + TAG])
        return chunk if chunk and data.startswith(chunk.source, start) else None

    def remember(self, chunk: Chunk) -> None:
        """Remember an element; of large ones, and those of undefined length, the last."""
        self._last[chunk.source[:TAG]] = chunk
        if len(chunk.source) <= SMALL:
            if len(self._small) > MOST_REMEMBERED:
                self._small.clear()
            self._small[chunk.source] = chunk


class FileBefore:
    """The elements of the last file of a kind, which most elements of the next file are equal to.

    Elements that were the same in several files are joined, and compared as one.
    """

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self._changed: deque[set[int]] = deque(maxlen=STEADY)

    def replace(self, chunks: list[Chunk], changed: set[int]) -> None:
        """Take another file.

        Parameters
        ----------
        chunks : list of Chunk
            The elements of the file, in order.
        changed : set of int
            The tags of those that differ from the file before.
        """
        before = set[int]().union(*self._changed)
        self._changed.append(changed)
        recent = set[int]().union(*self._changed)
        if len(chunks) == len(self.chunks) and before <= recent:
            self.chunks = chunks
            return
        self.chunks = []
        run: list[Chunk] = []
        for chunk in chunks:
            if chunk.parts or (_may_recur(chunk) and chunk.tag not in recent):
                run.append(chunk)
            else:
                self._add(run)
                run = []
                self.chunks.append(chunk)
        self._add(run)

    def _add(self, run: list[Chunk]) -> None:
        self.chunks += [joined(run)] if len(run) > 1 else run


def _may_recur(chunk: Chunk) -> bool:
    return bool(chunk.source) and not chunk.sets_context and chunk.tag >> 16 != META
