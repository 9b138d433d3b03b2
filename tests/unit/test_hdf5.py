"""Times are taken out of the headers of an HDF5 file, and nothing else is changed."""

import struct

import pytest
from ecdysis.skullstrip.hdf5 import lookup3, without_times
from hypothesis import given
from hypothesis import strategies as st

TIMES = struct.pack("<4I", *(1_700_000_000 + second for second in range(4)))


def header(chunk, *, times=TIMES, limits=b"", digits=1, checksum=None):
    """An object header of version 2 with its checksum."""
    flags = {1: 0, 2: 1, 4: 2}[digits] | (0x20 if times else 0) | (0x10 if limits else 0)
    start = b"OHDR\x02" + bytes([flags]) + times + limits
    content = start + len(chunk).to_bytes(digits, "little") + chunk
    return content + struct.pack("<I", lookup3(content) if checksum is None else checksum)


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0xDEADBEEF),
        (b"Four score and seven years ago", 0x17770551),
    ],
)
def test_the_checksum_is_that_of_its_author(data, checksum):
    assert lookup3(data) == checksum


@pytest.mark.parametrize("digits", [1, 2, 4])
@pytest.mark.parametrize("limits", [b"", b"\x08\x00\x06\x00"])
def test_times_become_zero_and_the_checksum_fits(digits, limits):
    made = b"x" * 11 + header(b"chunk", digits=digits, limits=limits) + b"numbers"
    plain = header(b"chunk", times=bytes(16), digits=digits, limits=limits)
    assert without_times(made) == b"x" * 11 + plain + b"numbers"


@pytest.mark.parametrize(
    "content",
    [
        header(b"chunk", times=b""),
        header(b"chunk", checksum=1),
        header(b"chunk")[:-1],
        header(b"chunk").replace(b"\x02", b"\x01", 1),
        b"OHDR",
    ],
)
def test_what_has_no_times_or_only_looks_like_a_header_stays(content):
    assert without_times(content) == content


@given(st.binary(max_size=60), st.binary(max_size=300), st.binary(max_size=60))
def test_whatever_stands_around_a_header_stays(before, chunk, after):
    made = header(chunk, digits=2)
    cleaned = without_times(before + made + after)
    assert len(cleaned) == len(before + made + after)
    if b"OHDR" not in before + chunk + after:
        assert cleaned == before + header(chunk, digits=2, times=bytes(16)) + after
    assert without_times(cleaned) == cleaned
