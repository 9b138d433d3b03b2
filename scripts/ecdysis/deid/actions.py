"""Treatments of a value, and the forms of valid values; none depends on where the value is."""

import re
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from struct import calcsize, unpack

from ecdysis.deid.edits import Edits
from ecdysis.deid.profile import code_item
from ecdysis.deid.scrub import Scrubber
from ecdysis.deid.words import SPELLED_OUT, WORD_OF_CODE, Words, holds_age, is_coded, is_imaging
from ecdysis.dicom.elements import CHARSET, Buffer, Encoding, element, sequence
from ecdysis.dicom.tables import is_standard_uid, keyword_of, vocabulary, vr_of
from ecdysis.dicom.text import codecs_of, decode, encode
from ecdysis.key import Key

OLDEST = 90
"""Ages above 89 years are one class (45 CFR 164.514(b)(2)(i)(C))."""

DUMMIES = {
    "AE": b"REMOVED",
    "AS": b"000Y",
    "CS": b"REMOVED",
    "DA": b"19000101",
    "DS": b"0",
    "DT": b"19000101000000",
    "IS": b"0",
    "LO": b"Removed",
    "LT": b"Removed",
    "PN": b"Removed",
    "SH": b"Removed",
    "ST": b"Removed",
    "TM": b"000000",
    "UC": b"Removed",
    "UI": b"2.25.0",
    "UR": b"urn:removed",
    "UT": b"Removed",
}
"""Valid values (PS3.5, section 6.2) for attributes that must have one."""

FORMS = {
    "AS": re.compile(rb"(\d{3}[DWMY])?"),
    "DA": re.compile(rb"(\d{8}|\d{4}\.\d\d\.\d\d)?"),
    "DS": re.compile(rb" *[+-]?(\d+\.?\d*|\.\d+)?([eE][+-]?\d+)? *"),
    "DT": re.compile(rb"(\d{4}(\d\d){0,5}(\.\d{1,6})?([+-]\d{4})?)? *"),
    "IS": re.compile(rb" *[+-]?\d*\.?\d* *"),
    "TM": re.compile(rb"(\d\d(:?\d\d(:?\d\d(\.\d*)?)?)?)? *"),
    "UI": re.compile(rb"[0-9.]*"),
}
"""What a value of each kind looks like (PS3.5, table 6.2-1); older forms and usual slips too."""

TAG_FORMS = {
    0x00080005: re.compile(rb"(ISO_IR \d{1,3}|ISO 2022 IR \d{1,3}|GB18030|GBK)? *"),
    0x00080201: re.compile(rb"([+-]\d{4})? *"),
    0x00180085: re.compile(
        rb"([1-9]\d{0,2}(H|HE|LI|B|C|N|O|F|NA|AL|SI|P|CL|K|XE))? *", re.IGNORECASE
    ),
    0x00281054: re.compile(
        rb"(OD|HU|US|MGML|Z_EFF|EDW?|HU_MOD|PCT|NORMALIZED|UNSPECIFIED)? *", re.IGNORECASE
    ),
}
"""Attributes whose value has a form though its VR has none: Specific Character Set (PS3.3,
C.12.1.1.2), Timezone Offset From UTC, Imaged Nucleus (``1H``), and Rescale Type (C.11.1.1.2)."""

SIZES = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
ARRAY_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})
BINARY_VRS = ARRAY_VRS | SIZES.keys()
"""Values that are numbers in bytes, in which text can hide."""


NUMBER_CODES = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H",
                "UV": "Q"}  # fmt: skip
"""VR -> code of the module struct."""

ARRAY_CODES = {"OD": "d", "OF": "f", "OL": "I", "OV": "Q"}
"""The same of arrays, whose numbers are compared with codes of characters only."""

TEXT_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
WHOLE_VRS = frozenset({"AS", "DA", "DT", "TM", "UI"})
"""Kinds of value that are compared with identifiers only; the profile decides about dates."""

STRING_VRS = TEXT_VRS | FORMS.keys()
MANUFACTURER, PIXEL_GROUP, OVERLAYS = 0x00080070, 0x7FE0, 0x60
GRADIENT = re.compile(rb"b=\d{1,5}(\.\d{1,3})?\((-?[01]\.\d{1,8},?){3}\)[\0 ]*")
"""The text that Canon and Toshiba write into Image Comments: ``b=1500(0.445,0.000,0.895)``."""

CODE = re.compile(r"[A-Za-z0-9._:/-]{0,256}")
"""Characters of a code; unlike a telephone number it has no spaces."""

NUMBER_OF_PERSON = re.compile(
    r"(?=(?:\D*\d){5})(?!urn:)(?:.*\d[._-]){2}\d|.*\d/\d|.*\d{19}"
    r"|(?:.*[^A-Za-z])?(?!C\d{7}(?!\d))[A-Za-z]+\d{7}"
)
"""A telephone number, a date, or an identifier. Codes have one separator between digits, as those
of LOINC, at most 18 digits (SNOMED CT), and letters before seven digits only in UMLS
(``C0006104``)."""
DESIGNATOR, LONG_IN_DESIGNATOR = 0x00080102, re.compile(r"\d{5}")

CODES_OF_STANDARDS = re.compile(
    r"1\.2\.840\.10008\.6\.1\.\d{1,4}|2\.16\.840\.1\.113883\.6\.\d{1,3}"
)
"""UIDs of DICOM's groups of codes (PS3.6, table A-3) and of the code systems that HL7 registers."""

LOOKUP_TABLES, PRINTABLE = ("LUTData", "LookupTableData"), re.compile(rb"[\t\n\r\x20-\x7e]{4,}")
"""Ends of the keywords of lookup tables, which hold brightness or colours; and arrays of numbers
that are text."""

OFFSET_VRS, LARGEST_OFFSET = ("OV", "UV"), 1 << 40
"""Kinds of value with offsets and lengths of encapsulated frames, and the largest, in bytes."""


def is_valid(vr: str, value: bytes, tag: int = 0) -> bool:
    """Tell whether `value` has the form of its VR, so that no text hides in it."""
    if form := TAG_FORMS.get(tag, FORMS.get(vr)):
        return all(form.fullmatch(part) for part in value.rstrip(b"\0 ").split(b"\\"))
    if size := SIZES.get(vr):
        return len(value) % size == 0
    return True


def without_remains(vr: str, value: bytes) -> bytes:
    """Return a text or a number as text without what follows a NUL in each of its values.

    Scanners write buffers of a fixed length, in which an earlier and longer text can be left.
    """
    if vr not in STRING_VRS or b"\0" not in value.rstrip(b"\0 "):
        return value
    return b"\\".join(part.partition(b"\0")[0] for part in value.split(b"\\"))


def numbers(vr: str, value: bytes, *, big: bool) -> list[str]:
    """Return the single values of a numeric, time or UID value as text."""
    if code := NUMBER_CODES.get(vr, ARRAY_CODES.get(vr)):
        size = calcsize(f"<{code}")
        count = len(value) // size
        found = unpack(f"{'>' if big else '<'}{count}{code}", value[: count * size])
        return [repr(number) for number in found]
    if vr in FORMS:
        text = value.decode("latin-1").rstrip("\0 ")
        return [part.strip() for part in text.split("\\")]
    return []


def capped_age(value: bytes) -> bytes:
    """Return an age with 90 years for every higher one; nothing for what is no age."""
    if not re.fullmatch(rb"\d{3}[DWMY]", value.strip()):
        return b""
    count, unit = int(value[:3]), value.strip()[-1:]
    years = count / {b"D": 365.25, b"W": 52.18, b"M": 12, b"Y": 1}[unit]
    return b"%03dY" % OLDEST if years >= OLDEST else value.strip()


def shifted(vr: str, value: bytes, days: int) -> bytes:
    """Return dates (DA) or moments (DT) moved by `days`; nothing for a value that is no date.

    A DT of a year or a month alone moves as its middle would and stays as coarse. The time
    zone of a DT is left out, since it shows where the scanner stands.
    """
    parts = value.rstrip(b"\0 ").split(b"\\")
    return b"\\".join(_shifted_one(vr, part.strip(), days) for part in parts)


def _shifted_one(vr: str, value: bytes, days: int) -> bytes:
    if not value or not FORMS[vr].fullmatch(value):
        return b""
    value = re.sub(rb"[+-]\d{4}$", b"", value) if vr == "DT" else value
    dotted = vr == "DA" and b"." in value
    digits = value.replace(b".", b"") if dotted else value
    known = re.match(rb"\d*", digits).group()[:8]  # type: ignore[union-attr]
    middle = {4: b"0701", 6: b"15"}.get(len(known), b"")
    try:
        moved = date(*_numbers(known + middle)) + timedelta(days=days)
    except (ValueError, OverflowError):
        return b""
    text = moved.strftime("%Y.%m.%d" if dotted else "%Y%m%d").encode()
    return text if dotted else text.zfill(8)[: len(known)] + digits[len(known) :]


def _numbers(digits: bytes) -> tuple[int, int, int]:
    return int(digits[:4]), int(digits[4:6]), int(digits[6:8])


@dataclass(frozen=True)
class Context:
    """Everything besides the value that its treatment depends on."""

    encoding: Encoding
    """In which the element is written."""
    charset: bytes
    """The value of Specific Character Set that holds here."""
    objects: str
    """Group of objects in iod_types.tsv."""
    scrub: Scrubber
    """Removes the person's tokens from text."""
    words: Words
    """Keeps the known words of a description."""
    key: Key = field(repr=False)
    """Makes the pseudonyms."""
    label: str
    """The subject's label."""
    days: int = field(repr=False)
    """By which dates move."""
    edits: Edits | None = None
    """The rules that hold for the file."""
    memory: dict[object, Buffer | None] = field(default_factory=dict, repr=False)
    """Elements that were treated before, as they were and as they became."""
    last: dict[object, tuple[bytes, bytes | None]] = field(default_factory=dict, repr=False)
    """The same of the last large private element of each kind."""

    @property
    def vendor(self) -> "VendorTexts":
        """What decides about the values of vendors' headers."""
        return vendor_texts(self.scrub, self.words)

    def other(self, **changes: Encoding | bytes) -> "Context":
        """Return a context with another `encoding` or `charset` and an empty memory."""
        return replace(self, memory={}, last={}, **changes)  # type: ignore[arg-type]


class VendorTexts:
    """Decides about texts that the makers and users of scanners give.

    `scrub` removes the person's tokens, `words` keeps the known words.
    """

    def __init__(self, scrub: Scrubber, words: Words) -> None:
        self._scrub, self._words = scrub, words

    def __call__(self, text: str) -> bool:
        """Tell whether a value of a vendor's header may stay as it is."""
        return self._scrub.accepts(text)

    def of_device(self, text: str) -> str:
        """Return a text about the scanner without tokens of the person and unknown words."""
        return self._words.of_device(self._scrub.of_device(text))


vendor_texts = lru_cache(maxsize=16)(VendorTexts)
"""The same object for the same person, by which rebuilt headers are remembered."""


def treat(action: str, tag: int, vr: str, value: bytes, context: Context) -> bytes | None:
    """Return the value that replaces `value`, or None to remove it.

    Raises
    ------
    KeyError
        The action does not work on a single value.
    """
    match action:
        case "keep":
            return _keep(tag, vr, value, context)
        case "remove":
            return None
        case "empty":
            return b""
        case "uid":
            return _uid(value, context)
        case "label":
            return context.label.encode("ascii")
        case "shift":
            return shifted(vr, value, context.days)
        case "title":
            return _title(value, context)
        case "age":
            return capped_age(value)
        case "gradient":
            return value if GRADIENT.fullmatch(value) else None
        case "words":
            return _known_words(vr, value, context)
        case "device":
            return _of_device(tag, vr, value, context)
        case "code":
            return value if _is_code(tag, vr, value, context) else b""
    raise KeyError(action)


def write(tag: int, vr: str, value: bytes, context: Context) -> bytes:
    """Return an element with a new value, under the VR that the dictionary gives the tag."""
    true = vr_of(tag)
    return element(context.encoding, tag, true if true and vr in ("UN", "SQ") else vr, value)


def dummy(tag: int, vr: str, context: Context) -> bytes:
    """Return a valid element without information, for a place that needs a value."""
    true = vr_of(tag) or vr
    if true != "SQ":
        return element(context.encoding, tag, true, DUMMIES.get(true, bytes(SIZES.get(true, 2))))
    items = [code_item(context.encoding, "REMOVED", "99ECDYSIS", "Removed")]
    return sequence(
        context.encoding, tag, items if keyword_of(tag).endswith("CodeSequence") else []
    )


def _keep(tag: int, vr: str, value: bytes, context: Context) -> bytes | None:
    if not is_valid(vr, value, tag):
        return None if vr in SIZES else b""
    if vr in TEXT_VRS:
        return _scrubbed(tag, vr, value, context)
    keyword, has_pixels = keyword_of(tag), tag >> 16 == PIXEL_GROUP and vr not in OFFSET_VRS
    if has_pixels:
        return value
    if vr in BINARY_VRS and context.scrub.is_spelled_in(value):
        return None
    may_be_text = (vr in ARRAY_VRS and tag >> 24 != OVERLAYS) or keyword.endswith(LOOKUP_TABLES)
    if may_be_text and PRINTABLE.fullmatch(value.replace(b"\0", b"")):
        return None
    if vr in OFFSET_VRS and tag >> 16 == PIXEL_GROUP:
        return value if _are_offsets(value, big=context.encoding.big) else None
    parts = numbers(vr, value, big=context.encoding.big)
    if context.scrub.is_spelled_by(parts):
        return None
    if vr in ARRAY_VRS or keyword in vocabulary("geometry"):
        return value
    is_bad = context.scrub.is_identifier if vr in WHOLE_VRS else context.scrub.is_telling
    is_bad = context.scrub.is_secret if keyword in vocabulary("acquisition") else is_bad
    return None if any(map(is_bad, parts)) else value


def _are_offsets(value: bytes, *, big: bool) -> bool:
    """Tell whether bytes are offsets or lengths in a file; eight letters are a larger number."""
    return len(value) % 8 == 0 and all(
        int(number) < LARGEST_OFFSET for number in numbers("UV", value, big=big)
    )


def _scrubbed(tag: int, vr: str, value: bytes, context: Context) -> bytes:
    if tag == CHARSET:
        return value
    text, codecs = decode(value.rstrip(b"\0 "), vr, codecs_of(context.charset))
    is_code = "CS" in (vr, vr_of(tag))
    cleaned = "\\".join(
        part if part in vocabulary("term")
        else "" if is_code and not is_coded(part)
        else context.scrub.technical(part)
        for part in text.split("\\")
    )  # fmt: skip
    return value if cleaned == text else encode(cleaned.strip("\\") and cleaned, codecs)


def _of_device(tag: int, vr: str, value: bytes, context: Context) -> bytes:
    """Return a text about the scanner with only the known words of each of its values."""
    text, codecs = decode(value.rstrip(b"\0 "), vr, codecs_of(context.charset))
    if tag == MANUFACTURER and text.strip().lower() in vocabulary("vendor"):
        return value
    cleaned = "\\".join(map(context.vendor.of_device, text.split("\\")))
    return value if cleaned == text else encode(cleaned.strip("\\") and cleaned, codecs)


def _known_words(vr: str, value: bytes, context: Context) -> bytes:
    text, codecs = decode(value.rstrip(b"\0 "), vr, codecs_of(context.charset))
    cleaned = context.words.kept(context.scrub(text))
    return value if cleaned == text else encode(cleaned, codecs)


def _is_code(tag: int, vr: str, value: bytes, context: Context) -> bool:
    """Whether a code holds no identifier of the patient and no unknown word."""
    text, _ = decode(value.rstrip(b"\0 "), vr, codecs_of(context.charset))
    known = vocabulary("scheme")
    return (
        CODE.fullmatch(text) is not None
        and not NUMBER_OF_PERSON.match(text)
        and not holds_age(text)
        and not (tag == DESIGNATOR and LONG_IN_DESIGNATOR.search(text))
        and not SPELLED_OUT.search(text)
        and context.scrub.technical(text) == text
        and all(word.lower() in known or is_imaging(word) for word in WORD_OF_CODE.findall(text))
    )


def _uid(value: bytes, context: Context) -> bytes:
    parts = value.decode("latin-1").strip("\0 ").split("\\")
    keyed = [part if _is_public(part) else context.key.uid(part) for part in parts]
    return "\\".join(keyed).encode("ascii")


def _is_public(uid: str) -> bool:
    """Tell whether a standard defines a UID, so that it identifies nobody."""
    return is_standard_uid(uid) or CODES_OF_STANDARDS.fullmatch(uid) is not None


def _title(value: bytes, context: Context) -> bytes:
    title = value.decode("latin-1").strip("\0 ")
    return f"AE{context.key.token('title', title, 12)}".upper().encode() if title else b""
