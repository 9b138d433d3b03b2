"""A file that is to be de-identified, as it was read."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ecdysis.deid.person import CHARSET
from ecdysis.dicom.elements import Buffer, Element
from ecdysis.dicom.part10 import Part10, open_part10

LARGEST_HEADER_VALUE = 256
"""Bytes of a value up to which `Head` has it."""


class Head(Mapping[int, bytes]):
    """The values of short top-level elements by tag; of longer ones an empty value.

    Parameters
    ----------
    data : bytes or memoryview
        Holds the elements.
    elements : list of Element
        Of elements that occur twice the first one counts.
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


class Opened(NamedTuple):
    """A file as it was read.

    Parameters
    ----------
    part10 : Part10
        Its data set.
    elements : list of Element
        Its top-level elements.
    head : Head
        Their values.
    charset : bytes
        The value of Specific Character Set.
    """

    part10: Part10
    elements: list[Element]
    head: Head
    charset: bytes


def opened_file(data: Buffer) -> Opened:
    """Read a file.

    Raises
    ------
    RefusedError
        It is no DICOM file, or damaged.
    """
    part10 = open_part10(data)
    reader = part10.reader
    elements = reader.elements(part10.start, part10.stop, top=True)
    head = Head(reader.data, elements)
    return Opened(part10, elements, head, head.get(CHARSET, b""))
