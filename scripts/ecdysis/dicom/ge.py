"""GE structures rebuilt from the few fields that a converter reads.

The layouts are those that dcm2niix documents in ``nii_dicom.cpp``: flags of the phase
encoding in the user-defined data (0043,xx2A), and the gzipped list of settings in the
protocol data block (0025,xx1B).
"""

import gzip
import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from struct import error, pack, unpack_from
from typing import NamedTuple

from ecdysis.dicom.tables import vocabulary

OFFSET_AT = 24
VERSIONS = (5.0, 40.0)
MOVED_FROM = 25.002
"""From this version on the flags are 0x4C bytes later, and the view order 0x8C bytes earlier."""

POLARITY, EPI, VIEW_ORDER = 0x30, 0x3A, 0x394
EPI_BIT, REVERSED_BIT = 0x0800, 0x0004
SETTING = re.compile(rb'^(?:set )?([A-Z0-9_]{1,32}) "([^"\n]{1,4096})"\r?$', re.MULTILINE)
NUMBERS = re.compile(rb"\d{1,8}(\.\d{1,8})?( \d{1,8}(\.\d{1,8})?)* ?")
SMALLEST_BLOCK = 512
"""Bytes of text; dcm2niix treats a block of fewer than about a hundred bytes as damaged."""

LARGEST_BLOCK = 1 << 20


class Places(NamedTuple):
    """Where the flags of the phase encoding lie in the user-defined data, and its version."""

    start: int
    version: float
    polarity: int
    epi: int
    view_order: int


def places(value: bytes) -> Places | None:
    """Return the position of the flags in user-defined data, or None for an unknown layout."""
    try:
        (start,) = unpack_from("<H", value, OFFSET_AT)
        (version,) = unpack_from("<f", value, start)
    except error:
        return None
    if not VERSIONS[0] <= version <= VERSIONS[1]:
        return None
    moved = version >= MOVED_FROM
    base = start + 0x4C if moved else start
    view_order = base + VIEW_ORDER - (0x8C if moved else 0)
    if view_order + 2 > len(value):
        return None
    return Places(start, version, base + POLARITY, base + EPI, view_order)


@lru_cache(maxsize=64)
def flags(value: bytes) -> bytes | None:
    """Return user-defined data of the same size with only the phase encoding's flags."""
    at = places(value)
    if at is None:
        return None
    kept = [(OFFSET_AT, 0xFFFF), (at.epi, EPI_BIT), (at.polarity, REVERSED_BIT)]
    kept.append((at.view_order, 0x0007))
    result = bytearray(len(value))
    result[at.start : at.start + 4] = pack("<f", round(at.version, 3))
    for place, mask in kept:
        (number,) = unpack_from("<H", value, place)
        result[place : place + 2] = pack("<H", number & mask)
    return bytes(result)


@lru_cache(maxsize=64)
def protocol(value: bytes, accept: Callable[[str], bool]) -> bytes | None:
    """Return a protocol data block with only the settings of the slice order and timing."""
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        text = unpacker.decompress(value[4:], LARGEST_BLOCK)
    except zlib.error:
        return None
    # Converters search some keys with the line break before them.
    lines = [b"\n"]
    for key, setting in SETTING.findall(text):
        kept = _setting(key.decode("ascii"), setting)
        if kept and accept(kept.decode("ascii")):
            lines.append(b'%s "%s"\n' % (key, kept))
    filled = b"".join(lines).ljust(SMALLEST_BLOCK, b"\n")
    packed = gzip.compress(filled, compresslevel=0, mtime=0)
    return pack("<I", len(packed)) + packed


def _setting(key: str, setting: bytes) -> bytes:
    """Return the part of a setting that stays; nothing if its key or form is unknown."""
    if key == "PSEQ":
        return setting if setting.decode("latin-1") in vocabulary("ge_sequence") else b""
    if key == "IOPT":
        options = [option.strip() for option in setting.decode("latin-1").split(",")]
        return ", ".join(set_ for set_ in options if set_ in vocabulary("ge_option")).encode()
    if key not in vocabulary("ge_protocol"):
        return b""
    if key == "DELACQ" and setting == b"Minimum":
        return setting
    return setting if NUMBERS.fullmatch(setting) else b""
