"""Taking the times out of an HDF5 file, so that the same transform is the same bytes.

ITK lets the HDF5 library put the second of writing into the header of each object. HDF5 File
Format Specification 3.0, IV.A.1.b (version 2 object headers): the signature, version, flags, four
times where bit 5 of the flags is set, two limits where bit 4 is, the size of the first chunk, the
chunk, and a checksum of all that.
"""

import struct
from collections.abc import Iterator

SIGNATURE = b"OHDR"
VERSION = 2
START = 6
"""Bytes of signature, version and flags."""
HAS_TIMES, HAS_LIMITS, SIZE_OF_SIZE = 0x20, 0x10, 0x03
TIMES, LIMITS, CHECKSUM = 16, 4, 4
"""Bytes."""
WORD = 0xFFFFFFFF


def without_times(content: bytes) -> bytes:
    """Return an HDF5 file whose objects have the time 0 (1970), with checksums that fit.

    What only looks like a header, among numbers, has no checksum that fits and stays.
    """
    result = bytearray(content)
    for start, end in _headers(content):
        result[start + START : start + START + TIMES] = bytes(TIMES)
        result[end : end + CHECKSUM] = struct.pack("<I", lookup3(bytes(result[start:end])))
    return bytes(result)


def _headers(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end, without the checksum, of each object header that has times."""
    start = content.find(SIGNATURE)
    while start >= 0:
        end = _end(content, start)
        if end is not None:
            yield start, end
        start = content.find(SIGNATURE, start + 1)


def _end(content: bytes, start: int) -> int | None:
    if len(content) < start + START or content[start + 4] != VERSION:
        return None
    flags = content[start + 5]
    if not flags & HAS_TIMES:
        return None
    chunk = start + START + TIMES + (LIMITS if flags & HAS_LIMITS else 0)
    digits = 1 << (flags & SIZE_OF_SIZE)
    end = chunk + digits + int.from_bytes(content[chunk : chunk + digits], "little")
    told = content[end : end + CHECKSUM]
    fits = len(told) == CHECKSUM and struct.unpack("<I", told)[0] == lookup3(content[start:end])
    return end if fits else None


def lookup3(data: bytes) -> int:
    """Return the checksum of HDF5's metadata, 32 bits: ``hashlittle`` of Jenkins' lookup3 (2006).

    Examples
    --------
    >>> hex(lookup3(b"")), hex(lookup3(b"Four score and seven years ago"))
    ('0xdeadbeef', '0x17770551')
    """
    a = b = c = (0xDEADBEEF + len(data)) & WORD
    if not data:
        return c
    padded = data + bytes(-len(data) % 12)
    words: tuple[int, ...] = struct.unpack(f"<{len(padded) // 4}I", padded)
    for at in range(0, len(words) - 3, 3):
        a, b, c = ((one + word) & WORD for one, word in zip((a, b, c), words[at:], strict=False))
        for turn in (4, 6, 8, 16, 19, 4):
            a, c = (a - c) & WORD ^ _turned(c, turn), (c + b) & WORD
            a, b, c = b, c, a
    a, b, c = ((one + word) & WORD for one, word in zip((a, b, c), words[-3:], strict=True))
    for turn in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - _turned(b, turn) & WORD
        a, b, c = b, c, a
    return b


def _turned(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & WORD
