"""Siemens headers rebuilt from the allow-listed values in them.

The CSA image and series headers are lists of named values; the series header holds the whole
protocol as text, with patient, dates and UIDs among the physics. Nothing is edited in place:
a new header is written that holds only the fields a converter reads. The layout is the one
that nibabel documents ("Siemens format DICOM with CSA header") after SPM's
``spm_dicom_headers``. nibabel's own reader returns parsed numbers; the text of a number must
stay as it was, so the fields are read here.
"""

import re
from functools import cache, lru_cache
from struct import Struct, error, pack, unpack_from
from typing import NamedTuple, Protocol

from ecdysis.dicom.tables import device_words, vocabulary
from ecdysis.dicom.text import HUMP, is_code

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|0x[0-9a-f]+", re.IGNORECASE)
KEY = re.compile(r"[A-Za-z][\w.\[\]]{0,160}")
INDEX = re.compile(r"\[\d{1,4}\]")
WORDS_OF_KEYS = {"attribute", "consistency", "data", "dialog", "info", "list", "meas", "prot",
                 "select", "size"}  # fmt: skip
"""Words of keys that are no words about scanners."""
LETTERS_OF_TYPE, LONG_NUMBER = 2, re.compile(r"\d{3}")
"""Letters of a type in a key (``alTR``), and digits in a row that a key has in indices only."""
QUOTED = re.compile(r'"{1,2}([^"]*)"{1,2}')
STRINGS = {
    "tSequenceFileName": re.compile(r"%\w{1,32}%([\\/][\w-]{1,64}){1,4}"),
    "tMeasuredBaselineString": re.compile(r"N4_V[A-Z]\w{1,40}"),
    "tBaselineString": re.compile(r"N4_V[A-Z]\w{1,40}"),
    "tCoilID": re.compile(r"(?!.*\d{5})(?=.*[A-Za-z])[A-Za-z0-9][\w-]{0,31}", re.ASCII),
    "sCoilStringForConversion": re.compile(r"[A-Z0-9]{1,4}([;,-][A-Z0-9]{1,4})*"),
    "tElement": re.compile(r"\w{1,4}"),
}
"""Last part of the keys of protocol strings that name a program or a coil, with their form.

The maker or the service of the scanner gives these names, not the one who registers a patient.
"""

PROTOCOL_FIELDS = ("MrPhoenixProtocol", "MrProtocol")
"""CSA fields that hold the protocol; the second in software VB12 and older."""

COIL_FIELDS = ("CoilString", "ImaCoilString")
"""CSA fields that name coils."""

BUILD_DATE = re.compile(r"_\d{8}$")
PREFIX = "<XProtocol>\n"
"""Text before the protocol's lines; converters skip the first bytes of a plain protocol."""

BEGIN, END = "### ASCCONV BEGIN", "### ASCCONV END"
SYNGO_TYPES = {"DS": 3, "FD": 4, "FL": 5, "IS": 6, "SL": 7, "SS": 8, "UL": 9, "US": 10, "CS": 16,
               "LO": 19, "SH": 22, "UN": 0}  # fmt: skip
MOST_TAGS = 1024
ENTRY, ITEMS_AT, ITEM_HEADER = 84, 76, 16
"""Bytes of the entry of a field, where it has the number of items, and of an item's header."""
ITEM_NUMBERS = Struct("<4i").unpack_from


class Accept(Protocol):
    """Decides about the values of a header; what it decided is remembered by its hash."""

    def __hash__(self) -> int: ...

    def __call__(self, text: str) -> bool:
        """Tell whether a value may stay: no date, time or identifier of the patient."""

    def of_device(self, text: str) -> str:
        """Return what stays of a text about the scanner."""


class Field(NamedTuple):
    """One named value of a CSA header: name, multiplicity, VR and items."""

    name: str
    vm: int
    vr: str
    items: list[str]


def csa(value: bytes, accept: Accept) -> bytes | None:
    """Return a CSA header with the allow-listed fields of `value`; None if it has none."""
    try:
        fields, layout = _fields(value)
    except (error, ValueError):
        return None
    parts = [part for raw in fields if (part := _kept(raw, layout, accept))]
    head = b"SV10\4\3\2\1" + pack("<ii", len(parts), 77)
    return b"".join([head, *parts]) if parts else None


def protocol(value: bytes, accept: Accept) -> bytes | None:
    """Return the allow-listed lines of the protocol text in `value`; None if it has none."""
    text = _ascconv(value.decode("latin-1"), accept)
    return (PREFIX + text).encode("ascii") if text else None


@lru_cache(maxsize=1024)
def _kept(raw: bytes, layout: "Layout", accept: Accept) -> bytes:
    """Return what stays of a field as bytes; most fields recur from slice to slice."""
    name, vm, vr, items = _parsed(raw, layout)
    if name in PROTOCOL_FIELDS:
        left = [PREFIX + text for item in items if (text := _ascconv(item, accept))]
    elif name in vocabulary("csa_number"):
        left = [item for item in items if NUMBER.fullmatch(item.strip()) and accept(item)]
    elif name in COIL_FIELDS:
        left = [text for item in items if (text := accept.of_device(item))]
    elif name in vocabulary("csa_text"):
        left = [item for item in items if is_code(item) and accept(item)]
    else:
        return b""
    return _field_bytes(Field(name, vm, vr, left)) if vr in SYNGO_TYPES else b""


def read_csa(value: bytes) -> list[Field]:
    """Return the fields of a CSA header, type 1 or 2.

    Raises
    ------
    ValueError, struct.error
        The header is malformed.
    """
    fields, layout = _fields(value)
    return [_parsed(raw, layout) for raw in fields]


class Layout(NamedTuple):
    """How the length of an item is given: by which of its four numbers, and less how much."""

    number: int
    surplus: int


def _fields(value: bytes) -> tuple[list[bytes], Layout]:
    """Return the bytes of each field of a CSA header, its entry and its items, and their layout.

    Raises
    ------
    ValueError, struct.error
        The header is malformed.
    """
    is_second = value[:4] == b"SV10"
    start = 8 if is_second else 0
    (count,) = unpack_from("<I", value, start)
    start += 8
    if count > MOST_TAGS:
        raise ValueError
    layout = Layout(1, 0) if is_second else Layout(0, *unpack_from("<i", value, start + ITEMS_AT))
    last, before = _last_header.get(is_second, (layout, []))
    before = before if last == layout else []
    fields: list[bytes] = []
    for index in range(count):
        # Most fields have the bytes of the slice before.
        if index < len(before) and value.startswith(before[index], start):
            field = before[index]
        else:
            field = value[start : _end_of_field(value, start, layout)]
        fields.append(field)
        start += len(field)
    _last_header[is_second] = layout, fields
    return fields, layout


_last_header: dict[bool, tuple[Layout, list[bytes]]] = {}
"""Layout and fields of the last header of type 1 and of type 2."""


def _end_of_field(value: bytes, start: int, layout: Layout) -> int:
    (items,) = unpack_from("<i", value, start + ITEMS_AT)
    if not 0 <= items <= MOST_TAGS:
        raise ValueError
    stop = start + ENTRY
    for _ in range(items):
        length = ITEM_NUMBERS(value, stop)[layout.number] - layout.surplus
        stop += ITEM_HEADER
        if not 0 <= length <= len(value) - stop:
            raise ValueError
        stop += _padded(length) if length else 0
    return stop


def _parsed(raw: bytes, layout: Layout) -> Field:
    """Return a field; `_fields` has checked that it is complete."""
    name, vm, vr, _, count, _ = unpack_from("<64si4siii", raw, 0)
    texts, position = [], ENTRY
    for _ in range(count):
        length = ITEM_NUMBERS(raw, position)[layout.number] - layout.surplus
        position += ITEM_HEADER
        if length:
            texts.append(_text(raw[position : position + length]))
        position += _padded(length)
    return Field(_text(name), vm, _text(vr), [text for text in texts if text])


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("latin-1").strip()


def _field_bytes(field: Field) -> bytes:
    name, vm, vr, items = field
    # The scanner writes at least six items, the last of them empty.
    count = max(6, len(items)) if items else 0
    mark = 77 if items else 205
    parts = [pack("<64si4siii", name.encode(), vm, vr.encode(), SYNGO_TYPES[vr], count, mark)]
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
        if KEY.fullmatch(key) and (kept := _kept_value(key, value, accept)):
            lines.append(f"{key}\t = \t{kept}")
    return "\n".join([f"{BEGIN} ###", *lines, f"{END} ###"]) + "\n"


def _kept_value(key: str, value: str, accept: Accept) -> str:
    """Return what stays of the value of a line of the protocol."""
    field = key.rsplit(".", 1)[-1]
    if form := STRINGS.get(field):
        quoted = QUOTED.fullmatch(value)
        path = INDEX.sub("[]", key.removesuffix(field))
        if quoted is None or not _is_of_maker(path) or not form.fullmatch(quoted[1]):
            return ""
        if field == "tCoilID":
            name = accept.of_device(quoted[1])
            return value.replace(quoted[1], name) if name else ""
        # A path of a program has words of who made it.
        is_device = field != "tSequenceFileName"
        text = BUILD_DATE.sub("", quoted[1])
        is_known = not is_device or accept.of_device(text) == text
        return value if is_known and accept(quoted[1]) else ""
    is_number = bool(NUMBER.fullmatch(value)) and _is_protocol_key(key)
    return value if is_number and accept(value) else ""


@cache
def _is_protocol_key(key: str) -> bool:
    """Tell whether a converter that searches the text for its keys would stop at this one.

    What the key has beside the searched one holds known words only, as in ``lOffsetX``.
    """
    bare = INDEX.sub("[]", key)
    return any(
        _is_of_maker(bare.replace(known, " ")) for known in vocabulary("protocol") if known in bare
    )


@cache
def _is_of_maker(text: str) -> bool:
    """Tell whether a part of a key has no long number and no words but those of Siemens' keys."""
    words = {word.lower() for word in HUMP.findall(text) if len(word) > LETTERS_OF_TYPE}
    return not LONG_NUMBER.search(text) and words - WORDS_OF_KEYS <= device_words()
