"""A suite of DICOM files with a unique string, date or UID wherever an identity can hide.

The files are written by pydicom, not by the code under test. Every planted value is known,
so that a leak is a plain search through the bytes of an output.
"""

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from pydicom import DataElement, Dataset, Sequence, dcmwrite
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
)

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
ROOT = "1.3.6.1.4.1.55555.7.77."
PIXELS = bytes(range(128))


@dataclass
class Case:
    """A file of the suite.

    Parameters
    ----------
    name : str
        What it tries.
    data : bytes
        The file.
    planted : list of bytes
        Values that no output may hold.
    passes : bool
        Whether a file must come out of it.
    kept : list of bytes
        Values that the output must hold.
    """

    name: str
    data: bytes
    planted: list[bytes]
    passes: bool = True
    kept: list[bytes] = field(default_factory=list)


class Canaries:
    """Makes values that occur nowhere else, and remembers them."""

    def __init__(self, start: int = 0) -> None:
        self._count, self.planted = start, list[bytes]()

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _plant(self, text: str) -> str:
        self.planted.append(text.encode("ascii"))
        return text

    def word(self) -> str:
        digits = str.maketrans("0123456789", "ABCDEFGHJL")
        return self._plant(f"KQ{self._next():06d}XW".translate(digits))

    def uid(self) -> str:
        return self._plant(f"{ROOT}{1000000 + self._next()}")

    def day(self) -> str:
        return self._plant(f"{date(1601, 1, 1) + timedelta(days=self._next() % 100_000):%Y%m%d}")

    def birthday(self) -> str:
        return self._plant(f"{date(1301, 1, 1) + timedelta(days=self._next() % 90_000):%Y%m%d}")

    def time(self) -> str:
        number = self._next()
        return self._plant(f"{number % 24:02d}{number % 60:02d}37.{731000 + number % 1000:06d}")

    def value(self, vr: str) -> object:
        """Return a value of a VR that would be recognised in an output, or None."""
        match vr:
            case "DA":
                return self.day()
            case "TM":
                return self.time()
            case "DT":
                return self.day() + "123456.7"
            case "UI":
                return self.uid()
            case "PN":
                return f"{self.word()}^{self.word()}=#{self.word()}"
            case "AE" | "CS" | "SH" | "LO" | "UC":
                return [self.word(), self.word()] if vr in ("LO", "UC") else self.word()
            case "LT" | "ST" | "UT" | "UR":
                return self.word()
            case "OB" | "UN" | "OW":
                return self.word().encode().ljust(12, b"\0")
            case "DS":
                return self._plant(f"7.731{self._next():07d}")
            case "IS":
                return self._plant(f"77{self._next():07d}")
            case "SQ":
                return Sequence([self.item()])
        return None

    def item(self) -> Dataset:
        """Return an item whose text would stay if its sequence did."""
        item = Dataset()
        item.CodeValue = self.word()
        item.CodingSchemeDesignator = "99X"
        item.CodeMeaning = self.word()
        item.BodyPartExamined = self.word()
        item.ReferencedSOPInstanceUID = self.uid()
        return item


def base(canaries: Canaries, sop_class: str = MR) -> Dataset:
    """Return an image that is valid and needs nothing to be removed but its UIDs."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, canaries.uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = canaries.uid(), canaries.uid()
    ds.Modality, ds.Manufacturer, ds.ImageType = "MR", "ACME", ["ORIGINAL", "PRIMARY"]
    ds.PatientID, ds.PatientName = "", ""
    ds.EchoTime, ds.RepetitionTime, ds.SliceThickness = "30.5", "2000", "1.25"
    ds.InstanceNumber, ds.ImagePositionPatient = "7", ["-10.5", "20.25", "3"]
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.NumberOfFrames = 8, 8, 1, "1"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelData = PIXELS
    ds["PixelData"].VR = "OW"
    return ds


def written(
    ds: Dataset,
    syntax: UID = ExplicitVRLittleEndian,
    *,
    meta: Callable[[FileMetaDataset], None] | None = None,
    preamble: bytes = bytes(128),
) -> bytes:
    """Return the bytes of a file as pydicom writes it."""
    file_meta = FileMetaDataset()
    file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    file_meta.TransferSyntaxUID = syntax
    if meta:
        meta(file_meta)
    file = FileDataset("", ds, file_meta=file_meta, preamble=preamble)
    stream = io.BytesIO()
    dcmwrite(stream, file, enforce_file_format=True)
    return stream.getvalue()


def planted_everywhere(ds: Dataset, canaries: Canaries, tags: dict[int, str]) -> None:
    """Plant a value in each of `tags` (tag -> VR)."""
    for tag, vr in tags.items():
        # No shifted date may become a birth date by chance.
        born = keyword_for_tag(tag).endswith("BirthDate")
        value = canaries.birthday() if born else canaries.value(vr)
        if value is not None:
            ds[tag] = DataElement(tag, vr, value)


def searched(data: bytes) -> bytes:
    """Return what of a file is searched: its bytes and, when deflated, its content."""
    if DeflatedExplicitVRLittleEndian.encode() in data[:400]:
        start = 132 + 12 + int.from_bytes(data[140:144], "little")
        return data + zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:])
    return data


def leaks(data: bytes, planted: list[bytes]) -> list[bytes]:
    """Return the planted values that stand in a file, in any case or as UTF-16."""
    text = searched(data).lower()
    wide = text.replace(b"\0", b"")
    return [value for value in planted if value.lower() in text or value.lower() in wide]
