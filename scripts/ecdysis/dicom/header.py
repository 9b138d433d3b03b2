"""Read the needed values from the header of a DICOM file.

Classic objects hold the facts at the top level; enhanced (multi-frame) objects hold them in
functional groups (PS3.3, section C.7.6.16). Both end in the same flat header.
"""

import io
import math
import re
import struct
from dataclasses import dataclass
from operator import mul
from pathlib import Path
from typing import Any, BinaryIO

from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)
from pydicom.valuerep import VR

from ecdysis.dicom import phase_direction
from ecdysis.dicom.reading import (
    ARCHIVE,
    ARCHIVE_START,
    UNREADABLE,
    functional,
    is_archive,
    opened,
    value_of,
)

Header = dict[str, Any]
"""Facts that all instances of a series normally share: keyword -> JSON value or None."""

SHARED = (
    *("PatientID", "PatientName", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("StudyInstanceUID", "StudyDate", "StudyTime"),
    *("SeriesInstanceUID", "SeriesNumber", "SeriesDate", "SeriesTime", "SOPClassUID"),
    *("Modality", "Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "StationName"),
    *("SoftwareVersions", "ReceiveCoilName", "BodyPartExamined"),
    *("SeriesDescription", "ProtocolName", "ImageType", "ComplexImageComponent"),
    *("ScanningSequence", "SequenceVariant", "ScanOptions", "SequenceName", "PulseSequenceName"),
    *("MRAcquisitionType", "EchoPulseSequence", "EchoPlanarPulseSequence", "InversionRecovery"),
    *("EchoTime", "RepetitionTime", "InversionTime", "FlipAngle", "EchoTrainLength", "EchoNumbers"),
    *("DiffusionBValue", "InPlanePhaseEncodingDirection"),
    *("ContrastBolusAgent", "ContrastBolusVolume"),
    *("Rows", "Columns", "NumberOfFrames", "BitsAllocated", "SamplesPerPixel"),
    *("PixelSpacing", "SliceThickness", "SpacingBetweenSlices", "ImageOrientationPatient"),
)
OWN = (
    *("SOPInstanceUID", "InstanceNumber", "ImagePositionPatient"),
    *("AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime"),
)
GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")

TAGS = [tag for word in SHARED + OWN + GROUPS if (tag := tag_for_keyword(word)) is not None]
STORED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
"""Transfer syntaxes in which the pixels take the bytes that the header says."""

ELEMENT = 8
"""Bytes before the value of an element, at least (PS3.5, section 7.1)."""

SHARED_TAGS = [(word, tag_for_keyword(word) or 0) for word in SHARED]
GROUP_TAGS = [tag_for_keyword(word) or 0 for word in GROUPS]


@dataclass(frozen=True)
class Own:
    """Values that differ between the instances of a series."""

    uid: str
    """SOPInstanceUID."""
    number: int | None
    """InstanceNumber."""
    acquired: str | None
    """Date and time of acquisition, as ``20200131101500.25``; the time alone when the header has no
    date of acquisition."""
    positions: tuple[float, ...]
    """Place of each frame along the slice normal, mm; empty when the header has none."""


class UnusableError(Exception):
    """A file is not a usable DICOM image; the message contains no value of it."""


class HeaderReader:
    """Reads headers, giving equal shared parts one number.

    The raw bytes of the shared elements are compared before anything is decoded, since in a
    series of hundreds of slices they are the same; this halves the time of a file.

    `headers` are shared parts known from before; new ones are added to this list.
    """

    def __init__(self, headers: list[Header]) -> None:
        self.headers = headers
        self._by_content = {_frozen(_without(header)): at for at, header in enumerate(headers)}
        self._by_bytes: dict[tuple[object, ...], int] = {}

    def read(self, path: Path, size: int) -> tuple[int, Own]:
        """Read a file of `size` bytes; return the number of its shared part, and its own part.

        Raises
        ------
        UnusableError
            The file is not DICOM, is a DICOMDIR, is damaged, or is cut short.
        """
        try:
            stream = opened(path)
        except OSError as error:
            raise UnusableError("the file cannot be opened") from error
        if isinstance(stream, io.BytesIO):
            size = stream.getbuffer().nbytes
        with stream:
            start = stream.read(ARCHIVE_START)
            if is_archive(start):
                raise UnusableError(ARCHIVE)
            bare = _has_no_preamble(start[:132])
            stream.seek(0)
            try:
                dataset = dcmread(stream, stop_before_pixels=True, specific_tags=TAGS, force=bare)
                known = len(self.headers)
                at, own = self._parts(dataset, size - stream.tell() - ELEMENT)
                if at == known:
                    stream.seek(0)
                    self.headers[at]["Polarity"] = _polarity(stream, force=bare)
                return at, own
            except UNREADABLE as error:
                reason = "not DICOM" if bare else "its header cannot be read"
                raise UnusableError(reason) from error

    def _parts(self, dataset: Dataset, rest: int) -> tuple[int, Own]:
        meta = dataset.file_meta
        if meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
            raise UnusableError("DICOMDIR")
        syntax = meta.get("TransferSyntaxUID")
        groups = [dataset.get(tag) for tag in GROUP_TAGS]
        enhanced = any(group is not None for group in groups)
        raw = (syntax, *(_raw(dataset, tag) for _, tag in SHARED_TAGS))
        at = None if enhanced else self._by_bytes.get(raw)
        if at is None:
            header: Header = {word: value_of(dataset, word) for word, _ in SHARED_TAGS}
            header["Stored"] = syntax in STORED
            if enhanced:
                header |= functional(dataset)
            content = _frozen(header)
            at = self._by_content.setdefault(content, len(self.headers))
            if at == len(self.headers):
                self.headers.append(header)
            self._by_bytes[raw] = at
        header = self.headers[at]
        for word in ("SeriesInstanceUID", "StudyInstanceUID"):
            if not header[word]:
                raise UnusableError(f"its header has no {word}")
        needed = _pixel_bytes(header)
        if header["Stored"] and needed and rest <= 0:
            raise UnusableError("no pixels can be found in it")
        if header["Stored"] and 0 < rest < needed:
            raise UnusableError("the file is cut short")
        return at, _own(dataset, header, enhanced=enhanced)


def _has_no_preamble(start: bytes) -> bool:
    """Tell from the first 132 bytes whether a file lacks the preamble but may be DICOM.

    Raises
    ------
    UnusableError
        It cannot be DICOM.
    """
    if start[128:] == b"DICM":
        return False
    if len(start) < 16:
        raise UnusableError("not DICOM")
    group, element, length = struct.unpack_from("<HHI", start)
    explicit = start[4:6].decode("latin-1") in set(VR)
    if group in (0x0002, 0x0008) and element <= 0x0070 and (explicit or length <= 64):
        return True
    raise UnusableError("not DICOM")


def _raw(dataset: Dataset, tag: int) -> Any:
    element = dataset.get_item(tag)
    value = None if element is None else element.value
    return tuple(value) if isinstance(value, list | MultiValue) else value


def _frozen(header: Header) -> tuple[object, ...]:
    return tuple(
        (word, tuple(value) if isinstance(value, list) else value)
        for word, value in sorted(header.items())
    )


def _without(header: Header) -> Header:
    return {word: value for word, value in header.items() if word != "Polarity"}


def _polarity(stream: BinaryIO, *, force: bool) -> int | None:
    """Read again the long elements that are equal in all files of a series."""
    tags = phase_direction.TAGS
    found = dcmread(stream, stop_before_pixels=True, specific_tags=tags, force=force)
    return phase_direction.polarity(found)


def _own(dataset: Dataset, header: Header, *, enhanced: bool) -> Own:
    uid = value_of(dataset, "SOPInstanceUID")
    if not uid:
        raise UnusableError("its header has no SOPInstanceUID")
    if enhanced:
        frames = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
        places = [
            value_of(items[0], "ImagePositionPatient")
            for frame in frames
            if (items := frame.get("PlanePositionSequence"))
        ]
    else:
        places = [value_of(dataset, "ImagePositionPatient")]
    number = value_of(dataset, "InstanceNumber")
    return Own(
        str(uid),
        number if isinstance(number, int) else None,
        _acquired(dataset),
        _along_normal(header["ImageOrientationPatient"], places),
    )


def _acquired(dataset: Dataset) -> str | None:
    """Return date and time of acquisition without the offset from UTC."""
    moment = value_of(dataset, "AcquisitionDateTime")
    if isinstance(moment, str) and moment[:14].isdecimal() and len(moment) >= 14:
        return re.split(r"[+-]", moment)[0]
    date, time = value_of(dataset, "AcquisitionDate"), value_of(dataset, "AcquisitionTime")
    if not isinstance(time, str):
        return None
    return f"{date}{time}" if isinstance(date, str) and re.fullmatch(r"\d{8}", date) else time


def _along_normal(orientation: Any, places: list[Any]) -> tuple[float, ...]:
    """Project image positions (mm) on the slice normal (PS3.3, section C.7.6.2.1.1)."""
    vectors = [place for place in places if _numbers(place, 3)]
    if not _numbers(orientation, 6) or len(vectors) != len(places):
        return ()
    (a, b, c), (d, e, f) = orientation[:3], orientation[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return tuple(round(sum(map(mul, normal, vector)), 3) for vector in vectors)


def _numbers(value: Any, count: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == count
        and all(isinstance(item, int | float) for item in value)
    )


def _pixel_bytes(header: Header) -> int:
    """Bytes that the pixels of an uncompressed object take; 0 when it has no image."""
    sizes = [header["Rows"], header["Columns"], header["BitsAllocated"]]
    if not all(isinstance(size, int) for size in sizes):
        return 0
    frames, samples = header["NumberOfFrames"] or 1, header["SamplesPerPixel"] or 1
    return math.prod([*sizes, frames, samples]) // 8
