"""Siemens headers rebuilt from the allow-listed values in them.

The CSA image and series headers are lists of named values; the series header holds the whole
protocol as text, with patient, dates and UIDs among the physics. Nothing is edited in place:
a new header is written that holds only the fields a converter reads. The layout is the one
that nibabel documents ("Siemens format DICOM with CSA header") after SPM's
``spm_dicom_headers``. nibabel's own reader returns parsed numbers; the text of a number must
stay as it was, so the fields are read here.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from struct import error, pack, unpack_from
from typing import NamedTuple

from ecdysis.dicom.codes import is_code
from ecdysis.dicom.tables import vocabulary

Accept = Callable[[str], bool]
"""Says whether a value may stay: no date, time or identifier of the patient."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|0x[0-9a-f]+", re.IGNORECASE)
KEY = re.compile(r"[A-Za-z][\w.\[\]]{0,160}")
INDEX = re.compile(r"\[\d+\]")
QUOTED = re.compile(r'"{1,2}([^"]*)"{1,2}')
STRINGS = {
    "tSequenceFileName": re.compile(r"%\w{1,32}%[\\/]\w{1,64}"),
    "tMeasuredBaselineString": re.compile(r"N4_V[A-Z]\w{1,40}"),
    "tBaselineString": re.compile(r"N4_V[A-Z]\w{1,40}"),
    "tCoilID": re.compile(r"(?!.*\d{5})[A-Za-z][A-Za-z0-9_]{0,31}"),
    "sCoilStringForConversion": re.compile(r"[A-Z0-9]{1,4}([;,-][A-Z0-9]{1,4})*"),
    "tElement": re.compile(r"\w{1,4}"),
}
"""Last part of the keys of protocol strings that name a program or a coil, with their form.

The maker or the service of the scanner gives these names, not the one who registers a patient.
"""

PROTOCOL_FIELDS = ("MrPhoenixProtocol", "MrProtocol")
"""CSA fields that hold the protocol; the second in software VB12 and older."""

PREFIX = "<XProtocol>\n"
"""Text before the protocol's lines; converters skip the first bytes of a plain protocol."""

BEGIN, END = "### ASCCONV BEGIN", "### ASCCONV END"
SYNGO_TYPES = {"DS": 3, "FD": 4, "FL": 5, "IS": 6, "SL": 7, "SS": 8, "UL": 9, "US": 10, "CS": 16,
               "LO": 19, "SH": 22, "UN": 0}  # fmt: skip
MOST_TAGS = 1024


class Field(NamedTuple):
    """One named value of a CSA header: name, multiplicity, VR and items."""

    name: str
    vm: int
    vr: str
    items: list[str]


def csa(value: bytes, accept: Accept) -> bytes | None:
    """Return a CSA header with the allow-listed fields of `value`; None if it is unreadable."""
    return _csa(bytes(value), accept)


def protocol(value: bytes, accept: Accept) -> bytes | None:
    """Return the allow-listed lines of the protocol text in `value`; None if it has none."""
    text = _ascconv(value.decode("latin-1"), accept)
    return (PREFIX + text).encode("ascii") if text else None


@lru_cache(maxsize=64)
def _csa(value: bytes, accept: Accept) -> bytes | None:
    try:
        fields = list(read_csa(value))
    except (error, ValueError):
        return None
    kept = []
    for name, vm, vr, items in fields:
        if name in PROTOCOL_FIELDS:
            left = [PREFIX + text for item in items if (text := _ascconv(item, accept))]
        elif name in vocabulary("csa_number"):
            left = [item for item in items if NUMBER.fullmatch(item.strip()) and accept(item)]
        elif name in vocabulary("csa_text"):
            left = [item for item in items if is_code(item) and accept(item)]
        else:
            continue
        if vr in SYNGO_TYPES:
            kept.append(Field(name, vm, vr, left))
    return _csa_bytes(kept)


def read_csa(value: bytes) -> Iterator[Field]:
    """Yield the fields of a CSA header, type 1 or 2.

    Raises
    ------
    ValueError, struct.error
        The header is malformed.
    """
    second = value[:4] == b"SV10"
    position = 8 if second else 0
    (count,) = unpack_from("<I", value, position)
    position += 8
    if count > MOST_TAGS:
        raise ValueError
    first_items = None
    for _ in range(count):
        name, vm, vr, _, items, _ = unpack_from("<64si4siii", value, position)
        position += 84
        if not 0 <= items <= MOST_TAGS:
            raise ValueError
        first_items = items if first_items is None else first_items
        texts = []
        for _ in range(items):
            size, size_second, _, _ = unpack_from("<4i", value, position)
            length = size_second if second else size - first_items
            position += 16
            if not 0 <= length <= len(value) - position:
                raise ValueError
            if length:
                texts.append(_text(value[position : position + length]))
            position += (length + 3) // 4 * 4
        yield Field(_text(name), vm, _text(vr), [text for text in texts if text])


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("latin-1").strip()


def _csa_bytes(fields: list[Field]) -> bytes:
    parts = [b"SV10\4\3\2\1", pack("<ii", len(fields), 77)]
    for name, vm, vr, items in fields:
        # The scanner writes at least six items, the last of them empty.
        count = max(6, len(items)) if items else 0
        kind = SYNGO_TYPES.get(vr, 0)
        mark = 77 if items else 205
        parts.append(pack("<64si4siii", name.encode(), vm, vr.encode(), kind, count, mark))
        for item in [*items, *[""] * (count - len(items))]:
            data = item.encode("ascii") + b"\0" if item else b""
            parts.append(pack("<4i", len(data), len(data), 77, len(data)))
            parts.append(data + bytes(-len(data) % 4))
    return b"".join(parts)


def _ascconv(text: str, accept: Accept) -> str:
    """Return the protocol's lines whose key is known and whose value is of its kind."""
    begin = text.find(BEGIN)
    end = text.find(END, max(begin, 0))
    if not 0 <= begin < end:
        return ""
    lines = []
    for line in text[begin:end].splitlines():
        key, _, value = (part.strip(" \t") for part in line.partition("="))
        if KEY.fullmatch(key) and _is_kept(key, value, accept):
            lines.append(f"{key}\t = \t{value}")
    return "\n".join([f"{BEGIN} ###", *lines, f"{END} ###"]) + "\n"


def _is_kept(key: str, value: str, accept: Accept) -> bool:
    if form := STRINGS.get(key.rsplit(".", 1)[-1]):
        quoted = QUOTED.fullmatch(value)
        return quoted is not None and bool(form.fullmatch(quoted[1]))
    return bool(NUMBER.fullmatch(value)) and _is_protocol_key(key) and accept(value)


@cache
def _is_protocol_key(key: str) -> bool:
    """Tell whether a converter that searches the text for its keys would stop at this one."""
    bare = INDEX.sub("[]", key)
    return any(known in bare for known in vocabulary("protocol"))
