"""Keeping the private elements that a converter needs (PS3.15, section E.3.10).

An element is known by its creator, group and last two digits. Its value stays when it is a
number or a short technical word; structures are rebuilt. All other private elements are removed.
"""

import re
from collections.abc import Callable

from ecdysis.deid.actions import SIZES, Context, is_valid, numbers, without_remains
from ecdysis.deid.words import is_coded
from ecdysis.dicom import ge, siemens
from ecdysis.dicom.elements import Buffer, Element, Reader, RefusedError, block_of, sequence
from ecdysis.dicom.elements import element as encoded
from ecdysis.dicom.tables import PrivateElement, private_elements, vocabulary
from ecdysis.dicom.text import is_code

CODED = re.compile(r"[A-Za-z0-9_ .+*#-]{0,16}")
"""A component of a coded string (CS)."""

Remaker = Callable[[bytes, siemens.Accept], bytes | None]
REMAKERS: dict[str, Remaker] = {
    "csa": siemens.csa,
    "protocol": siemens.protocol,
    "ge_flags": lambda value, _: ge.flags(value),
    "ge_protocol": ge.protocol,
}

LARGEST_REMEMBERED = 4096
"""Bytes of an element up to which its treatment is remembered."""

LARGEST_NUMBERS = 1024
"""Numbers in one private element."""


Part = tuple[int, Buffer]
"""The tag of an element and its bytes."""

CleanItem = Callable[[Reader, list[Element], Context, int, int], list[Part]]
"""Cleans an item, given the tag of its sequence and its index."""


def keep_private(
    reader: Reader, elements: list[Element], context: Context, clean: CleanItem
) -> list[Part]:
    """Return the private elements of a data set or item that stay.

    `elements` are its private elements, creators among them, and `context` is that of its public
    elements. `clean` cleans the items of a private sequence.
    """
    creators = reader.creators(elements)
    parts: list[Part] = []
    used: set[int] = set()
    safe = private_elements()
    for element in elements:
        tag, block = element.tag, block_of(element.tag)
        if block not in creators or tag & 0xFFFF < 0x1000:
            continue
        known = safe.get((creators[block], tag >> 16, tag & 0xFF))
        content = _remembered(reader, element, known, context, clean) if known else None
        if content is not None:
            parts.append((tag, content))
            used.add(block)
    for block in used:
        value = creators[block].encode("ascii")
        parts.append((block, encoded(context.encoding, block, "LO", value)))
    return parts


def _remembered(
    reader: Reader, element: Element, known: PrivateElement, context: Context, clean: CleanItem
) -> Buffer | None:
    if known.kind == "items":
        return _kept(reader, element, known, context, clean)
    raw = bytes(reader.data[element.head : element.end])
    if len(raw) > LARGEST_REMEMBERED:
        # Large ones are compared with the last one alone, which is faster than a look-up.
        place = known, element.tag
        last, result = context.last.get(place, (b"", None))
        if last != raw:
            result = _kept(reader, element, known, context, clean)
            context.last[place] = raw, result
        return result
    # A block number means another creator in another file, so the kind is part of the key.
    key = known, raw
    if key not in context.memory:
        context.memory[key] = _kept(reader, element, known, context, clean)
    return context.memory[key]


def _kept(
    reader: Reader, element: Element, known: PrivateElement, context: Context, clean: CleanItem
) -> bytes | None:
    if known.kind == "items":
        return _items(reader, element, context, clean)
    if element.vr not in (known.vr, "UN") and (element.vr in SIZES) != (known.vr in SIZES):
        return None
    vr = element.vr if element.vr != "UN" else known.vr
    value = bytes(reader.data[element.start : element.stop])
    if remake := REMAKERS.get(known.kind):
        new = remake(value, context.vendor)
    elif known.kind == "number":
        number = without_remains(vr, value)
        new = number if _is_number(vr, number, context) else None
    else:
        new = _code(known.kind, vr, without_remains(vr, value), context)
    if new is None:
        return None
    if new == value and len(value) % 2 == 0:
        return bytes(reader.data[element.head : element.end])
    return encoded(context.encoding, element.tag, vr, new)


def _is_number(vr: str, value: bytes, context: Context) -> bool:
    if not is_valid(vr if vr in SIZES else "DS", value):
        return False
    if vr in SIZES and len(value) > LARGEST_NUMBERS * SIZES[vr]:
        return False
    parts = numbers(vr if vr in SIZES else "DS", value, big=context.encoding.big)
    if context.scrub.is_spelled_in(value) or context.scrub.is_spelled_by(parts):
        return False
    return not any(map(context.scrub.is_telling, parts))


def _code(kind: str, vr: str, value: bytes, context: Context) -> bytes | None:
    """Return a short technical text with only the components and words that are known."""
    text = value.rstrip(b"\0 ").decode("latin-1")
    if text.strip().isdigit() and context.scrub(text) != text:
        # One number in a technical text describes no image when it is the patient's.
        return None
    components = [part.strip() for part in text.split("\\")]
    if kind == "device":
        parts = list(map(context.vendor.of_device, components))
    else:
        parts = [_component(vr, part, context) for part in components]
    kept = "\\".join(parts)
    if kept == text:
        return value
    return kept.encode("ascii") if any(parts) else None


def _component(vr: str, text: str, context: Context) -> str:
    if text in vocabulary("term"):
        return text
    is_own_name = not context.scrub.accepts(text)
    if vr == "CS":
        return text if CODED.fullmatch(text) and is_coded(text) and not is_own_name else ""
    if not is_own_name and (is_code(text) or _is_worded(re.split(r"[/ ]", text), context)):
        return text
    return context.words.kept(context.scrub(text))


def _is_worded(pieces: list[str], context: Context) -> bool:
    """Tell whether all pieces are terms, known words or numbers beside them."""
    left = " ".join("norm" if piece in vocabulary("term") else piece for piece in pieces)
    return context.words.kept(left) == left


def _items(reader: Reader, element: Element, context: Context, clean: CleanItem) -> bytes | None:
    try:
        inner, items = reader.items(element)
    except RefusedError:
        return None
    outer = context.encoding
    if inner.encoding != outer:
        # Archives write private sequences as UN, with items in implicit VR.
        context = context.other(encoding=inner.encoding)
    contents = []
    for index, item in enumerate(items):
        charset = inner.charset(item, context.charset)
        if charset != context.charset:
            return None
        contents.append(
            b"".join(content for _, content in clean(inner, item, context, element.tag, index))
        )
    return sequence(outer, element.tag, contents, inner.encoding)
