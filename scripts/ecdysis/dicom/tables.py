"""What DICOM's dictionary and the tables beside this file say of tags, classes and words."""

from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydicom.datadict import DicomDictionary, RepeatersDictionary, mask_match
from pydicom.uid import UID_dictionary

from ecdysis.files import table_rows

EDITION = "2026c"
"""Edition of PS3.15 whose basic profile the table holds."""

HERE = Path(__file__).parent


class Attribute(NamedTuple):
    """A row of Table E.1-1: what is done with an attribute."""

    vr: str
    """Value representation (PS3.6)."""
    keyword: str
    """Keyword (PS3.6)."""
    actions: tuple[str, ...]
    """The basic profile's action, or several when the attribute's type decides."""
    options: dict[str, str]
    """Name of an option -> ``keep`` or ``clean``."""
    tells: str
    """What the value holds: ``name`` or ``id`` of a person, ``date``, ``place``, or ``-``."""


class SopClass(NamedTuple):
    """How the objects of a SOP class are treated: the group of their types, and the verdict."""

    objects: str
    verdict: str


@cache
def attributes() -> dict[int, Attribute]:
    """Return the rows of Table E.1-1 that name one attribute, by tag."""
    found = {}
    for tag, vr, keyword, actions, options, tells in table_rows(HERE / "ps315_e1.tsv"):
        if "x" not in tag:
            pairs = dict(pair.split(":") for pair in options.split(";")) if options != "-" else {}
            found[parse_tag(tag)] = Attribute(vr, keyword, tuple(actions.split("|")), pairs, tells)
    return found


@cache
def types() -> dict[tuple[str, int], int]:
    """Return the type of an attribute by (group of objects, tag)."""
    return {
        (objects, parse_tag(tag)): int(kind)
        for objects, tag, _, kind in table_rows(HERE / "iod_types.tsv")
    }


@cache
def sop_classes() -> dict[str, SopClass]:
    """Return the SOP classes that are treated by name; a UID may end in ``*``."""
    return {
        uid: SopClass(objects, verdict)
        for uid, _, objects, verdict in table_rows(HERE / "sop_classes.tsv")
    }


class PrivateElement(NamedTuple):
    """A private element that may stay: its VR and what kind of value it must hold."""

    vr: str
    kind: str


@cache
def private_elements() -> dict[tuple[str, int, int], PrivateElement]:
    """Return the safe private elements by (creator, group, last two digits of the element)."""
    return {
        (creator, int(group, 16), int(number, 16)): PrivateElement(vr, kind)
        for creator, group, number, vr, kind, _ in table_rows(HERE / "private_safe.tsv")
    }


@cache
def vocabulary(kind: str) -> frozenset[str]:
    """Return the words of a kind, see the head of vocabulary.tsv."""
    return frozenset(word for of, word in table_rows(HERE / "vocabulary.tsv") if of == kind)


@cache
def imaging_words() -> frozenset[str]:
    """Return the words that may stay in a description, in lower case."""
    return _words("imaging_words.txt")


@cache
def coded_words() -> frozenset[str]:
    """Return the words, besides imaging words, that may stay in a coded string, in lower case."""
    return _words("coded_words.txt") | common_words()


@cache
def common_words() -> frozenset[str]:
    """Return the words of most headers, which name nobody, in lower case."""
    return _words("common_words.txt")


@cache
def device_words() -> frozenset[str]:
    """Return the words that may stay in a text about the scanner, in lower case."""
    return _words("device_words.txt") | coded_words() | imaging_words()


def parse_tag(text: str) -> int:
    """Return the number of a tag written ``(gggg,eeee)``."""
    return int(text[1:5] + text[6:10], 16)


def show_tag(tag: int) -> str:
    """Return a tag as ``(gggg,eeee)``."""
    return f"({tag >> 16:04x},{tag & 0xFFFF:04x})"


def _words(name: str) -> frozenset[str]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def vr_of(tag: int) -> str | None:
    """Return the VR of a public tag, or None if no dictionary has it.

    Where the standard allows two, the one that fits both is given: ``OW`` for ``OB or OW``,
    ``US`` for ``US or SS``.
    """
    if not tag & 0xFFFF:
        return "UL"
    if (row := attributes().get(tag)) and len(row.vr) == 2:
        return row.vr
    if entry := DicomDictionary.get(tag):
        return _one_vr(entry[0])
    if mask := mask_match(tag):
        return _one_vr(RepeatersDictionary[mask][0])
    return None


EXACT = frozenset({"AE", "AS", "DA", "DS", "DT", "IS", "PN", "TM", "UI"})
"""Kinds of text whose action or form depends on the kind, so the VR of the dictionary is used."""

TEXT = EXACT | {"CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"}


@cache
def settled_vr(tag: int, written: str) -> str | None:
    """Return the VR by which a value is treated, given the VR that is `written` in the file.

    None means that the value cannot be what the dictionary says: text where numbers belong,
    a sequence where none does. Such a value may hold anything.
    """
    true = vr_of(tag)
    if true is None or written == true:
        return written
    if written == "UN":
        return true
    if true == "SQ" or written == "SQ":
        return None
    if (true in TEXT) != (written in TEXT):
        return None
    if written.startswith("O") and not true.startswith("O"):
        return None
    return true if true in EXACT or true.startswith("O") else written


@cache
def keyword_of(tag: int) -> str:
    """Return the keyword of a tag, or an empty string."""
    if entry := DicomDictionary.get(tag):
        return entry[4]
    row = attributes().get(tag)
    return row.keyword if row and row.keyword != "-" else ""


def is_standard_uid(uid: str) -> bool:
    """Return whether a UID is empty or assigned by PS3.6; such UIDs do not identify anyone."""
    return not uid or uid in UID_dictionary


@cache
def keywords() -> dict[str, int]:
    """Return every keyword with its tag."""
    known = {row.keyword: tag for tag, row in attributes().items() if row.keyword != "-"}
    return known | {entry[4]: tag for tag, entry in DicomDictionary.items() if entry[4]}


def nearest(keyword: str) -> list[str]:
    """Return up to three known keywords that look like `keyword`."""
    by_lower = {known.lower(): known for known in keywords()}
    near = get_close_matches(keyword.lower(), by_lower, n=3, cutoff=0.6)
    return [by_lower[word] for word in near]


def _one_vr(vr: str) -> str | None:
    if len(vr) == 2:
        return vr
    return {"OB or OW": "OW", "US or SS": "US", "US or OW": "OW", "US or SS or OW": "OW"}.get(vr)
