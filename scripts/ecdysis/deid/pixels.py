"""Objects and pixels that may identify a person, and the size and blanking of pixel data."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from pydicom.uid import UID

from ecdysis.dicom.elements import TRUNCATED, RefusedError
from ecdysis.dicom.part10 import SOP_CLASS, Head
from ecdysis.dicom.tables import SopClass, sop_classes

BURNED_IN = "burned-in annotation"
OVERLAY_BITS = "overlay in the pixel data"
NOT_BLANKED = "pixels that blank_pixels cannot change"
PRIVATE_CLASS = "private object class"
SCREEN_SAVE = "screen save"
FEATURES = "recognizable visual features"
"""Reasons to set a file aside."""

IMAGE_TYPE, CONVERSION_TYPE = 0x00080008, 0x00080064
BURNED, RECOGNIZABLE = 0x00280301, 0x00280302
SCREEN = {"SCREEN SAVE", "SCREENSAVE", "CSA RESULT"}
"""Values of Image Type by which scanners mark pictures of their screen."""

DIGITISED = {"DV", "DI", "DF", "WSD", "SD", "SI", "DRW"}
"""Conversion Types of pictures of a screen, a film, a paper or a video (PS3.3, C.8.6.1)."""

ROWS, COLUMNS, SAMPLES = 0x00280010, 0x00280011, 0x00280002
ALLOCATED, FRAMES, PHOTOMETRIC = 0x00280100, 0x00280008, 0x00280004
PLANAR = 0x00280006
OVERLAYS = range(0x6000, 0x6020, 2)
SUBSAMPLED = {"YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420"}


def objection(head: Head, *, blanked: bool) -> str | None:
    """Return why an object may identify a person, judged by its header; None if it does not.

    `head` has the values of its top-level elements. With `blanked`, the text in its pixels is going
    to be blanked.
    """
    if reason := _class_problem(head.text(SOP_CLASS), sop_classes()):
        return reason
    image_type = {part.strip() for part in head.text(IMAGE_TYPE).upper().split("\\")}
    if SCREEN & image_type or head.text(CONVERSION_TYPE).upper() in DIGITISED:
        return SCREEN_SAVE
    if head.text(RECOGNIZABLE).upper() == "YES":
        return FEATURES
    return BURNED_IN if head.text(BURNED).upper() == "YES" and not blanked else None


def _class_problem(sop_class: str, classes: Mapping[str, SopClass]) -> str | None:
    """Return why objects of a SOP class are set aside; None if they may pass.

    Only the classes that the table lets pass do; another one is named by PS3.6.
    """
    if entry := classes.get(sop_class):
        return None if entry.verdict == "pass" else entry.verdict
    for pattern, entry in classes.items():
        if "*" in pattern and fnmatchcase(sop_class, pattern):
            return entry.verdict
    name = UID(sop_class).name
    return PRIVATE_CLASS if name == sop_class else name.lower()


def described_size(head: Head, *, big: bool) -> int | None:
    """Return the bytes of native pixel data that the header describes, if it does.

    `head` has the values of its top-level elements; with `big`, numbers are big-endian.
    """
    numbers = [head.number(tag, big=big) for tag in (ROWS, COLUMNS, SAMPLES, ALLOCATED)]
    if not all(numbers) or head.text(PHOTOMETRIC) in SUBSAMPLED:
        return None
    try:
        frames = int(head.text(FRAMES) or 1)
    except ValueError:
        return None
    rows, columns, samples, allocated = numbers
    return (rows * columns * samples * allocated * frames + 7) // 8


def checked_size(head: Head, size: int, *, big: bool) -> int:
    """Return how many of `size` bytes of native pixel data belong to the image.

    Bytes after the image, fewer than a frame, do not belong to it and could be
    anything. More than a frame means that the description cannot be trusted.

    Raises
    ------
    RefusedError
        The pixel data is shorter than the image.
    """
    described = described_size(head, big=big)
    if described is None:
        return size
    if size < described:
        raise RefusedError(TRUNCATED)
    even = described + described % 2
    return even if 0 < size - even < even else size


def refuse_embedded_overlay(head: Head, *, big: bool) -> None:
    """Refuse an image with an overlay in unused bits of its pixels (retired in 2004).

    Raises
    ------
    RefusedError
        An overlay group has a bit position above 0, or bits allocated but no data.
    """
    for group in {tag >> 16 for tag in head if tag >> 16 in OVERLAYS}:
        has_data = (group << 16 | 0x3000) in head
        allocated = head.number(group << 16 | 0x0100, big=big)
        embedded = allocated > 1 or head.number(group << 16 | 0x0102, big=big)
        if embedded and not has_data:
            raise RefusedError(OVERLAY_BITS)


def blanked(value: bytes, head: Head, rectangles: Sequence[Sequence[int]], *, big: bool) -> bytes:
    """Return native pixel data with rectangles of every frame set to zero.

    `head` has the values of the top-level elements; with `big`, numbers are big-endian. The
    `rectangles` are (x, y, width, height) in pixels from the upper left; what lies outside the
    image is passed over.

    Raises
    ------
    RefusedError
        The pixels are not described well enough, or are smaller than a byte.
    """
    rows, columns, samples, allocated = (
        head.number(tag, big=big) for tag in (ROWS, COLUMNS, SAMPLES, ALLOCATED)
    )
    if described_size(head, big=big) is None or allocated % 8:
        raise RefusedError(NOT_BLANKED)
    separate = samples > 1 and any(head.get(PLANAR, b""))
    size = allocated // 8 * (1 if separate else samples)
    plane = rows * columns * size
    result = bytearray(value)
    for start in range(0, len(result) - plane + 1, plane):
        for x, y, width, height in rectangles:
            left, right = min(x, columns) * size, min(x + width, columns) * size
            for row in range(min(y, rows), min(y + height, rows)):
                at = start + row * columns * size
                result[at + left : at + right] = bytes(right - left)
    return bytes(result)
