"""The direction of phase encoding in the patient, as BIDS names it: AP, PA, LR, RL, IS, SI.

The axis is in a public attribute, the polarity only in private ones: Siemens writes it to the
CSA image header (0029,xx10), and to (0021,xx1C) in its later software.
"""

import re
from typing import Any

from lib.dicom.values import UNREADABLE

CSA = (0x0029, "SIEMENS CSA HEADER", 0x10)
LATER = (0x0021, "SIEMENS MR SDI 02", 0x1C)
TAGS = [0x00290010, 0x00291010, 0x00210010, 0x00210011, 0x0021101C, 0x0021111C, 0x002111FE]
NAME = b"PhaseEncodingDirectionPositive\0"
ITEM_AT = 84 + 16
"""Bytes from the name of a CSA field to its first value: field and item header."""

AXES = ("RL", "AP", "IS")
"""The ways in which the axes of the patient's coordinates point (PS3.3, section C.7.6.2.1.1)."""

WORDS = re.compile(r"(?<![a-z])(ap|pa|lr|rl|is|si)(?![a-z])")


def polarity(dataset: Any) -> int | None:
    """Return 1 when phase encoding runs along its image axis, 0 against it, None if unknown.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Has the elements `TAGS`.
    """
    for group, creator, element in (CSA, LATER):
        try:
            value = dataset.private_block(group, creator)[element].value
        except UNREADABLE:
            continue
        if isinstance(value, bytes):
            return _in_csa(value)
        if value in (0, 1):
            return int(value)
    return None


def _in_csa(header: bytes) -> int | None:
    at = header.find(NAME)
    digit = header[at + ITEM_AT : at + ITEM_AT + 1] if at >= 0 else b""
    return int(digit) if digit in (b"0", b"1") else None


def direction(
    orientation: Any, axis: str | None, positive: int | None, description: str
) -> str | None:
    """Return the direction from the geometry, else the one that the description names.

    Parameters
    ----------
    orientation : list of float
        ImageOrientationPatient: where the columns' number grows, then where the rows' does.
    axis : str or None
        InPlanePhaseEncodingDirection, ``ROW`` or ``COL``.
    positive : int or None
        From `polarity`.
    description : str
        Words of the header; only the six labels are read from it.

    Returns
    -------
    str or None
        From where to where the phase is encoded, as ``AP``; None when nothing tells.
    """
    usable = isinstance(orientation, list) and len(orientation) == 6 and None not in orientation
    if usable and axis in ("ROW", "COL") and positive is not None:
        vector = orientation[:3] if axis == "ROW" else orientation[3:]
        largest = max(range(3), key=lambda place: abs(vector[place]))
        label = AXES[largest]
        return label if (vector[largest] > 0) == bool(positive) else label[::-1]
    words = set(WORDS.findall(description.lower()))
    return words.pop().upper() if len(words) == 1 else None
