"""The repetition time in the header of an image, which BIDS wants equal to that of its sidecar."""

import struct
from pathlib import Path

from ecdysis.files import atomic
from ecdysis.image.gzip_files import reader, writing

PIXDIM_4 = 76 + 4 * 4
"""Byte of the fourth dimension's spacing in a NIfTI-1 header."""

DIFFERENCE_S = 1e-3
"""A smaller difference is rounding."""


def set_repetition(image: Path, seconds: float) -> bool:
    """Write the repetition time into the header of a 4-D ``.nii.gz``; return whether it changed.

    dcm2niix corrects it in the sidecar alone for some gated and delayed acquisitions.
    """
    with image.open("rb") as packed, reader(packed) as stream:
        start = stream.read(348)
        order = "<" if struct.unpack_from("<i", start)[0] == 348 else ">"
        (before,) = struct.unpack_from(f"{order}f", start, PIXDIM_4)
        if abs(before - seconds) <= DIFFERENCE_S:
            return False
        content = bytearray(start + stream.read())
    struct.pack_into(f"{order}f", content, PIXDIM_4, seconds)
    with atomic(image) as partial, writing(partial) as stream:
        stream.write(content)
    return True
