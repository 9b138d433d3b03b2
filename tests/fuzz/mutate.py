"""Inputs near the seeds of a corpus, as a strategy of hypothesis, which makes failures small."""

import gzip
import struct
from pathlib import Path

from hypothesis import strategies as st

CORPUS = Path(__file__).with_name("corpus")

EDGES = [0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000,
         0xFFFFFFFE, 0xFFFFFFFF]  # fmt: skip
WORDS = [b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0", b"SQ\0\0", b"UN\0\0",
         b"\xff\xff\xff\xff", b"\xe0\x7f\x10\x00", b"DICM", b"\x1f\x8b", b"n+1\0", b"n+2\0",
         b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"!!python/object/apply:os.system [true]", b"&a [*a]",
         b"<<: *a", b"\t", b"\n", b"\r", b"\0", b"..", b"/", b"{}", b"null", b"1e999",
         b"sub-", b"ses-", b"_T1w.nii.gz", b"anat/"]  # fmt: skip


def seeds(target: str) -> list[bytes]:
    """The corpus of a target."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


@st.composite
def inputs(draw: st.DrawFn, target: str) -> bytes:
    """A seed with up to eight changes; a gzip seed is changed within, or as it is."""
    data = draw(st.sampled_from(seeds(target)))
    packed = data[:2] == b"\x1f\x8b" and draw(st.booleans())
    if packed:
        data = gzip.decompress(data)
    for _ in range(draw(st.integers(0, 8))):
        data = _changed(draw, data)
    return gzip.compress(data, 1, mtime=0) if packed else data


def _changed(draw: st.DrawFn, data: bytes) -> bytes:
    # Headers lie at the start, so half of the changes do.
    end = draw(st.sampled_from([len(data), min(len(data), 400)]))
    at = draw(st.integers(0, end))
    length = draw(st.integers(0, 64))
    match draw(st.integers(0, 6)):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[at + length :]
        case 2:
            part = data[at : at + length]
            return data[:at] + part * draw(st.integers(2, 40)) + data[at + length :]
        case 3:
            form = draw(st.sampled_from(["<B", "<H", "<I", ">H", ">I"]))
            size = struct.calcsize(form)
            value = draw(st.sampled_from(EDGES)) % 256**size
            return data[:at] + struct.pack(form, value) + data[at + size :]
        case 4:
            word = draw(st.sampled_from(WORDS))
            return data[:at] + word + data[at + draw(st.sampled_from([0, len(word)])) :]
        case 5:
            new = draw(st.binary(max_size=16))
            return data[:at] + new + data[at + len(new) :]
        case _:
            start = draw(st.integers(0, len(data)))
            return data[:at] + data[start : start + length] + data[at:]
