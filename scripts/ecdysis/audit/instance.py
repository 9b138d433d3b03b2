"""Reading DICOM files with pydicom into flat lists of values, whatever is nested in them."""

import io
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from struct import calcsize, unpack
from struct import error as struct_error
from typing import NamedTuple

from pydicom import DataElement, Dataset, config
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_VR, keyword_for_tag, private_dictionary_VR
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
from pydicom.valuerep import VR as KNOWN_VRS

PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}
CHARSET = 0x00080005
UNDEFINED = 0xFFFFFFFF
ITEMS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
"""The tag that a sequence begins with, in both byte orders."""

DEEPEST = 64
"""Sequences inside sequences; deeper nesting is refused."""

TOP = 8
"""Length of the place of an element of the top level: its tag alone."""

LARGEST_INFLATED = 1 << 28
"""Bytes that a deflated data set may grow to."""

TEXT_VRS = {"PN", "SH", "LO", "ST", "LT", "UT", "UC"}
CODE_VRS = {"CS", "AE", "AS", "UR", "UI", "DA", "TM", "DT", "IS", "DS"}
BINARY = {"FL": "f", "FD": "d", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
NUMBER_VRS = {"IS", "DS", *BINARY}
MOST_NUMBERS = 4096
"""Numbers of one element that are converted; longer lists are tables of pixels."""

UNREADABLE = (InvalidDicomError, BytesLengthException, OSError, EOFError, ValueError, TypeError,
              LookupError, AttributeError, ArithmeticError, NotImplementedError, MemoryError,
              RecursionError, struct_error, zlib.error)  # fmt: skip
"""What pydicom raises on a file that is damaged in one way or another."""

config.settings.reading_validation_mode = config.IGNORE


class Value(NamedTuple):
    """The value of one element.

    Parameters
    ----------
    place : str
        Tags and item numbers that lead to it; unique in the file.
    tag : int
    creator : str
        Private creator, or an empty string.
    vr : str
    raw : bytes
        As in the file.
    charset : tuple of str
        Python codecs of its text.
    order : str
        Byte order, ``<`` or ``>``.
    """

    place: str
    tag: int
    creator: str
    vr: str
    raw: bytes
    charset: tuple[str, ...]
    order: str

    @property
    def key(self) -> tuple[int, str, str, bytes, tuple[str, ...], str]:
        """Everything but the place: equal values of many slices are treated once."""
        return self[1:]

    @property
    def keyword(self) -> str:
        """The keyword of a public element, or an empty string."""
        return keyword_for_tag(self.tag)

    def texts(self) -> tuple[str, ...]:
        """Return the text of each value; none for numbers in binary."""
        return _texts(self.vr, self.raw, self.charset)

    def numbers(self) -> tuple[float, ...]:
        """Return the value as numbers; none when it holds anything else."""
        return _numbers(self.vr, self.raw, self.order)


@dataclass(frozen=True)
class Instance:
    """A DICOM file.

    Parameters
    ----------
    preamble : bytes
        128 bytes, or none.
    meta : tuple of Value
        File meta information.
    values : tuple of Value
        Every element but sequences and pixels, at every depth.
    pixels : bytes
        The value of the pixel data of the top level.
    nested_pixels : bool
        Whether a sequence holds pixel data.
    is_complete : bool
        Whether the file ends with its last element.
    """

    preamble: bytes
    meta: tuple[Value, ...]
    values: tuple[Value, ...]
    pixels: bytes
    nested_pixels: bool
    is_complete: bool

    def text(self, tag: int) -> str:
        """Return the first value of an element of the top level or of file meta, as text."""
        value = self._top.get(tag)
        if value is None:
            return ""
        return next(iter(value.texts()), "") or str(next(iter(value.numbers()), ""))

    @cached_property
    def _top(self) -> dict[int, Value]:
        """The first value of each element of the top level and of file meta."""
        values = (*self.meta, *self.values)
        return {value.tag: value for value in reversed(values) if len(value.place) == TOP}

    def native_size(self) -> int:
        """Return how many bytes native pixels take; 0 when they are encapsulated or unknown."""

        def number(tag: int) -> int:
            text = self.text(tag)
            return int(float(text)) if text.replace(".", "").isdigit() else 0

        size = number(0x00280010) * number(0x00280011) * (number(0x00280002) or 1)
        size = (size * number(0x00280100) * (number(0x00280008) or 1) + 7) // 8
        is_native = self.pixels[:4] != b"\xfe\xff\x00\xe0"
        return size if is_native and size <= len(self.pixels) else 0


def read_instance(path: Path) -> Instance:
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
    stream = io.BytesIO(data)
    stream.seek(start)
    meta_elements = list(
        data_element_generator(
            stream, is_implicit_VR=False, is_little_endian=True, stop_when=_after_meta
        )
    )
    meta = [_value(element, "", (), "<") for element in meta_elements]
    given = next((value.raw for value in meta if value.tag == 0x00020010), b"")
    syntax = UID(given.decode("latin-1").strip("\0 ")) if given else _guess(data, stream.tell())
    if syntax == DeflatedExplicitVRLittleEndian:
        data = _inflated(data[stream.tell() :], -zlib.MAX_WBITS)
        stream = io.BytesIO(data)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    elements = data_element_generator(stream, syntax == ImplicitVRLittleEndian, order == "<")
    walk = _Walk(order)
    values = tuple(walk.values(elements, ()))
    complete = stream.tell() == len(data) and not (walk.pixels and not _ends(data, walk.pixels))
    return Instance(preamble, tuple(meta), values, walk.pixels,
                    walk.nested_pixels, complete)  # fmt: skip


Level = tuple[Iterator[RawDataElement | DataElement], str, tuple[str, ...], dict[int, str]]
"""Elements ahead, the place of their data set, its character set and its private creators."""


class _Walk:
    """Walks through a data set and its sequences in the order of the file."""

    def __init__(self, order: str) -> None:
        self._order = order
        self.pixels, self.nested_pixels = b"", False

    def values(
        self, top: Iterable[RawDataElement | DataElement], charset: tuple[str, ...]
    ) -> Iterator[Value]:
        """Yield the values of a data set; those of items follow their sequence."""
        levels: list[
            tuple[Iterator[RawDataElement | DataElement], str, tuple[str, ...], dict[int, str]]
        ]
        levels = [(iter(top), "", charset, {})]
        while levels:
            elements, place, charset, creators = levels[-1]
            element = next(elements, None)
            if element is None:
                levels.pop()
                continue
            value = _value(element, place, charset, self._order, creators)
            # A private sequence in implicit VR, or one that nobody knows, has no VR of its own.
            items = _items(element, value, self._order) if value.vr in ("SQ", "UN") else []
            if items:
                if place.count("[") >= DEEPEST:
                    raise ValueError("sequences are nested too deep")
                levels += [
                    (_raw_elements(item), f"{value.place}[{number}].", value.charset, {})
                    for number, item in reversed(list(enumerate(items)))
                ]
            elif value.tag in PIXELS:
                self.pixels = value.raw if not place else self.pixels
                self.nested_pixels |= bool(place)
            else:
                if value.tag == CHARSET:
                    levels[-1] = elements, place, _codecs(value.raw), creators
                yield value


def _after_meta(tag: int, *_: object) -> bool:
    return tag >> 16 != 2


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
    """Whether nothing stands behind the pixels; encapsulated ones end with a delimiter."""
    return data.endswith(pixels) or data[-8 - len(pixels) : -8] == pixels


def _raw_elements(item: Dataset) -> Iterator[RawDataElement | DataElement]:
    return (item.get_item(tag) for tag in item.keys())  # noqa: SIM118


def _value(
    element: RawDataElement | DataElement,
    place: str,
    charset: tuple[str, ...],
    order: str,
    creators: dict[int, str] | None = None,
) -> Value:
    tag = int(element.tag)
    raw = element.value if isinstance(element.value, bytes) else b""
    if isinstance(element, RawDataElement) and len(raw) < element.length != UNDEFINED:
        raise ValueError("truncated")
    creator = ""
    if tag >> 16 & 1 and creators is not None:
        if 0x10 <= tag & 0xFFFF <= 0xFF:
            creators[tag] = raw.decode("latin-1").strip("\0 ")
        creator = creators.get(tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8, "")
    vr = str(element.VR or "UN")
    if vr == "UN":
        vr = _known_vr(tag, creator)
    return Value(f"{place}{tag:08x}", tag, creator, vr, raw, charset, order)


@lru_cache(maxsize=8192)
def _known_vr(tag: int, creator: str) -> str:
    """Return the VR of an element that was written without one."""
    if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
        return "LO"
    try:
        vr = private_dictionary_VR(tag, creator) if creator else dictionary_VR(tag)
    except KeyError:
        return "UN"
    return vr[:2]


def _items(element: RawDataElement | DataElement, value: Value, order: str) -> Iterable[Dataset]:
    if not isinstance(element, RawDataElement):
        return list(element.value or [])
    # The items of a known sequence that was written as UN are implicit VR (PS3.5, 6.2.2).
    implicit = element.is_implicit_VR or element.VR == "UN"
    if value.raw[:4] not in ITEMS:
        return []
    stream = io.BytesIO(value.raw)
    try:
        return list(
            read_sequence(stream, implicit, order == "<", len(value.raw), list(value.charset))
        )
    except UNREADABLE:
        return []


@lru_cache(maxsize=256)
def _codecs(raw: bytes) -> tuple[str, ...]:
    names = raw.decode("latin-1").strip("\0 ").split("\\")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(convert_encodings([name.strip() for name in names]))


@lru_cache(maxsize=4096)
def _texts(vr: str, raw: bytes, charset: tuple[str, ...]) -> tuple[str, ...]:
    if vr in CODE_VRS:
        text = raw.decode("latin-1")
    elif vr in TEXT_VRS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = decode_bytes(raw, list(charset or ("iso8859",)), set())
    else:
        return ()
    parts = [text] if vr in ("ST", "LT", "UT", "UR") else text.split("\\")
    return tuple(part.strip("\0 \r\n\t") for part in parts if part.strip("\0 \r\n\t"))


@lru_cache(maxsize=4096)
def _numbers(vr: str, raw: bytes, order: str) -> tuple[float, ...]:
    if vr in BINARY:
        count = min(len(raw) // calcsize(f"={BINARY[vr]}"), MOST_NUMBERS)
        form = f"{order}{count}{BINARY[vr]}"
        return tuple(map(float, unpack(form, raw[: calcsize(form)])))
    if vr not in NUMBER_VRS or not raw:
        return ()
    try:
        return tuple(float(part) for part in raw.decode("ascii").strip("\0 ").split("\\"))
    except ValueError:
        return ()
