"""List the elements of files: their values, and the action of de-identification."""

from collections import Counter
from collections.abc import Iterator, Sequence
from struct import unpack
from typing import NamedTuple

from ecdysis.deid.actions import NUMBER_CODES, SIZES
from ecdysis.deid.edits import Path, Selector
from ecdysis.deid.profile import Profile
from ecdysis.dicom.elements import Buffer, Element, Reader, RefusedError, block_of
from ecdysis.dicom.part10 import open_part10
from ecdysis.dicom.tables import keyword_of, settled_vr, show_tag
from ecdysis.dicom.text import codecs_of, decode

LONGEST_SHOWN = 64
LONGEST_READ = 4096
SHOWN_ACTIONS = {"keep", "verbatim", "items"}


class Row(NamedTuple):
    """One element of the table."""

    element: str
    """Its path, items as ``[*]``; keywords, or tags of elements without a keyword."""
    tag: str
    vr: str
    """The VR by which it is treated."""
    creator: str
    """Private creator."""
    action: str
    """What the profile does with it."""


class Listing:
    """Counts elements and their values over files.

    The `selectors` are the elements to list; none lists all. The `profile` tells what becomes of
    each. With `show`, values of private elements and of those that the profile changes are shown;
    otherwise only their kind and length.
    """

    def __init__(self, selectors: Sequence[Selector], profile: Profile, *, show: bool) -> None:
        self.selectors, self.profile, self.show = selectors, profile, show
        self.values: dict[Row, Counter[str]] = {}

    def add(self, data: Buffer) -> None:
        """Count the elements of a file.

        Raises
        ------
        RefusedError
            It cannot be read.
        """
        file = open_part10(data)
        for row, text in dict.fromkeys(
            self._walk(file.reader, file.elements, file.charset, file.objects)
        ):
            self.values.setdefault(row, Counter())[text] += 1

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield the table: element, tag, VR, creator, files, values, commonest value, action."""
        yield ("element", "tag", "vr", "creator", "files", "values", "commonest", "becomes")
        for row, found in sorted(self.values.items()):
            commonest, _ = found.most_common(1)[0]
            files = str(found.total())
            yield (row.element, row.tag, row.vr, row.creator, files, str(len(found)), commonest,
                   row.action)  # fmt: skip

    def _walk(
        self,
        reader: Reader,
        elements: list[Element],
        charset: bytes,
        objects: str,
        path: Path = (),
    ) -> Iterator[tuple[Row, str]]:
        creators = reader.creators(elements)
        for element in elements:
            tag = element.tag
            end = min(element.stop, element.start + LONGEST_READ)
            raw = bytes(reader.data[element.start : end])
            creator = creators.get(block_of(tag), "")
            vr = settled_vr(tag, element.vr) or element.vr
            action = self.profile.action(tag, vr, objects)
            if self._chosen(path, tag, creator):
                row = Row(_name(path, tag), show_tag(tag), vr, creator, action)
                yield row, self._shown(row, element, raw, charset, big=reader.encoding.big)
            if vr == "SQ":
                try:
                    inner, items = reader.items(element)
                except RefusedError:
                    continue
                for index, item in enumerate(items):
                    own = inner.charset(item, charset)
                    yield from self._walk(inner, item, own, objects, (*path, (tag, index)))

    def _chosen(self, path: Path, tag: int, creator: str) -> bool:
        return not self.selectors or any(
            selector.matches(path, tag, creator) for selector in self.selectors
        )

    def _shown(self, row: Row, element: Element, raw: bytes, charset: bytes, *, big: bool) -> str:
        size = element.stop - element.start
        is_private = int(row.tag[1:5], 16) & 1
        if row.vr == "SQ":
            return "sequence"
        if not self.show and (is_private or row.action not in SHOWN_ACTIONS):
            return f"<{size} bytes>" if size else ""
        if code := NUMBER_CODES.get(row.vr):
            return _numbers(raw, code, SIZES[row.vr], big=big)
        if row.vr.startswith("O") or row.vr == "UN":
            return f"<{size} bytes>"
        text, _ = decode(raw.rstrip(b"\0 "), row.vr, codecs_of(charset))
        clean = "".join(letter if letter.isprintable() else " " for letter in text)
        return clean if len(clean) <= LONGEST_SHOWN else clean[: LONGEST_SHOWN - 1] + "…"


def _numbers(raw: bytes, code: str, size: int, *, big: bool) -> str:
    count = min(len(raw) // size, 8)
    values = unpack(f"{'>' if big else '<'}{count}{code}", raw[: count * size])
    return "\\".join(f"{value:g}" if code in "fd" else str(value) for value in values)


def _name(path: Path, tag: int) -> str:
    steps = [f"{keyword_of(of) or show_tag(of)}[*]" for of, _ in path]
    return ".".join([*steps, keyword_of(tag) or show_tag(tag)])
