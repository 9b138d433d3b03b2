"""Carrying out an edit on one element."""

import re
from collections.abc import Mapping, Sequence
from struct import error, pack
from typing import Any

from ecdysis.deid.actions import Context, treat
from ecdysis.deid.edits import Edit
from ecdysis.deid.values import NUMBER_CODES, capped_age, shifted
from ecdysis.dicom.elements import Element, Reader, RefusedError, element
from ecdysis.dicom.tables import vr_of
from ecdysis.dicom.text import codecs_of, decode, encode
from ecdysis.errors import InputError

BY_EDIT = "set aside by an edit"
"""The reason to set a file aside."""


def edited(rule: Edit, reader: Reader, found: Element, vr: str, context: Context) -> bytes | None:
    """Return the element after a rule, or None if the rule removes it.

    Parameters
    ----------
    rule : Edit
        The rule; not one that only adds.
    reader, found : Reader, Element
        The element.
    vr : str
        The VR by which its value is treated.
    context : Context
        Of the data set.

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
    return element(context.encoding, found.tag, _writable(found.tag, vr), new)


def made(rule: Edit, tag: int, context: Context) -> bytes:
    """Return the element that a rule adds, or that replaces another."""
    vr = vr_of(tag) or "LO"
    return element(context.encoding, tag, vr, as_bytes(rule.settings["value"], vr, context))


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
