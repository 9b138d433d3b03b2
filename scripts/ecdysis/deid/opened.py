"""A file that is to be de-identified, as it was read; bytes that recur are read once."""

from collections import defaultdict, deque
from functools import cached_property
from typing import NamedTuple

from ecdysis.deid.person import CHARSET
from ecdysis.dicom.elements import PIXEL_DATA, Buffer, Element, Encoding, Reader
from ecdysis.dicom.part10 import Part10, open_part10
from ecdysis.dicom.refusals import RefusedError

LARGEST_HEADER_VALUE = 256
"""Bytes of a value up to which a head has it."""

LARGEST_REPEATED = 1 << 20
"""Bytes of an element up to which it is compared with that of the next file."""

STEADY = 4
"""Files in which an element was the same before it is joined with its neighbours."""


class Run:
    """Successive top-level elements; those that recur from file to file are one object.

    Parameters
    ----------
    reader : Reader
        Reads the buffer that holds them.
    elements : list of Element
    parts : list of Run
        The runs that it consists of; none if they were read together.
    """

    def __init__(
        self, reader: Reader, elements: list[Element], parts: list["Run"] | None = None
    ) -> None:
        self.reader, self.elements, self.parts = reader, elements, parts or []
        self.tag = elements[0].tag if elements else 0
        self.source = b""
        """The bytes of the elements, if another file may repeat them."""

    @cached_property
    def head(self) -> dict[int, bytes]:
        """The values of short elements by tag, of longer ones an empty value."""
        data = self.reader.data
        return {
            tag: bytes(data[start:stop]) if stop - start <= LARGEST_HEADER_VALUE else b""
            for tag, _, _, start, stop, _ in reversed(self.elements)
        }

    @cached_property
    def creators(self) -> dict[int, str]:
        """The private creators among the elements, by tag."""
        return self.reader.creators(self.elements)


def joined(runs: list[Run]) -> Run:
    """Return successive runs as one."""
    encoding = runs[0].reader.encoding
    source = b"".join(run.source for run in runs)
    reader, elements, offset = Reader(source, encoding), list[Element](), 0
    for run in runs:
        elements += (_moved(element, offset) for element in run.elements)
        offset += len(run.source)
    whole = Run(reader, elements, runs)
    whole.source = source
    return whole


def _moved(element: Element, offset: int) -> Element:
    tag, vr, head, start, stop, end = element
    return Element(tag, vr, head + offset, start + offset, stop + offset, end + offset)


class Opened(NamedTuple):
    """A file as it was read.

    Parameters
    ----------
    part10 : Part10
        Its data set.
    runs : list of Run
        Its top-level elements.
    head : dict
        The values of short top-level elements by tag, of longer ones an empty value. Of elements
        that occur twice the first counts.
    charset : bytes
        The value of Specific Character Set.
    """

    part10: Part10
    runs: list[Run]
    head: dict[int, bytes]
    charset: bytes


class _FileBefore:
    """The elements of the last file, which most elements of the next file are equal to."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self._changed: deque[set[int]] = deque(maxlen=STEADY)

    def replace(self, runs: list[Run], changed: set[int]) -> None:
        """Take another file, whose elements with the tags `changed` differ from the file before."""
        before = set[int]().union(*self._changed)
        self._changed.append(changed)
        recent = set[int]().union(*self._changed)
        if len(runs) == len(self.runs) and before <= recent:
            self.runs = runs
            return
        self.runs = []
        steady: list[Run] = []
        for run in runs:
            if run.parts or (run.source and run.tag not in recent):
                steady.append(run)
            else:
                self._add(steady)
                steady = []
                self.runs.append(run)
        self._add(steady)

    def _add(self, steady: list[Run]) -> None:
        self.runs += [joined(steady)] if len(steady) > 1 else steady


class Opener:
    """Reads files.

    Parameters
    ----------
    divided : bool
        Whether elements that recur are to be one object. If not, a file is one run.
    """

    def __init__(self, *, divided: bool) -> None:
        self._divided = divided
        self._before: dict[Encoding, _FileBefore] = defaultdict(_FileBefore)

    def open(self, data: Buffer) -> Opened:
        """Read a file.

        Raises
        ------
        RefusedError
            It is no DICOM file, or damaged.
        """
        part10 = open_part10(data)
        reader = part10.reader
        if self._divided and isinstance(reader.data, bytes):
            runs = self._runs(reader, reader.data, part10.start, part10.stop)
        else:
            runs = [Run(reader, reader.elements(part10.start, part10.stop, top=True))]
        head: dict[int, bytes] = {}
        for run in reversed(runs):
            head.update(run.head)
        return Opened(part10, runs, head, head.get(CHARSET, b""))

    def _runs(self, reader: Reader, data: bytes, position: int, stop: int) -> list[Run]:
        """Return the elements; those that are equal to elements of the last file are taken over."""
        before = self._before[reader.encoding]
        ahead, runs, changed = before.runs[::-1], list[Run](), set[int]()
        while position < stop:
            if ahead and (run := ahead[-1]).source and data.startswith(run.source, position):
                del ahead[-1]
                runs.append(run)
                position += len(run.source)
                continue
            if ahead and ahead[-1].parts:
                ahead[-1:] = ahead[-1].parts[::-1]
                continue
            try:
                element = reader.element(position, stop)
            except RefusedError:
                if reader.is_padding(runs[-1].elements[-1].tag if runs else 0, position, stop):
                    break
                raise
            runs.append(_alone(reader, element))
            changed.add(element.tag)
            position = element.end
            while ahead and ahead[-1].tag <= element.tag:
                ahead += ahead.pop().parts[::-1]
        before.replace(runs, changed)
        return runs


def _alone(reader: Reader, element: Element) -> Run:
    """Return one element, with a copy of its bytes if another file may repeat it.

    The end of a value of undefined length may depend on what follows it.
    """
    has_length = element.stop == element.end
    size = element.end - element.head
    if element.tag >= PIXEL_DATA or not has_length or size > LARGEST_REPEATED:
        return Run(reader, [element])
    source = bytes(reader.data[element.head : element.end])
    run = Run(Reader(source, reader.encoding), [_moved(element, -element.head)])
    run.source = source
    return run
