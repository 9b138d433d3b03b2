"""Files that are, or claim to be, DICOM: one a case, beside a sound series."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian

from tests.dicom_builder import write_series
from tests.hostile.case import Case

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = (struct.pack("<HH", 0xFFFE, n) for n in (0xE000, 0xE00D, 0xE0DD))
DEFLATED = "1.2.840.10008.1.2.1.99"
SECRET = "Hopper^Grace"


def instance(folder: Path, name: str, **elements: Any) -> Path:
    """A file of one slice, of a series of its own; all are of one patient and one study."""
    elements = {"PatientName": SECRET, **elements}
    (path,) = write_series(folder, "H1", "hostile", name, slices=1, name=f"{name}.dcm", **elements)
    return path


def changed(change: Callable[[bytes], bytes], **elements: Any) -> Any:
    """Make a sound file and change its bytes."""

    def make(folder: Path, name: str) -> None:
        path = instance(folder, name, **elements)
        path.write_bytes(change(path.read_bytes()))

    return make


def before_pixels(extra: Callable[[], bytes]) -> Any:
    """Put bytes that are to be elements before the pixel data."""

    def change(data: bytes) -> bytes:
        at = data.rindex(b"\xe0\x7f\x10\x00")
        return data[:at] + extra() + data[at:]

    return changed(change)


def element(group: int, number: int, vr: bytes, length: int, value: bytes = b"") -> bytes:
    """An explicit element of a long VR, whose length need not be that of its value."""
    return struct.pack("<HH2sHI", group, number, vr, 0, length) + value


def nested(depth: int, *, defined: bool = False) -> bytes:
    """Sequences in one another."""
    inner = b""
    for _ in range(depth):
        if defined:
            item = ITEM + struct.pack("<I", len(inner)) + inner
            inner = element(0x0040, 0x0275, b"SQ", len(item), item)
        else:
            item = ITEM + struct.pack("<I", UNDEFINED) + inner + ITEM_END + bytes(4)
            inner = element(0x0040, 0x0275, b"SQ", UNDEFINED, item + SEQUENCE_END + bytes(4))
    return inner


def endless() -> bytes:
    """A sequence whose item holds the beginning of itself, again and again."""
    start = element(0x0040, 0x0275, b"SQ", UNDEFINED) + ITEM + struct.pack("<I", UNDEFINED)
    return start * 2000


def _deflated(folder: Path, name: str, tail: bytes = b"") -> None:
    path = instance(folder, name)
    data = path.read_bytes()
    at = 144 + struct.unpack_from("<I", data, 140)[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(data[at:]) + b"".join(packer.compress(tail) for _ in range(300))
    body += packer.flush()
    old, new = b"1.2.840.10008.1.2.1\0", DEFLATED.encode()
    start = data[132:at].replace(
        struct.pack("<HH2sH", 2, 0x10, b"UI", len(old)) + old,
        struct.pack("<HH2sH", 2, 0x10, b"UI", len(new)) + new,
    )
    length = struct.pack("<I", len(start) - 12)
    path.write_bytes(data[:132] + start[:8] + length + start[12:] + body)


def _bomb(folder: Path, name: str) -> None:
    _deflated(folder, name, bytes(1 << 20))


def _without_uid(folder: Path, name: str) -> None:
    path = instance(folder, name)
    dataset = dcmread(path)
    del dataset.SOPInstanceUID
    dataset.save_as(path)


def _implicit(folder: Path, name: str) -> None:
    path = instance(folder, name)
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.save_as(path, implicit_vr=True, little_endian=True)


def _twice(folder: Path, name: str) -> None:
    data = instance(folder, name).read_bytes()
    (folder / f"{name}.again.dcm").write_bytes(data)


def _special(make: Callable[[Path], Any]) -> Any:
    def special(folder: Path, name: str) -> None:
        folder.mkdir(exist_ok=True, parents=True)
        make(folder / f"{name}.dcm")

    return special


def renamed(text: str) -> Any:
    """Make a sound file whose name holds a text."""

    def make(folder: Path, name: str) -> None:
        instance(folder, name).rename(folder / f"{name}{text}.dcm")

    return make


def _replaced(old: bytes, new: bytes) -> Any:
    return changed(lambda data: data.replace(old, new))


_ROWS = struct.pack("<HH2sH", 0x28, 0x10, b"US", 2)
_MR = b"1.2.840.10008.5.1.4.1.1.4\0"
_DIRECTORY = b"1.2.840.10008.1.3.10".ljust(len(_MR), b"\0")
_PIXELS = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, 512)

CASES = [
    Case("a sound file", instance, "processed"),
    Case("implicit VR", _implicit, "processed"),
    Case("deflated", _deflated, "processed"),
    Case("a deflate bomb", _bomb, "excluded", "cannot be read"),
    Case("no byte at all", changed(lambda data: b""), "excluded", "not DICOM"),
    Case("a preamble alone", changed(lambda data: data[:132]), "excluded", "SeriesInstanceUID"),
    Case("cut in the file meta", changed(lambda data: data[:200]), "excluded", "SeriesInstanceUID"),
    Case("cut in the header", changed(lambda data: data[:700]), "excluded", ""),
    Case("cut in the pixels", changed(lambda data: data[:-100]), "excluded", "cut short"),
    Case("a text", changed(lambda data: b"Dear radiologist, " * 99), "excluded", "not DICOM"),
    Case("random bytes", changed(lambda data: bytes(range(251)) * 9), "excluded", "not DICOM"),
    Case("a DICOMDIR", _replaced(_MR, _DIRECTORY), "excluded", "DICOMDIR"),
    Case("sequences 60 deep", before_pixels(lambda: nested(60)), "processed"),
    Case("sequences 1,000 deep", before_pixels(lambda: nested(1000)), "excluded", ""),
    Case("sequences 1,000 deep of defined length",
         before_pixels(lambda: nested(1000, defined=True)), "processed"),
    Case("a sequence in itself without end", before_pixels(endless), "excluded", ""),
    Case("an element that claims 4 GB",
         before_pixels(lambda: element(0x40, 0x400, b"UT", 0xFFFFFFFE)), "excluded", ""),
    Case("a private element that claims 4 GB",
         before_pixels(lambda: element(0x29, 0x1010, b"OB", 0xFFFFFFFE)), "excluded", ""),
    Case("a patient's name that claims 4 GB",
         changed(lambda d: d.replace(b"PN\x0c\0" + SECRET.encode(), b"UT\0\0\xfe\xff\xff\xff")),
         "excluded", ""),
    Case("pixels that claim 4 GB",
         _replaced(_PIXELS, _PIXELS[:8] + b"\xfe\xff\xff\xff"), "excluded", "truncated"),
    Case("65535 rows claimed", _replaced(_ROWS + b"\x10\0", _ROWS + b"\xff\xff"),
         "excluded", "cut short"),
    Case("an unknown VR", before_pixels(lambda: element(0x40, 0x400, b"?!", 4, b"abcd")),
         "excluded", "no pixels can be found"),
    Case("an unknown transfer syntax",
         _replaced(b"1.2.840.10008.1.2.1\0", b"1.2.840.99999.1.2.1\0"), "excluded", "syntax"),
    Case("no instance UID", _without_uid, "excluded",
         "SOPInstanceUID"),
    Case("the same instance twice", _twice, "processed"),
    Case("UIDs with a path in them",
         lambda f, n: instance(f, n, SOPInstanceUID="../../../pwned"), "excluded", "UID"),
    Case("a patient identifier with a path in it",
         lambda f, n: instance(f, n, PatientID="../../../pwned"), "processed"),
    Case("a description with commands in it",
         lambda f, n: instance(f, n, SeriesDescription="$(touch pwned);`id`\"'"), "processed"),
    Case("a description with markup in it",
         lambda f, n: instance(f, n, SeriesDescription="<img onerror=alert(1)>"), "processed"),
    Case("a description with line breaks and tabs",
         lambda f, n: instance(f, n, SeriesDescription="a\r\nb\tc"), "processed"),
    Case("numbers that are none",
         lambda f, n: instance(f, n, EchoTime=None, StudyDate="not a day"), "processed"),
    Case("a line break in the file's name", renamed("\n"), "processed"),
    Case("commands in the file's name", renamed(";$(touch pwned)`id`'\""), "processed"),
    Case("bytes in the file's name that are no UTF-8", renamed("\udcff"), "processed"),
    Case("a pipe", _special(os.mkfifo), "excluded", "regular file"),
    Case("a link to nothing", _special(lambda p: p.symlink_to("nowhere")), "excluded", "link to"),
    Case("a link to itself", _special(lambda p: p.symlink_to(p.name)), "excluded", "link to"),
    Case("a link to the folder above", _special(lambda p: p.symlink_to("..")), "excluded",
         "already read"),
    Case("a link to an endless device", _special(lambda p: p.symlink_to("/dev/zero")),
         "excluded", "regular file"),
]  # fmt: skip
