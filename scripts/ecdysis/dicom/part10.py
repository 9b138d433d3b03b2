"""A DICOM file and its envelope (PS3.10, section 7), checked when read and always rewritten."""

import zlib
from collections.abc import Iterator, Mapping
from struct import pack
from typing import NamedTuple

from ecdysis.dicom.elements import (
    CHARSET,
    LONG,
    MALFORMED,
    NOT_DICOM,
    SHORT,
    TRUNCATED,
    UNKNOWN_SYNTAX,
    Buffer,
    Element,
    Encoding,
    Reader,
    RefusedError,
)
from ecdysis.dicom.tables import is_standard_uid, sop_classes

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
GE_PRIVATE = "1.2.840.113619.5.2"
"""Implicit little endian with big-endian pixels; the header is that of `IMPLICIT`."""

IMPLEMENTATION_CLASS_UID = "2.25.233862480276226327390741230983265154057"
LARGEST_INFLATED = 1 << 28
"""Largest size of an inflated data set in bytes; a larger one is refused as an attack."""


LARGEST_HEADER_VALUE = 256
"""Bytes of a value up to which `Head` has it."""

SOP_CLASS = 0x00080016


class Head(Mapping[int, bytes]):
    """The values of short top-level elements by tag; of longer ones an empty value.

    Of `elements` in `data` that occur twice the first one counts.
    """

    def __init__(self, data: Buffer, elements: list[Element]) -> None:
        self._data = data
        self._elements = {element.tag: element for element in reversed(elements)}

    def __getitem__(self, tag: int) -> bytes:
        """Return the value of an element."""
        element = self._elements[tag]
        is_short = element.stop - element.start <= LARGEST_HEADER_VALUE
        return bytes(self._data[element.start : element.stop]) if is_short else b""

    def __contains__(self, tag: object) -> bool:
        """Return whether there is such an element."""
        return tag in self._elements

    def __iter__(self) -> Iterator[int]:
        """Yield the tags."""
        return iter(self._elements)

    def __len__(self) -> int:
        """Return the number of elements."""
        return len(self._elements)

    def text(self, tag: int) -> str:
        """Return a value as text without padding; an empty text if there is no such element."""
        return self.get(tag, b"").decode("latin-1").strip("\0 ")

    def number(self, tag: int, *, big: bool) -> int:
        """Return an unsigned binary value; zero if there is no such element."""
        return int.from_bytes(self.get(tag, b""), "big" if big else "little")


class Part10(NamedTuple):
    """A DICOM file as it was read."""

    reader: Reader
    """Reads the data set in its encoding."""
    elements: list[Element]
    """Its top-level elements."""
    head: Head
    """Their values."""
    transfer_syntax: str
    """UID under which it is written again."""

    @property
    def charset(self) -> bytes:
        """The value of Specific Character Set."""
        return self.head.get(CHARSET, b"")

    @property
    def objects(self) -> str:
        """The group of objects in iod_types.tsv; empty if the table has no such SOP class."""
        entry = sop_classes().get(self.head.text(SOP_CLASS))
        return entry.objects if entry else ""


def open_part10(data: Buffer) -> Part10:
    """Read the bytes of a file, with or without preamble and file meta information.

    Raises
    ------
    RefusedError
        The bytes are no DICOM file, or damaged.
    """
    position = 132 if data[128:132] == b"DICM" else 0
    syntax, position = _meta(data, position)
    if syntax == DEFLATED:
        data, position = _inflate(data[position:]), 0
    if len(data) - position < 8:
        raise RefusedError(TRUNCATED if len(data) > 132 else NOT_DICOM)
    encoding = _encoding(data, position, syntax)
    if not syntax:
        syntax = IMPLICIT if encoding.implicit else EXPLICIT
    reader = Reader(data, encoding)
    elements = reader.elements(position, len(data), top=True)
    return Part10(reader, elements, Head(data, elements), syntax)


def meta(sop_class: str, sop_instance: str, transfer_syntax: str, version: str) -> bytes:
    """Return a zeroed preamble, ``DICM`` and a new file meta information group."""
    elements = b"".join(
        [
            pack("<HH2sHI", 2, 1, b"OB", 0, 2) + b"\0\1",
            _meta_element(0x02, "UI", sop_class),
            _meta_element(0x03, "UI", sop_instance),
            _meta_element(0x10, "UI", transfer_syntax),
            _meta_element(0x12, "UI", IMPLEMENTATION_CLASS_UID),
            _meta_element(0x13, "SH", f"ECDYSIS {version}"[:16]),
        ]
    )
    return bytes(128) + b"DICM" + pack("<HH2sHI", 2, 0, b"UL", 4, len(elements)) + elements


def deflate(data: bytes) -> bytes:
    """Return `data` deflated without a zlib header, padded to even length (PS3.5, A.5)."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush()
    return packed + b"\0" * (len(packed) % 2)


def _meta_element(number: int, vr: str, text: str) -> bytes:
    value = text.encode("ascii")
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    return pack("<HH2sH", 2, number, vr.encode(), len(value)) + value


def _meta(data: Buffer, position: int) -> tuple[str, int]:
    """Return the transfer syntax named in group 2 (or nothing) and where group 2 ends."""
    syntax = ""
    while bytes(data[position : position + 2]) == b"\2\0":
        code = bytes(data[position + 4 : position + 6])
        wide = code in LONG
        size = data[position + 8 : position + 12] if wide else data[position + 6 : position + 8]
        start = position + (12 if wide else 8)
        stop = start + int.from_bytes(size, "little")
        if stop > len(data):
            raise RefusedError(TRUNCATED)
        if bytes(data[position + 2 : position + 4]) == b"\x10\0":
            syntax = bytes(data[start:stop]).decode("ascii", "replace").strip("\0 ")
        position = stop
    return syntax, position


def _encoding(data: Buffer, position: int, syntax: str) -> Encoding:
    """Return the encoding; the first element takes precedence over the meta group."""
    code = bytes(data[position + 4 : position + 6])
    implicit = code not in SHORT and code not in LONG
    big = syntax == BIG_ENDIAN
    group = int.from_bytes(data[position : position + 2], "big" if big else "little")
    if not syntax:
        # Group 8 opens every composite object; groups below it are left over by networks.
        if not 0 < group <= 8 or (implicit and not _plausible(data, position)):
            raise RefusedError(NOT_DICOM)
    elif implicit and syntax not in (IMPLICIT, GE_PRIVATE) and not _plausible(data, position):
        raise RefusedError(MALFORMED)
    if implicit and big:
        raise RefusedError(MALFORMED)
    if not is_standard_uid(syntax) and syntax != GE_PRIVATE:
        raise RefusedError(UNKNOWN_SYNTAX)
    return Encoding(implicit, big)


def _plausible(data: Buffer, position: int) -> bool:
    length = int.from_bytes(data[position + 4 : position + 8], "little")
    return length < 1024 and position + 8 + length <= len(data)


def _inflate(data: Buffer) -> bytes:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(data, LARGEST_INFLATED)
    except zlib.error:
        raise RefusedError(MALFORMED) from None
    if not unpacker.eof:
        raise RefusedError(TRUNCATED)
    return content
