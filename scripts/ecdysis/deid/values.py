"""Replacing a value by one of the same kind that tells nothing, or less."""

import re
from datetime import date, timedelta
from struct import unpack

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
}
"""Attributes whose value has a form though its VR has none: Specific Character Set (PS3.3,
C.12.1.1.2) and Timezone Offset From UTC."""

SIZES = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
BINARY_VRS = frozenset({*SIZES, "OB", "OD", "OF", "OL", "OV", "OW"})
"""Values that are numbers in bytes, in which text can hide."""


NUMBER_CODES = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H",
                "UV": "Q"}  # fmt: skip
"""VR -> code of the module struct."""


def is_valid(vr: str, value: bytes, tag: int = 0) -> bool:
    """Tell whether `value` has the form of its VR, so that no text hides in it."""
    if form := TAG_FORMS.get(tag, FORMS.get(vr)):
        return all(form.fullmatch(part) for part in value.rstrip(b"\0 ").split(b"\\"))
    if size := SIZES.get(vr):
        return len(value) % size == 0
    return True


def numbers(vr: str, value: bytes, *, big: bool) -> list[str]:
    """Return the single values of a numeric, time or UID value as text."""
    if code := NUMBER_CODES.get(vr):
        count = len(value) // SIZES[vr]
        found = unpack(f"{'>' if big else '<'}{count}{code}", value[: count * SIZES[vr]])
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
