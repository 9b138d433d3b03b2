"""Finding and writing the data elements of a DICOM data set (PS3.5, section 7).

Nothing is decoded or copied: an element is where its header and its value lie. A value of
undefined length ends before its delimiter. Whatever does not parse is refused, so nothing
can hide between elements.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from struct import Struct, error
from typing import NamedTuple, TypeVar

from ecdysis.dicom.tables import vr_of

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA, CHARSET = 0x7FE00010, 0x00080005
DEEPEST = 64
"""Sequences nested deeper than this are refused; real objects stay below 10."""

SHORT_VRS = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"
LONG_VRS = "OB OD OF OL OV OW SQ SV UC UN UR UT UV"
SHORT = {vr.encode(): vr for vr in SHORT_VRS.split()}
LONG = {vr.encode(): vr for vr in LONG_VRS.split()}

NUL_PADDED = ("UI", "OB", "UN")
LONGEST_SHORT = 0xFFFF

NOT_DICOM, TRUNCATED, MALFORMED = "not DICOM", "truncated", "malformed"
UNKNOWN_SYNTAX, UNREADABLE = "unknown transfer syntax", "unreadable"
"""Reasons to set a file aside because it cannot be read."""

Buffer = bytes | memoryview


class RefusedError(Exception):
    """A file that is set aside; the reason does not identify anyone.

    The `reason` is the kind of fault, the same for all files that have it.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Encoding(NamedTuple):
    """The encoding of a data set: whether it has no VRs (`implicit`), and its byte order."""

    implicit: bool
    big: bool


class Element(NamedTuple):
    """Where a data element lies in its buffer."""

    tag: int
    """Group and element number, ``0xggggeeee``."""
    vr: str
    """Value representation as written; of the dictionary in an implicit data set."""
    head: int
    """Offset of the header."""
    start: int
    """Offset of the value."""
    stop: int
    """Offset of the end of the value."""
    end: int
    """Offset of the element that follows."""


Result = TypeVar("Result")


def block_of(tag: int) -> int:
    """Return the tag of the private creator of a private element (PS3.5, section 7.8.1).

    Examples
    --------
    >>> hex(block_of(0x00191008))
    '0x190010'
    """
    return tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8


class Reader:
    """Finds elements and items in one buffer of one encoding.

    `data` holds the data set, and `depth` sequences lie around it.
    """

    def __init__(self, data: Buffer, encoding: Encoding, depth: int = 0) -> None:
        if depth > DEEPEST:
            raise RefusedError(MALFORMED)
        self.data, self.encoding, self.depth = data, encoding, depth
        order = ">" if encoding.big else "<"
        self._explicit = Struct(order + "HH2sH").unpack_from
        self._implicit = Struct(order + "HHI").unpack_from
        self._length = Struct(order + "I").unpack_from

    def elements(self, start: int, stop: int, *, top: bool = False) -> list[Element]:
        """Return the elements between `start` and `stop`.

        With `top`, bytes behind the pixel data that are no elements are left out, as are
        zeros at the end of the file.

        Raises
        ------
        RefusedError
            An element is malformed or reaches beyond `stop`.
        """
        found: list[Element] = []
        try:
            end = self._collect(found, start, stop)
            if end != stop:
                raise RefusedError(MALFORMED)
        except RefusedError:
            rest = found[-1].end if found else start
            after_pixels = bool(found) and found[-1].tag >= PIXEL_DATA
            if not top or not (after_pixels or not any(self.data[rest:stop])):
                raise
        return found

    def creators(self, elements: Iterable[Element]) -> dict[int, str]:
        """Return the private creator of each block: tag of the creator's element -> creator."""
        return {
            element.tag: bytes(self.data[element.start : element.stop])
            .decode("latin-1")
            .partition("\0")[0]
            .strip(" ")
            for element in elements
            if element.tag >> 16 & 1 and 0x10 <= element.tag & 0xFFFF <= 0xFF
        }

    def charset(self, elements: Iterable[Element], inherited: bytes) -> bytes:
        """Return the Specific Character Set of a data set or item, its own or its parent's."""
        for element in elements:
            if element.tag == CHARSET:
                return bytes(self.data[element.start : element.stop])
            if element.tag > CHARSET:
                break
        return inherited

    def items(self, element: Element) -> tuple["Reader", list[list[Element]]]:
        """Return the items of a sequence, each as its elements, and the reader for them.

        A sequence written as UN is implicit little endian (PS3.5, section 6.2.2, note 4);
        some writers keep the encoding of the data set there, which is tried next.
        """
        return self._inside(
            element.vr, lambda inner: (inner, inner.read_items(element.start, element.stop))
        )

    def _inside(self, vr: str, read: Callable[["Reader"], Result]) -> Result:
        """Return what `read` returns for the reader of the items of a sequence, see `items`."""
        if vr == "UN" and not self.encoding.implicit:
            with suppress(RefusedError):
                return read(Reader(self.data, Encoding(implicit=True, big=False), self.depth + 1))
        return read(Reader(self.data, self.encoding, self.depth + 1))

    def read_items(self, start: int, stop: int) -> list[list[Element]]:
        """Return the items between `start` and `stop`, each as its elements."""
        found = []
        while start < stop:
            tag, length, start = self._item_header(start, stop)
            if tag != ITEM:
                raise RefusedError(MALFORMED)
            content: list[Element] = []
            if length == UNDEFINED:
                start = self._collect(content, start, stop)
                start = self._delimiter(start, stop)
            else:
                if start + length > stop:
                    raise RefusedError(TRUNCATED)
                if self._collect(content, start, start + length) != start + length:
                    raise RefusedError(MALFORMED)
                start += length
            found.append(content)
        return found

    def _collect(self, found: list[Element], position: int, stop: int) -> int:
        """Append elements until `stop` or an item delimiter; return its position."""
        data, implicit, explicit = self.data, self.encoding.implicit, self._explicit
        try:
            while position < stop:
                head = position
                if implicit:
                    group, number, length = self._implicit(data, position)
                    position += 8
                    tag = group << 16 | number
                    if group == 0xFFFE:
                        if tag == ITEM_END:
                            return head
                        raise RefusedError(MALFORMED)
                    vr = vr_of(tag) or "UN"
                else:
                    group, number, code, length = explicit(data, position)
                    position += 8
                    tag = group << 16 | number
                    if code in SHORT:
                        vr = SHORT[code]
                    elif code in LONG:
                        vr = LONG[code]
                        (length,) = self._length(data, position)
                        position += 4
                    elif tag == ITEM_END:
                        return head
                    else:
                        raise RefusedError(MALFORMED)
                if length != UNDEFINED:
                    end = position + length
                    if end > stop:
                        raise RefusedError(TRUNCATED)
                    found.append(Element(tag, vr, head, position, end, end))
                else:
                    value_end, end = self._undefined(vr, position, stop)
                    found.append(Element(tag, vr, head, position, value_end, end))
                position = end
        except error:
            raise RefusedError(TRUNCATED) from None
        return position

    def _undefined(self, vr: str, start: int, stop: int) -> tuple[int, int]:
        """Return where a value of undefined length ends, without and with its delimiter."""
        return self._inside(vr, lambda inner: inner.walk(start, stop))

    def walk(self, position: int, stop: int) -> tuple[int, int]:
        """Return where items of undefined length end, without and with the delimiter."""
        while position < stop:
            head = position
            tag, length, position = self._item_header(position, stop)
            if tag == SEQUENCE_END:
                return head, position
            if tag != ITEM:
                raise RefusedError(MALFORMED)
            if length == UNDEFINED:
                position = self._delimiter(self._collect([], position, stop), stop)
            else:
                position += length
        raise RefusedError(TRUNCATED)

    def _item_header(self, position: int, stop: int) -> tuple[int, int, int]:
        if position + 8 > stop:
            raise RefusedError(TRUNCATED)
        group, number, length = self._implicit(self.data, position)
        return group << 16 | number, length, position + 8

    def _delimiter(self, position: int, stop: int) -> int:
        if self._item_header(position, stop)[0] != ITEM_END:
            raise RefusedError(MALFORMED)
        return position + 8


@lru_cache(maxsize=65536)
def header(encoding: Encoding, tag: int, vr: str, length: int) -> bytes:
    """Return the header of an element whose value has `length` bytes."""
    order = ">" if encoding.big else "<"
    group, number = tag >> 16, tag & 0xFFFF
    if encoding.implicit:
        return Struct(order + "HHI").pack(group, number, length)
    if vr.encode() in LONG:
        return Struct(order + "HH2sHI").pack(group, number, vr.encode(), 0, length)
    return Struct(order + "HH2sH").pack(group, number, vr.encode(), length)


def element(encoding: Encoding, tag: int, vr: str, value: bytes) -> bytes:
    """Return an element; the value is padded to even length with its VR's padding."""
    if len(value) % 2:
        value += b"\0" if vr in NUL_PADDED or vr.startswith("O") else b" "
    if len(value) > LONGEST_SHORT and not encoding.implicit and vr.encode() not in LONG:
        vr = "UN"
    return header(encoding, tag, vr, len(value)) + value


def sequence(
    encoding: Encoding, tag: int, items: list[bytes], inner: Encoding | None = None
) -> bytes:
    """Return a sequence of encoded items of defined length.

    Items in another encoding than the data set's, which is implicit little endian then, are
    written as UN (PS3.5, section 6.2.2, note 4). A private sequence in implicit VR has undefined
    length, by which readers that do not know it see that it is a sequence.
    """
    inner = inner or encoding
    content = b"".join(part for item in items for part in (_item(inner, len(item)), item))
    if encoding.implicit and tag >> 16 & 1:
        end = Struct("<HHI").pack(SEQUENCE_END >> 16, SEQUENCE_END & 0xFFFF, 0)
        return header(encoding, tag, "SQ", UNDEFINED) + content + end
    vr = "SQ" if inner == encoding else "UN"
    return header(encoding, tag, vr, len(content)) + content


def _item(encoding: Encoding, length: int) -> bytes:
    order = ">" if encoding.big else "<"
    return Struct(order + "HHI").pack(ITEM >> 16, ITEM & 0xFFFF, length)
