"""VR and keyword of a tag by the dictionary (PS3.6), without a file."""

from difflib import get_close_matches
from functools import cache

from pydicom.datadict import DicomDictionary, RepeatersDictionary, mask_match
from pydicom.uid import UID_dictionary

from ecdysis.dicom.tables import attributes


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
