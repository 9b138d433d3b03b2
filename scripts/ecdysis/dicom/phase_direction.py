"""The direction of phase encoding in the patient, as BIDS names it: AP, PA, LR, RL, IS, SI.

The axis is in a public attribute, the polarity mostly in private ones. Siemens writes it to the
CSA image header (0029,xx10), and to (0021,xx1C) in its later software. GE writes it to a block of
its echo-planar sequence in (0043,xx2A) and, lately, to the public (0018,9034). Philips writes it
nowhere.
"""

import re
import struct
from collections.abc import Callable
from typing import Any

from ecdysis.dicom import ge, siemens
from ecdysis.dicom.reading import UNREADABLE

CSA = (0x0029, "SIEMENS CSA HEADER", 0x10)
LATER = (0x0021, "SIEMENS MR SDI 02", 0x1C)
GE = (0x0043, "GEMS_PARM_01", 0x2A)
ORDER = "RectilinearPhaseEncodeReordering"
TAGS = [
    *(0x00290010, 0x00291010, 0x00210010, 0x00210011, 0x0021101C, 0x0021111C, 0x002111FE),
    *(0x00080070, 0x00189034, 0x00430010, 0x0043102A),
]
NAME = "PhaseEncodingDirectionPositive"

AXES = ("RL", "AP", "IS")
"""Directions of the axes of the patient's coordinates (PS3.3, section C.7.6.2.1.1)."""

WORDS = re.compile(r"(?<![a-z])(ap|pa|lr|rl|is|si)(?![a-z])")


def polarity(dataset: Any) -> int | None:
    """Return 1 when phase encoding runs along its image axis, 0 against it, None if unknown.

    The `dataset` of pydicom has the elements `TAGS`.
    """
    if str(dataset.get("Manufacturer", "")).upper().startswith("GE "):
        # In the lines' order of the image, GE's LINEAR runs against it.
        ordered = {"LINEAR": 0, "REVERSE_LINEAR": 1}.get(str(dataset.get(ORDER, "")))
        return _private(dataset, GE, _in_epi_block) if ordered is None else ordered
    found = _private(dataset, CSA, _in_csa)
    return _private(dataset, LATER, _in_csa) if found is None else found


def _private(
    dataset: Any, place: tuple[int, str, int], read: Callable[[bytes], int | None]
) -> int | None:
    """Return the value of a private element: a number, or what `read` returns for its bytes."""
    group, creator, element = place
    try:
        value = dataset.private_block(group, creator)[element].value
    except UNREADABLE:
        return None
    if isinstance(value, bytes):
        return read(value)
    return int(value) if value in (0, 1) else None


def _in_csa(header: bytes) -> int | None:
    try:
        values = {field.name: field.items for field in siemens.read_csa(header)}
    except (ValueError, struct.error):
        return None
    items = values.get(NAME, [])
    return int(items[0]) if items and items[0] in ("0", "1") else None


def _in_epi_block(block: bytes) -> int | None:
    """Read the block of GE's echo-planar sequence, see `ecdysis.dicom.ge`.

    A bit says that the polarity is reversed, a number that the lines are read from the other
    end; both together cancel.
    """
    at = ge.places(block)
    if at is None:
        return None
    flags, kind, lines = (
        struct.unpack_from("<H", block, place)[0] for place in (at.polarity, at.epi, at.view_order)
    )
    if not kind & ge.EPI_BIT:
        return None
    return int(bool(flags & ge.REVERSED_BIT) == (lines == 2))


def direction(
    orientation: Any, axis: str | None, positive: int | None, description: str
) -> str | None:
    """Return the direction from the geometry, else the one that the description names.

    The `orientation` is ImageOrientationPatient: where the columns' number grows, then where the
    rows' does. The `axis` is InPlanePhaseEncodingDirection, ``ROW`` or ``COL``, and `positive`
    comes from `polarity`. Only the six labels are read from the `description`. The result is from
    where to where the phase is encoded, as ``AP``; None when nothing tells.
    """
    usable = isinstance(orientation, list) and len(orientation) == 6 and None not in orientation
    if usable and axis in ("ROW", "COL") and positive is not None:
        vector = orientation[:3] if axis == "ROW" else orientation[3:]
        largest = max(range(3), key=lambda place: abs(vector[place]))
        label = AXES[largest]
        return label if (vector[largest] > 0) == bool(positive) else label[::-1]
    words = set(WORDS.findall(description.lower()))
    return words.pop().upper() if len(words) == 1 else None
