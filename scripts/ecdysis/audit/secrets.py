"""What identifies in an original: recognised by VR, group and the words of keywords."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from pydicom.uid import UID

from ecdysis.audit.instance import TEXT_VRS, Value
from ecdysis.audit.spelling import day_of, fold, tokens

KINDS = ("UIDs", "dates", "birth dates", "times", "names", "identifiers", "places", "devices")
KEPT_BY = {
    "retain_uids": {"UIDs"},
    "retain_dates_full": {"dates", "times"},
    "retain_dates_modified": {"times"},
    "retain_institution": {"places"},
    "retain_device": {"devices"},
}
"""Options of PS3.15 that keep a kind of value on purpose. A birth date is never kept."""

SHORTEST = 4
"""Characters of the shortest identifier, place or device that is searched."""

IDENTIFIER = re.compile(
    r"(ID|IDs|Identifier|Identification|Accession\w*|Address|Telephone\w*|Telecom\w*|Locator"
    r"|OrderNumber\w*)$"
)
"""Ends of the keywords of identifiers, addresses and telephone numbers."""

TECHNICAL = {"StackID", "ContextIdentifier", "MappingResourceIdentification", "ContextGroupName"}
PERSONAL_GROUPS = {0x0010, 0x0032, 0x0038, 0x4008}
PLACE = re.compile(r"^(Institution(Name|Address)|InstitutionalDepartmentName)$")
DEVICE = re.compile(r"^(StationName|DeviceSerialNumber|GantryID|DetectorID|PlateID|DeviceID)$")
SEPARATORS = re.compile(r"[\^=\s\0,._()/\\;:-]+")
TITLES = {"mr", "mrs", "ms", "dr", "med", "prof", "phd", "msc", "jun", "sen", "herr", "frau"}
STANDARD_UIDS = ("1.2.840.10008.", "2.16.840.1.113883.6.")
"""Roots of UIDs that a standard defines: DICOM (PS3.6, annex A) and HL7 code systems."""

CLASS_LIKE = re.compile(r"(Class|TransferSyntax|CodingScheme|Context|MappingResource|Template)")
"""Words in the keywords of UIDs that name a kind of object and not one object."""

OTHER_CODECS = ("utf-8", "gb18030", "shift_jis", "euc_kr", "iso8859_5", "latin-1")
"""Encodings of names in files that do not state one."""


@dataclass(frozen=True)
class Secret:
    """A value of an original that no output may hold."""

    kind: str
    """One of `KINDS`."""
    tag: int
    """The element of the original that holds it."""
    text: str
    """The value; of a person's name, one of its groups (letters, ideograms, phonetic)."""


def kinds_searched(options: Iterable[str]) -> frozenset[str]:
    """Return the kinds of value that must be gone under the options of PS3.15 that are used."""
    return frozenset(KINDS) - {kind for option in options for kind in KEPT_BY.get(option, ())}


def secrets_of(values: Iterable[Value]) -> set[Secret]:
    """Return what identifies in values of an original."""
    return {secret for value in values if value.raw for secret in _secrets(value)}


def is_standard_uid(text: str) -> bool:
    """Whether a UID is one that a standard defines."""
    return UID(text).name != text or (text.startswith(STANDARD_UIDS) and len(text) < 40)


def _secrets(value: Value) -> Iterator[Secret]:
    tag = value.tag
    match value.vr:
        case "PN":
            groups = (group for text in _names(value) for group in text.split("="))
            yield from (Secret("names", tag, group) for group in groups if name_words(group))
        case "UI":
            if not CLASS_LIKE.search(value.keyword):
                yield from (
                    Secret("UIDs", tag, text)
                    for text in value.texts()
                    if len(text) > 12 and not is_standard_uid(text)
                )
        case "DA" | "DT" | "TM":
            yield from _moments(value)
        case _ if value.vr in TEXT_VRS or value.vr == "AE":
            kind = _kind(value.keyword, tag >> 16)
            for text in "\0".join(value.texts() if kind else ()).split("\0"):
                if kind and len("".join(tokens(fold(text)))) >= SHORTEST:
                    yield Secret(kind, tag, text)


def _names(value: Value) -> Iterator[str]:
    yield from value.texts()
    if not value.raw.isascii() and len(value.charset) < 2:
        for codec in OTHER_CODECS:
            try:
                yield value.raw.decode(codec)
            except UnicodeDecodeError:
                continue


@lru_cache(maxsize=4096)
def name_words(text: str) -> tuple[str, ...]:
    """Return the words of a person's name, without titles and single letters.

    Examples
    --------
    >>> name_words("O'Brien^Pat^J^Dr.")
    ("O'Brien", 'Pat')
    """
    parts = (part for part in SEPARATORS.split(text) if part)
    return tuple(part for part in parts if fold(part).strip("'") not in TITLES and len(part) > 1)


def _moments(value: Value) -> Iterator[Secret]:
    for text in value.texts():
        if value.vr != "TM" and day_of(text):
            kind = "birth dates" if "BirthDate" in value.keyword else "dates"
            yield Secret(kind, value.tag, text[:8])
        time = text if value.vr == "TM" else text[8:]
        digits = re.sub(r"[:.].*|[+-].*", "", time.replace(":", ""))
        if len(digits) == 6 and digits.isdigit() and digits != "000000":
            yield Secret("times", value.tag, time)


def _kind(keyword: str, group: int) -> str | None:
    if PLACE.match(keyword):
        return "places"
    if DEVICE.match(keyword):
        return "devices"
    if keyword in TECHNICAL:
        return None
    if IDENTIFIER.search(keyword):
        return "identifiers"
    return "identifiers" if group in PERSONAL_GROUPS and "Name" in keyword else None
