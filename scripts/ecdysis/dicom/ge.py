"""GE structures made anew from the few fields a converter reads.

The layouts are those that dcm2niix documents in ``nii_dicom.cpp``: flags of the phase
encoding in the user-defined data (0043,xx2A), and the gzipped list of settings in the
protocol data block (0025,xx1B).
"""

import gzip
import re
import zlib
from functools import lru_cache
from struct import error, pack, unpack_from

from ecdysis.dicom.tables import vocabulary

OFFSET_AT = 24
VERSIONS = (5.0, 40.0)
MOVED_FROM = 25.002
"""Version from which the flags lie 0x4C bytes further on, the view order 0x8C less."""

POLARITY, EPI, VIEW_ORDER = 0x30, 0x3A, 0x394
SETTING = re.compile(rb'^(?:set )?([A-Z0-9_]+) "([^"\n]{1,32})"\r?$', re.MULTILINE)
NUMBER = re.compile(rb"\d{1,8}(\.\d{1,8})?")
SMALLEST_BLOCK = 512
"""Bytes of text; dcm2niix takes a block of less than about a hundred bytes for broken."""

LARGEST_BLOCK = 1 << 20


@lru_cache(maxsize=64)
def flags(value: bytes) -> bytes | None:
    """Return user-defined data of the same size with only the phase encoding's flags."""
    try:
        (start,) = unpack_from("<H", value, OFFSET_AT)
        (version,) = unpack_from("<f", value, start)
        if not VERSIONS[0] <= version <= VERSIONS[1]:
            return None
        moved = version >= MOVED_FROM
        base = start + 0x4C if moved else start
        kept = [(OFFSET_AT, 0xFFFF), (base + EPI, 0x0800), (base + POLARITY, 0x0004)]
        kept.append((base + VIEW_ORDER - (0x8C if moved else 0), 0x0007))
        result = bytearray(len(value))
        result[start : start + 4] = pack("<f", round(version, 3))
        for place, mask in kept:
            (number,) = unpack_from("<H", value, place)
            result[place : place + 2] = pack("<H", number & mask)
    except error:
        return None
    return bytes(result)


@lru_cache(maxsize=64)
def protocol(value: bytes) -> bytes | None:
    """Return a protocol data block with only the settings of the slice order."""
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        text = unpacker.decompress(value[4:], LARGEST_BLOCK)
    except zlib.error:
        return None
    lines = [
        b'%s "%s"\n' % (key, setting)
        for key, setting in SETTING.findall(text)
        if _is_safe(key.decode("ascii"), setting)
    ]
    filled = b"".join(lines).ljust(SMALLEST_BLOCK, b"\n")
    packed = gzip.compress(filled, compresslevel=0, mtime=0)
    return pack("<I", len(packed)) + packed


def _is_safe(key: str, setting: bytes) -> bool:
    if key == "PSEQ":
        return setting.decode("latin-1") in vocabulary("ge_sequence")
    return key in vocabulary("ge_protocol") and bool(NUMBER.fullmatch(setting))
