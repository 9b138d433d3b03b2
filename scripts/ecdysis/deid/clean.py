"""The walk through a data set: every element at every depth gets its edit or its action.

The result is built from the kept elements only, in ascending order, with defined lengths; an
element that needs no change is copied as it stands. Elements that recur from slice to slice
are treated once.
"""

import re
from collections.abc import Mapping, Sequence
from operator import itemgetter
from struct import error, pack
from typing import Any

from ecdysis.deid.actions import (
    NUMBER_CODES,
    PIXEL_GROUP,
    SIZES,
    STRING_VRS,
    Context,
    capped_age,
    dummy,
    shifted,
    treat,
    without_remains,
    write,
)
from ecdysis.deid.edits import Edit, Edits, Path
from ecdysis.deid.private_elements import LARGEST_REMEMBERED, Part, keep_private
from ecdysis.deid.profile import Profile
from ecdysis.dicom.elements import (
    Buffer,
    Element,
    Reader,
    RefusedError,
    block_of,
    sequence,
)
from ecdysis.dicom.elements import element as encoded
from ecdysis.dicom.tables import settled_vr, vr_of
from ecdysis.dicom.text import codecs_of, decode, encode
from ecdysis.errors import InputError

BY_EDIT = "set aside by an edit"
"""The reason to set a file aside."""

MOST_REMEMBERED = 100_000
LARGEST_COPIED = 65536
"""Bytes from which a value is passed on as a view of the input, not as a copy."""


class DatasetCleaner:
    """Applies a profile, and the edits that come after it, to data sets.

    The `profile` gives the action for each attribute.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._keeps_private = "retain_safe_private" in profile.options

    def clean(
        self, reader: Reader, elements: list[Element], context: Context, path: Path = ()
    ) -> list[Part]:
        """Return the tags and bytes of the kept elements of a data set or item, in order."""
        data, memory, edits = reader.data, context.memory, context.edits
        kept: list[Part] = []
        private: list[Element] = []
        if edits is not None:
            elements = self._edit(edits, reader, elements, context, path, kept)
        for element in elements:
            tag, _, head, _, _, end = element
            if path and tag >> 16 == PIXEL_GROUP and self.profile.name != "none":
                continue
            if self._keeps_private and tag >> 16 & 1:
                private.append(element)
                continue
            if end - head > LARGEST_REMEMBERED or (edits and edits.deep):
                treated = self._treated(reader, element, context, path)
            else:
                raw = bytes(data[head:end])
                if raw not in memory:
                    if len(memory) > MOST_REMEMBERED:
                        memory.clear()
                    memory[raw] = self._treated(reader, element, context, path)
                treated = memory[raw]
            if treated is not None:
                kept.append((tag, treated))
        if private:
            kept += keep_private(
                reader,
                private,
                context,
                lambda inner, item, within, tag, index: self.clean(
                    inner, item, within, (*path, (tag, index))
                ),
            )
        return in_order(kept)

    def _edit(
        self,
        edits: Edits,
        reader: Reader,
        elements: list[Element],
        context: Context,
        path: Path,
        kept: list[Part],
    ) -> list[Element]:
        """Carry out the edits; return the elements that no edit applies to."""
        creators = reader.creators(elements)
        left, present = [], set()
        for element in elements:
            present.add(element.tag)
            block = block_of(element.tag)
            creator = creators.get(block, "")
            rule = edits.touch(element.tag) and edits.rule(path, element.tag, creator)
            if not rule:
                left.append(element)
                continue
            vr = settled_vr(element.tag, element.vr) or element.vr
            content = edited(rule, reader, element, vr, context)
            if content is not None:
                kept.append((element.tag, content))
                if creator and self.profile.name != "none":
                    name = creator.encode("latin-1")
                    kept.append((block, encoded(context.encoding, block, "LO", name)))
        for tag, rule in edits.additions(path).items():
            if tag not in present:
                kept.append((tag, made(rule, tag, context)))
        return left

    def _treated(
        self, reader: Reader, element: Element, context: Context, path: Path
    ) -> Buffer | None:
        tag, data = element.tag, reader.data
        vr = settled_vr(tag, element.vr)
        if self.profile.name == "none":
            vr = vr or element.vr
        elif vr is None:
            return None
        action = self.profile.action(tag, vr, context.objects)
        if action == "remove":
            return None
        if action == "items":
            return self._items(reader, element, context, path)
        if action == "dummy":
            return dummy(tag, vr, context)
        is_large = element.stop - element.start > LARGEST_COPIED
        if action == "verbatim" or (is_large and action == "keep" and vr not in STRING_VRS):
            whole = memoryview(data)[element.head : element.end]
            return whole if is_large else bytes(whole)
        value = bytes(data[element.start : element.stop])
        new = treat(action, tag, vr, without_remains(vr, value), context)
        if new is None:
            return None
        if new == value and len(value) % max(2, SIZES.get(element.vr, 2)) == 0:
            return bytes(data[element.head : element.end])
        return write(tag, vr, new, context)

    def _items(
        self, reader: Reader, element: Element, context: Context, path: Path
    ) -> bytes | None:
        try:
            inner, items = reader.items(element)
        except RefusedError:
            if element.vr == "UN":
                return None
            raise
        if inner.encoding != context.encoding:
            context = context.other(encoding=inner.encoding)
        contents = []
        for index, item in enumerate(items):
            charset = inner.charset(item, context.charset)
            same = charset == context.charset
            within = context if same else context.other(charset=charset)
            parts = self.clean(inner, item, within, (*path, (element.tag, index)))
            contents.append(b"".join(content for _, content in parts))
        return sequence(reader.encoding, element.tag, contents, inner.encoding)


def in_order(parts: list[Part]) -> list[Part]:
    """Return parts by ascending tag, the first of each tag (PS3.5, section 7.1)."""
    first = dict(reversed(parts))
    return sorted(first.items(), key=itemgetter(0))


def merged(parts: list[Part], own: list[Part]) -> list[Part]:
    """Return `parts` in which the elements of `own` replace those of the same tag."""
    tags = {tag for tag, _ in own}
    return in_order([part for part in parts if part[0] not in tags] + own)


def edited(rule: Edit, reader: Reader, found: Element, vr: str, context: Context) -> bytes | None:
    """Return the element after a rule, or None if the rule removes it.

    The `rule` is not one that only adds. `vr` is the VR by which the value is treated, and
    `context` that of the data set.

    Raises
    ------
    RefusedError
        The rule sets the file aside.
    """
    value = bytes(reader.data[found.start : found.stop])
    match rule.action:
        case "quarantine":
            raise RefusedError(BY_EDIT)
        case "remove":
            return None
        case "keep":
            return bytes(reader.data[found.head : found.end])
        case "empty":
            new: bytes = b""
        case "replace" | "set":
            return made(rule, found.tag, context)
        case "hash":
            text = value.decode("latin-1").strip("\0 ")
            new = context.key.token("value", text, 16).encode() if text else b""
        case "uid":
            new, vr = treat("uid", found.tag, "UI", value, context) or b"", "UI"
        case "shift_date":
            new = shifted(vr, value, context.days) if vr in ("DA", "DT") else b""
        case "round_age":
            new = rounded_age(value, int(rule.settings.get("years", 5)))
        case "regex":
            new = _substituted(rule, vr, value, context)
        case _:
            raise ValueError(f"no edit is called {rule.action!r}")
    return encoded(context.encoding, found.tag, _writable(found.tag, vr), new)


def made(rule: Edit, tag: int, context: Context) -> bytes:
    """Return the element that a rule adds, or that replaces another."""
    vr = vr_of(tag) or "LO"
    return encoded(context.encoding, tag, vr, as_bytes(rule.settings["value"], vr, context))


def as_bytes(value: Any, vr: str, context: Context) -> bytes:
    """Return a value of the configuration in the form of its VR.

    Raises
    ------
    InputError
        The value cannot be written so.
    """
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    try:
        if code := NUMBER_CODES.get(vr):
            order = ">" if context.encoding.big else "<"
            return b"".join(pack(order + code, number) for number in values)
    except error as problem:
        raise InputError(
            "deid.edits", f"{value!r} is no value of VR {vr}", "Give a number"
        ) from problem
    text = "\\".join("" if item is None else str(item) for item in values)
    return text.encode("ascii") if text.isascii() else encode(text, codecs_of(context.charset))


def rounded_age(value: bytes, years: int) -> bytes:
    """Return an age in whole years, rounded down to a multiple of `years`, capped at 90."""
    age = capped_age(value)
    if not age:
        return b""
    count = int(age[:3]) if age.endswith(b"Y") else 0
    return b"%03dY" % (count // years * years)


def texts(head: Mapping[int, bytes], charset: bytes) -> dict[int, str]:
    """Return top-level values as text, for the conditions of rules."""
    codecs = codecs_of(charset)
    return {
        tag: decode(value.rstrip(b"\0 "), vr_of(tag) or "LO", codecs)[0]
        for tag, value in head.items()
    }


def _substituted(rule: Edit, vr: str, value: bytes, context: Context) -> bytes:
    text, codecs = decode(value.rstrip(b"\0 "), vr, codecs_of(context.charset))
    new = re.sub(rule.settings["pattern"], rule.settings.get("replacement", ""), text)
    return encode(context.scrub(new), codecs)


def _writable(tag: int, vr: str) -> str:
    true = vr_of(tag)
    return true if true and vr == "UN" else vr
