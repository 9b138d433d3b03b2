"""Reading DICOM files with pydicom, each of several equal elements once.

The slices of a series have most elements in common. The bytes of an element that pydicom has
read are remembered with what they hold; the same bytes in the same context are not read again.
"""

import io
import warnings
import zlib
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from struct import Struct
from struct import error as struct_error
from typing import NamedTuple

from pydicom import DataElement, Dataset, config
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import data_element_generator, read_sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32
from pydicom.valuerep import VR as KNOWN_VRS

from ecdysis.audit.instance import META, TOP, Chunk, Instance, Value

PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}
CHARSET, TRANSFER_SYNTAX = 0x00080005, 0x00020010
UNDEFINED = 0xFFFFFFFF
TAG, HEADER = 4, 8
"""Bytes of the tag of an element, and of its header without a long length."""

LONG_VRS = {vr.encode() for vr in EXPLICIT_VR_LENGTH_32}
ITEMS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
"""The tag that a sequence begins with, in both byte orders."""

DEEPEST = 64
"""Sequences inside sequences; deeper nesting is refused."""

LARGEST_INFLATED = 1 << 28
"""Bytes that a deflated data set may grow to."""

SMALL = 4096
"""Bytes of an element up to which all of its values are remembered; of larger ones the last is."""

MOST_REMEMBERED = 200_000

UNREADABLE = (InvalidDicomError, BytesLengthException, OSError, EOFError, ValueError, TypeError,
              LookupError, AttributeError, ArithmeticError, NotImplementedError, MemoryError,
              RecursionError, struct_error, zlib.error)  # fmt: skip
"""What pydicom raises on a file that is damaged in one way or another."""

config.settings.reading_validation_mode = config.IGNORE

RawElement = RawDataElement | DataElement
Level = tuple[Iterator[RawElement], str, tuple[str, ...], dict[int, str]]
"""Elements ahead, the place of their data set, its character set and its private creators."""


class Context(NamedTuple):
    """All that the reading of an element depends on, besides its bytes.

    Elements have no VR if `implicit`. `order` is ``<`` or ``>``, `charset` the Python codecs of
    text, and `creator` the private creator of the element's block.
    """

    implicit: bool
    order: str
    charset: tuple[str, ...]
    creator: str


class _Memory:
    """The elements that were read in one context."""

    def __init__(self) -> None:
        self._small: dict[bytes, Chunk] = {}
        self._last: dict[bytes, Chunk] = {}

    def recall(self, data: bytes, start: int, stop: int) -> Chunk | None:
        """Return the element at `start`; None if it was not read before.

        `stop` is where it ends by its header; `start` for an undefined length.
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


class InstanceReader:
    """Reads files, and remembers the elements that it has read."""

    def __init__(self) -> None:
        self._memories: dict[Context, _Memory] = defaultdict(_Memory)
        self._before: dict[tuple[bool, bool, str], list[Chunk]] = {}

    def read(self, path: Path) -> Instance:
        """Read a file.

        Raises
        ------
        Exception
            One of `UNREADABLE` when pydicom cannot read it.
        """
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = _inflated(data, zlib.MAX_WBITS | 16)
        start = 132 if data[128:132] == b"DICM" else 0
        preamble = data[:128] if start else b""
        meta = self._walked(data, start, meta=True, implicit=False, order="<")
        given = next((chunk.raw for chunk in meta.chunks if chunk.tag == TRANSFER_SYNTAX), b"")
        start = meta.position
        syntax = UID(_text(given)) if given else _guess(data, start)
        if syntax == DeflatedExplicitVRLittleEndian:
            data, start = _inflated(data[start:], -zlib.MAX_WBITS), 0
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        is_implicit = syntax == ImplicitVRLittleEndian
        body = self._walked(data, start, meta=False, implicit=is_implicit, order=order)
        is_complete = body.position == len(data) and _ends(data, body.pixels)
        return Instance(preamble, meta.chunks + body.chunks, body.pixels, is_complete)

    def _walked(
        self, data: bytes, start: int, *, meta: bool, implicit: bool, order: str
    ) -> "_Walk":
        """Read file meta information, or a data set."""
        walk = _Walk(self._memories, data, start, implicit=implicit, order=order)
        kind = meta, implicit, order
        walk.read(self._before.get(kind, []), group=META if meta else None)
        self._before[kind] = walk.chunks
        return walk


class _Walk:
    """Reads the elements of a data set, and of the sequences in it, in the order of the file.

    `memories` hold what was read before, by context. The data set begins at `start`; `order` is its
    byte order, ``<`` or ``>``. If it is `implicit`, its elements have no VR.
    """

    def __init__(
        self,
        memories: dict[Context, _Memory],
        data: bytes,
        start: int,
        *,
        implicit: bool,
        order: str,
    ) -> None:
        self.chunks: list[Chunk] = []
        self.position, self.pixels, self._has_nested_pixels = start, b"", False
        self._charset: tuple[str, ...] = ()
        self._creators: dict[int, str] = {}
        self._data, self._stream = data, io.BytesIO(data)
        self._memories, self._by_creator = memories, dict[str, _Memory]()
        self._implicit, self._order = implicit, order
        # Reads the element at the position of the stream whenever it is asked.
        self._elements = data_element_generator(self._stream, implicit, order == "<")
        self._short = Struct(order + ("HHI" if implicit else "HH2sH")).unpack_from
        self._long = Struct(order + "I").unpack_from

    def read(self, before: list[Chunk], group: int | None) -> None:
        """Read the elements.

        `before` are the elements of another file, which come in the same order in most files.
        Elements of other groups than `group`, if given, end the reading.
        """
        index, last = 0, len(self._data) - HEADER
        while self.position <= last:
            index = self._repeat(before, index)
            if self.position > last:
                return
            tag, stop = self._extent(self.position)
            if group is not None and tag >> 16 != group:
                return
            chunk = self._next(tag, stop)
            if chunk is None:
                return
            self._add([chunk])
            passed = index
            while passed < len(before) and before[passed].tag <= tag:
                passed += 1
            # After another character set or creator nothing has the context that it had there.
            setting = [other for other in before[index:passed] if other.sets_context]
            is_same = setting == ([chunk] if chunk.sets_context else [])
            index = passed if is_same else len(before)

    def _repeat(self, before: list[Chunk], index: int) -> int:
        """Take over the elements of another file while the bytes are the same; return how far."""
        has_at, position = self._data.startswith, self.position
        start = index
        while index < len(before) and (source := before[index].source) and has_at(source, position):
            position += len(source)
            index += 1
        self.position = position
        self._add(before[start:index])
        return index

    def _add(self, chunks: list[Chunk]) -> None:
        self.chunks += chunks
        for chunk in chunks:
            if not chunk.sets_context:
                continue
            if chunk.tag == CHARSET:
                self._charset, self._by_creator = _codecs(chunk.raw), {}
            else:
                self._creators[chunk.tag] = _text(chunk.raw)

    def _next(self, tag: int, stop: int) -> Chunk | None:
        """Return the element at the position and move to its end; None if pydicom finds no element.

        `stop` is where it ends by its header.
        """
        start, creator = self.position, self._creators.get(_block(tag), "")
        if creator not in self._by_creator:
            context = Context(self._implicit, self._order, self._charset, creator)
            self._by_creator[creator] = self._memories[context]
        memory = self._by_creator[creator]
        if chunk := memory.recall(self._data, start, stop):
            self.position += len(chunk.source)
            return chunk
        self._stream.seek(start)
        element = next(self._elements, None)
        if element is None:
            return None
        self.position, self._has_nested_pixels = self._stream.tell(), False
        values = tuple(self._values(element))
        # Pixels hardly recur; where pydicom and the header disagree, pydicom is right.
        recurs = tag not in PIXELS and stop in (start, self.position)
        source = self._data[start : self.position] if recurs else b""
        sets_context = tag == CHARSET or _is_creator(tag)
        is_flat = bool(values) and len(values[0].place) == TOP
        value = values[0] if is_flat else None
        chunk = Chunk(tag, values, value, self._has_nested_pixels, source, sets_context)
        if recurs:
            memory.remember(chunk)
        return chunk

    def _extent(self, position: int) -> tuple[int, int]:
        """Return the tag of an element and where it ends by its header.

        The end is only an aid to recall the element: whether it is true is up to pydicom.
        """
        start = position + HEADER
        if self._implicit:
            group, number, length = self._short(self._data, position)
        else:
            group, number, vr, length = self._short(self._data, position)
            if vr in LONG_VRS and start + 4 <= len(self._data):
                (length,) = self._long(self._data, start)
                start += 4
        return group << 16 | number, position if length == UNDEFINED else start + length

    def _values(self, top: RawElement) -> Iterator[Value]:
        """Yield the values of an element; those of items follow their sequence."""
        levels: list[Level] = [(iter([top]), "", self._charset, self._creators)]
        while levels:
            elements, place, _, creators = levels[-1]
            element = next(elements, None)
            if element is None:
                levels.pop()
                continue
            value = _value(element, levels[-1], self._order)
            # A private or unknown sequence in implicit VR has no VR.
            items = _items(element, value) if value.vr in ("SQ", "UN") else []
            if items:
                if place.count("[") >= DEEPEST:
                    raise ValueError("sequences are nested too deep")
                levels += [
                    (iter(item.values()), f"{value.place}[{number}].", value.charset, {})
                    for number, item in reversed(list(enumerate(items)))
                ]
            elif value.tag in PIXELS:
                self.pixels = value.raw if not place else self.pixels
                self._has_nested_pixels |= bool(place)
            else:
                if value.tag == CHARSET:
                    levels[-1] = elements, place, _codecs(value.raw), creators
                yield value


def _block(tag: int) -> int:
    """Return the tag of the private creator of a private element."""
    return tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").partition("\0")[0].strip(" ")


def _is_creator(tag: int) -> bool:
    """Tell whether an element names the private creator of a block."""
    return bool(tag >> 16 & 1) and 0x10 <= tag & 0xFFFF <= 0xFF


def _guess(data: bytes, at: int) -> UID:
    """Return the transfer syntax of a data set without file meta information."""
    explicit = data[at + 4 : at + 6].decode("latin-1") in list(KNOWN_VRS)
    return ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian


def _inflated(data: bytes, window: int) -> bytes:
    unpacker = zlib.decompressobj(window)
    content = unpacker.decompress(data, LARGEST_INFLATED)
    if unpacker.unconsumed_tail:
        raise ValueError("too large when inflated")
    return content


def _ends(data: bytes, pixels: bytes) -> bool:
    """Whether the file ends with the pixels; encapsulated pixels end with a delimiter."""
    return data.endswith(pixels) or data[-8 - len(pixels) : -8] == pixels


def _value(element: RawElement, level: Level, order: str) -> Value:
    _, place, charset, creators = level
    tag = int(element.tag)
    raw = element.value if isinstance(element.value, bytes) else b""
    if isinstance(element, RawDataElement) and len(raw) < element.length != UNDEFINED:
        raise ValueError("truncated")
    creator = ""
    if tag >> 16 & 1:
        if _is_creator(tag):
            creators[tag] = _text(raw)
        creator = creators.get(_block(tag), "")
    vr = str(element.VR or "UN")
    if vr == "UN":
        vr = _known_vr(tag, creator)
    return Value(f"{place}{tag:08x}", tag, creator, vr, raw, charset, order)


@lru_cache(maxsize=8192)
def _known_vr(tag: int, creator: str) -> str:
    """Return the VR of an element that was written without one."""
    if _is_creator(tag):
        return "LO"
    try:
        vr = private_dictionary_VR(tag, creator) if creator else dictionary_VR(tag)
    except KeyError:
        return "UN"
    return vr[:2]


def _items(element: RawElement, value: Value) -> list[Dataset]:
    if not isinstance(element, RawDataElement):
        return list(element.value or [])
    if value.raw[:4] not in ITEMS:
        return []
    # The items of a known sequence that was written as UN are implicit VR (PS3.5, 6.2.2).
    implicit = element.is_implicit_VR or element.VR == "UN"
    stream, charset = io.BytesIO(value.raw), list(value.charset)
    try:
        return list(read_sequence(stream, implicit, value.order == "<", len(value.raw), charset))
    except UNREADABLE:
        return []


@lru_cache(maxsize=256)
def _codecs(raw: bytes) -> tuple[str, ...]:
    names = [name.strip() for name in _text(raw).split("\\")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(convert_encodings(names))
