"""Writing data elements in the encoding of the file they go to (PS3.5, section 7.1)."""

from functools import lru_cache
from struct import Struct

from ecdysis.dicom.elements import ITEM, LONG, Encoding

NUL_PADDED = ("UI", "OB", "UN")
LONGEST_SHORT = 0xFFFF


@lru_cache(maxsize=65536)
def header(encoding: Encoding, tag: int, vr: str, length: int) -> bytes:
    """Return the header of an element whose value has `length` bytes."""
    order = ">" if encoding.big else "<"
    group, number = tag >> 16, tag & 0xFFFF
    if encoding.implicit:
        return Struct(order + "HHI").pack(group, number, length)
    if vr.encode() in LONG:
        return Struct(order + "HH2sHI").pack(group, number, vr.encode(), 0, length)
    return Struct(order + "HH2sH").pack(group, number, vr.encode(), length)


def element(encoding: Encoding, tag: int, vr: str, value: bytes) -> bytes:
    """Return an element; the value is padded to even length with its VR's padding."""
    if len(value) % 2:
        value += b"\0" if vr in NUL_PADDED or vr.startswith("O") else b" "
    if len(value) > LONGEST_SHORT and not encoding.implicit and vr.encode() not in LONG:
        vr = "UN"
    return header(encoding, tag, vr, len(value)) + value


def sequence(
    encoding: Encoding, tag: int, items: list[bytes], inner: Encoding | None = None
) -> bytes:
    """Return a sequence of encoded items, all of defined length.

    Items in another encoding than the data set's, which is implicit little endian then, are
    written as UN (PS3.5, section 6.2.2, note 4).
    """
    inner = inner or encoding
    content = b"".join(part for item in items for part in (_item(inner, len(item)), item))
    vr = "SQ" if inner == encoding else "UN"
    return header(encoding, tag, vr, len(content)) + content


def _item(encoding: Encoding, length: int) -> bytes:
    order = ">" if encoding.big else "<"
    return Struct(order + "HHI").pack(ITEM >> 16, ITEM & 0xFFFF, length)
