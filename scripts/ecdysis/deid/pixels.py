"""Properties of the pixels by the header, and whether the pixel data agrees (PS3.3, C.7.6.3)."""

from collections.abc import Mapping, Sequence

from ecdysis.dicom.refusals import NOT_BLANKED, OVERLAY_BITS, TRUNCATED, RefusedError

ROWS, COLUMNS, SAMPLES = 0x00280010, 0x00280011, 0x00280002
ALLOCATED, FRAMES, PHOTOMETRIC = 0x00280100, 0x00280008, 0x00280004
PLANAR = 0x00280006
OVERLAYS = range(0x6000, 0x6020, 2)
SUBSAMPLED = {"YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420"}


def described_size(header: Mapping[int, bytes], *, big: bool) -> int | None:
    """Return the bytes of native pixel data that the header describes, if it does.

    Parameters
    ----------
    header : mapping
        Tag -> value of top-level elements.
    big : bool
        Numbers are big-endian.
    """
    order = "big" if big else "little"
    numbers = [
        int.from_bytes(header.get(tag, b""), order)  # type: ignore[arg-type]
        for tag in (ROWS, COLUMNS, SAMPLES, ALLOCATED)
    ]
    if (
        not all(numbers)
        or header.get(PHOTOMETRIC, b"").strip(b"\0 ").decode("latin-1") in SUBSAMPLED
    ):
        return None
    try:
        frames = int(header.get(FRAMES, b"1").strip(b"\0 ") or 1)
    except ValueError:
        return None
    rows, columns, samples, allocated = numbers
    return (rows * columns * samples * allocated * frames + 7) // 8


def checked_size(header: Mapping[int, bytes], size: int, *, big: bool) -> int:
    """Return how many of `size` bytes of native pixel data belong to the image.

    Bytes after the image, fewer than a frame, do not belong to it and could be
    anything. More than a frame means that the description cannot be trusted.

    Raises
    ------
    RefusedError
        The pixel data is shorter than the image.
    """
    described = described_size(header, big=big)
    if described is None:
        return size
    if size < described:
        raise RefusedError(TRUNCATED)
    even = described + described % 2
    return even if 0 < size - even < even else size


def refuse_embedded_overlay(header: Mapping[int, bytes], *, big: bool) -> None:
    """Refuse an image with an overlay in unused bits of its pixels (retired in 2004).

    Raises
    ------
    RefusedError
        An overlay group has a bit position above 0, or bits allocated but no data.
    """
    order = "big" if big else "little"
    for group in {tag >> 16 for tag in header if tag >> 16 in OVERLAYS}:
        position = header.get(group << 16 | 0x0102, b"")
        allocated = header.get(group << 16 | 0x0100, b"")
        has_data = (group << 16 | 0x3000) in header
        embedded = int.from_bytes(allocated, order) > 1 or any(position)  # type: ignore[arg-type]
        if embedded and not has_data:
            raise RefusedError(OVERLAY_BITS)


def blanked(
    value: bytes, header: Mapping[int, bytes], rectangles: Sequence[Sequence[int]], *, big: bool
) -> bytes:
    """Return native pixel data with rectangles of every frame set to zero.

    Parameters
    ----------
    value : bytes
        The pixel data.
    header : mapping
        Tag -> value of top-level elements.
    rectangles : sequence of (x, y, width, height)
        In pixels from the upper left; what lies outside the image is passed over.
    big : bool
        Numbers of the header are big-endian.

    Raises
    ------
    RefusedError
        The pixels are not described well enough, or are smaller than a byte.
    """
    order = "big" if big else "little"
    rows, columns, samples, allocated = (
        int.from_bytes(header.get(tag, b""), order)  # type: ignore[arg-type]
        for tag in (ROWS, COLUMNS, SAMPLES, ALLOCATED)
    )
    if described_size(header, big=big) is None or allocated % 8:
        raise RefusedError(NOT_BLANKED)
    separate = samples > 1 and any(header.get(PLANAR, b""))
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
