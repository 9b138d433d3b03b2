"""What in an original file identifies: recognised by VR, group and the words of keywords."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pydicom import DataElement, Dataset
from pydicom.uid import UID

from ecdysis.audit import walk

SHORTEST = 4
"""Characters of the shortest text that is searched; less is found everywhere by chance."""

IDENTIFIERS = re.compile(
    r"(ID|IDs|Identifier|Identification|Accession\w*|Address|Telephone\w*|Telecom\w*|Locator"
    r"|PlanIdentification|OrderNumber\w*)$"
)
"""Ends of the keywords of identifiers, addresses and numbers to call."""

PERSONAL_GROUPS = {0x0010, 0x0032, 0x0038, 0x4008}
PLACES = re.compile(r"^(Institution(Name|Address)|InstitutionalDepartmentName)$")
DEVICES = re.compile(r"^(StationName|DeviceSerialNumber|GantryID|DetectorID|PlateID)$")
COMMON_WORDS = """
    anonymous unknown none patient phantom test name basic application confidentiality profile
    clean graphics structured content descriptors option retain longitudinal temporal information
    modified full dates characteristics device identity uids safe private institution removed
    head brain chest spine neck axial sagittal coronal siemens philips fast spin echo gradient
    field normal original primary derived secondary mosaic phase magnitude
"""
HARMLESS = frozenset(COMMON_WORDS.split())
"""Words that a person may be called and every image holds; they are not searched."""

KINDS = ("UIDs", "dates", "names", "identifiers", "places", "devices")


@dataclass(frozen=True)
class Secret:
    """A value that must not be found in an output.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    tag : str
        Where the original has it.
    text : str
        The value, folded.
    """

    kind: str
    tag: str
    text: str


def secrets_of(ds: Dataset, kinds: frozenset[str]) -> Iterator[Secret]:
    """Yield what identifies in a data set and its file meta, at every depth.

    Parameters
    ----------
    ds : Dataset
        An original.
    kinds : frozenset of str
        The kinds that must be gone.
    """
    for element in _elements(ds):
        for kind, text in _told(element):
            if kind in kinds and text not in HARMLESS:
                yield Secret(kind, str(element.tag), text)


def fold(text: str) -> str:
    """Return `text` in lower case and without diacritics."""
    parts = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _elements(ds: Dataset) -> Iterator[DataElement]:
    yield from getattr(ds, "file_meta", Dataset())
    # The text of a sequence is that of its elements, escaped anew at every depth.
    yield from (element for element in walk.elements(ds) if element.VR != "SQ")


def _told(element: DataElement) -> Iterator[tuple[str, str]]:
    texts = [str(value) for value in _values(element) if value not in (None, "")]
    keyword, vr = element.keyword, element.VR
    if vr == "PN":
        for text in texts:
            for part in re.split(r"[\^=\s,._()/-]+", text):
                if len(part) >= SHORTEST or (part and not part.isascii() and len(part) > 1):
                    yield "names", fold(part)
    elif vr == "UI":
        for text in texts:
            if UID(text).name == text and len(text) > 12 and "Class" not in keyword:
                yield "UIDs", text
    elif vr in ("DA", "DT"):
        for text in texts:
            if re.match(r"\d{8}", text) and not text.startswith("00"):
                yield "dates", text[:8]
                if keyword == "PatientBirthDate":
                    yield from (("names", spelled) for spelled in _spellings(text[:8]))
    elif vr in ("LO", "SH", "ST", "LT", "UT", "AE", "UC"):
        kind = _kind(keyword, element.tag.group)
        for text in texts:
            folded = fold(text).strip()
            digits_only = folded.isdigit() and len(folded) < SHORTEST + 1
            if kind and len(folded) >= SHORTEST and not digits_only:
                yield kind, folded


def _kind(keyword: str, group: int) -> str | None:
    if PLACES.match(keyword):
        return "places"
    if DEVICES.match(keyword):
        return "devices"
    if IDENTIFIERS.search(keyword):
        return "identifiers"
    return "identifiers" if group in PERSONAL_GROUPS and "Name" in keyword else None


def _values(element: DataElement) -> list[object]:
    if element.VM > 1:
        return list(element.value)
    return [element.value]


def _spellings(digits: str) -> Iterator[str]:
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y"):
        yield day.strftime(form)
