"""A DICOM file as the audit sees it: a flat list of its values at all depths."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from struct import calcsize, unpack
from typing import NamedTuple, TypeVar

from pydicom.charset import decode_bytes
from pydicom.datadict import keyword_for_tag

T = TypeVar("T")
META = 0x0002
"""Group of file meta information."""

TOP = 8
"""Length of the place of an element of the top level: its tag alone."""

TEXT_VRS = {"PN", "SH", "LO", "ST", "LT", "UT", "UC"}
CODE_VRS = {"CS", "AE", "AS", "UR", "UI", "DA", "TM", "DT", "IS", "DS"}
BINARY = {"FL": "f", "FD": "d", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
NUMBER_VRS = {"IS", "DS", *BINARY}
MOST_NUMBERS = 4096
"""Numbers of one element that are converted; longer lists are tables of pixels."""


class Value(NamedTuple):
    """The value of one element."""

    place: str
    """Tags and item numbers that lead to it; unique in the file."""
    tag: int
    creator: str
    """Private creator, or an empty string."""
    vr: str
    raw: bytes
    """As in the file."""
    charset: tuple[str, ...]
    """Python codecs of its text."""
    order: str
    """Byte order, ``<`` or ``>``."""

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


@dataclass(frozen=True, eq=False, slots=True)
class Chunk:
    """An element of the top level or of file meta, with everything that is nested in it.

    Equal elements of many files are one object, so that what the audit finds in it is
    remembered by the object.
    """

    tag: int
    values: tuple[Value, ...]
    """The element, or the elements of its items; never pixels."""
    value: Value | None
    """The element itself; None of a sequence."""
    nested_pixels: bool
    """Whether it is a sequence that holds pixel data."""
    source: bytes
    """Its bytes in the file, header and value; nothing of an element that hardly recurs."""
    sets_context: bool
    """Whether what follows is read otherwise after it: a character set or a private creator."""

    @property
    def raw(self) -> bytes:
        """The bytes of an element that is no sequence; nothing of a sequence."""
        return self.value.raw if self.value else b""


@dataclass(frozen=True)
class Instance:
    """A DICOM file."""

    preamble: bytes
    """128 bytes, or none."""
    chunks: list[Chunk]
    """File meta information and data set."""
    pixels: bytes
    """The value of the pixel data of the top level."""
    is_complete: bool
    """Whether the file ends with its last element."""

    def text(self, tag: int) -> str:
        """Return the first value of an element of the top level or of file meta, as text."""
        value = self._top.get(tag)
        if value is None:
            return ""
        return next(iter(value.texts()), "") or str(next(iter(value.numbers()), ""))

    @cached_property
    def _top(self) -> dict[int, Value]:
        """The first value of each element of the top level and of file meta."""
        return {chunk.tag: chunk.value for chunk in reversed(self.chunks) if chunk.value}

    @cached_property
    def native_size(self) -> int:
        """How many bytes native pixels take; 0 when they are encapsulated or unknown."""

        def number(tag: int) -> int:
            text = self.text(tag)
            return int(float(text)) if text.replace(".", "").isdigit() else 0

        size = number(0x00280010) * number(0x00280011) * (number(0x00280002) or 1)
        size = (size * number(0x00280100) * (number(0x00280008) or 1) + 7) // 8
        is_native = self.pixels[:4] != b"\xfe\xff\x00\xe0"
        return size if is_native and size <= len(self.pixels) else 0


class PerChunk(dict[Chunk, T]):
    """Results for elements; equal elements of many files have one result.

    `work` returns the result for an element.
    """

    def __init__(self, work: Callable[[Chunk], T]) -> None:
        super().__init__()
        self._work = work

    def __missing__(self, chunk: Chunk) -> T:
        """Work out the result for an element that is new."""
        self[chunk] = result = self._work(chunk)
        return result

    def of(self, instance: Instance) -> Iterator[T]:
        """Return the results for all elements of a file but the empty ones."""
        return filter(None, map(self.__getitem__, instance.chunks))


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
