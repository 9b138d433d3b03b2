"""Siemens headers made anew from the known numbers in them, never edited in place.

The CSA image and series headers are lists of named values; the series header holds the whole
protocol as text, with patient, dates and UIDs among the physics. The layout is the one that
nibabel documents ("Siemens format DICOM with CSA header") after SPM's ``spm_dicom_headers``.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from struct import error, pack, unpack_from

from ecdysis.dicom.tables import vocabulary

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|0x[0-9a-f]+", re.IGNORECASE)
LINE = re.compile(r"^([\w.\[\]]+)[ \t]*=[ \t]*(\S.*?)[ \t\r]*$", re.MULTILINE)
STRINGS = {
    "tSequenceFileName": re.compile(r'"{1,2}%\w+%[\\/]\w+"{1,2}'),
    "tMeasuredBaselineString": re.compile(r'"{1,2}N4_V[A-Z]\w{1,40}"{1,2}'),
    "tBaselineString": re.compile(r'"{1,2}N4_V[A-Z]\w{1,40}"{1,2}'),
    "tCoilID": re.compile(r'"{1,2}[A-Za-z_]+\d{0,3}[A-Za-z_]*"{1,2}'),
    "sCoilStringForConversion": re.compile(r'"{1,2}[A-Z0-9]{1,4}([;,-][A-Z0-9]{1,4})*"{1,2}'),
    "tElement": re.compile(r'"{1,2}\w{1,4}"{1,2}'),
}
"""Last part of the keys of protocol strings that name a program or a coil, with their form."""

SYNGO_TYPES = {"DS": 3, "FD": 4, "FL": 5, "IS": 6, "SL": 7, "SS": 8, "UL": 9, "US": 10, "CS": 16,
               "LO": 19, "SH": 22, "UN": 0}  # fmt: skip
MOST_TAGS = 1024
TEXT_FORM = re.compile(r"[A-Za-z0-9*+;:,_. /-]{1,32}")


def csa(value: bytes) -> bytes | None:
    """Return a CSA header with the allow-listed fields of `value`; None if it is unreadable."""
    return _csa(bytes(value))


def protocol(value: bytes) -> bytes | None:
    """Return the allow-listed lines of the protocol text in `value`; None if it has none."""
    text = _ascconv(value.decode("latin-1"))
    return text.encode("ascii") if text else None


@lru_cache(maxsize=64)
def _csa(value: bytes) -> bytes | None:
    try:
        tags = list(_read(value))
    except (error, ValueError):
        return None
    fields = []
    for name, vm, vr, items in tags:
        if name == "MrPhoenixProtocol":
            kept = [text for text in map(_ascconv, items) if text]
        elif name in vocabulary("csa_number"):
            kept = [item for item in items if NUMBER.fullmatch(item.strip())]
        elif name in vocabulary("csa_text"):
            kept = [item for item in items if TEXT_FORM.fullmatch(item)]
        else:
            continue
        if vr in SYNGO_TYPES:
            fields.append((name, vm, vr, kept))
    return _csa_bytes(fields)


def _read(value: bytes) -> Iterator[tuple[str, int, str, list[str]]]:
    """Yield name, multiplicity, VR and items of each tag of a CSA header, type 1 or 2."""
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
            one, two, _, _ = unpack_from("<4i", value, position)
            length = two if second else one - first_items
            position += 16
            if not 0 <= length <= len(value) - position:
                raise ValueError
            texts.append(_text(value[position : position + length]))
            position += (length + 3) // 4 * 4
        yield _text(name), vm, _text(vr), [text for text in texts if text]


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("latin-1").strip()


def _csa_bytes(fields: list[tuple[str, int, str, list[str]]]) -> bytes:
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


def _ascconv(text: str) -> str:
    """Return the protocol's lines whose key is known and whose value is of its kind."""
    begin, end = text.find("### ASCCONV BEGIN"), text.find("### ASCCONV END")
    if not 0 <= begin < end:
        return ""
    families = vocabulary("protocol")
    lines = []
    for key, value in LINE.findall(text[begin:end]):
        first, last = re.split(r"[.\[]", key, maxsplit=1)[0], key.rsplit(".", 1)[-1]
        form = STRINGS.get(last) or (NUMBER if first in families else None)
        if form and form.fullmatch(value):
            lines.append(f"{key}\t = \t{value}")
    return "\n".join(["### ASCCONV BEGIN ###", *lines, "### ASCCONV END ###"]) + "\n"
