"""The header of an invented scanner, with an invented patient where scanners put one."""

from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from ecdysis.phantom.identity import Identity
from ecdysis.yaml_files import read_yaml

STUDY_MANAGEMENT = "1.2.840.10008.3.1.2.3.1"
NOTES_GROUP, NOTES_CREATOR = 0x0033, "HOSPITAL NOTES"
FIRST_SESSION = date(2019, 3, 14)
DAYS_BETWEEN_SESSIONS = 183

SCANNERS: dict[str, dict[str, Any]] = read_yaml(Path(__file__).with_name("scanners.yaml"))
"""Elements of all files (``common``, ``person``), of each protocol and of each vendor."""


def scanner_header(
    identity: Identity, protocol: str, vendor: str, session: int, series_number: int
) -> Dataset:
    """Make the part of the header that is the same in each slice of a series.

    `protocol` and `vendor` are keys in `SCANNERS`. The result has its file meta information, but no
    pixels, geometry and instance.
    """
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = UID(SCANNERS["common"]["SOPClassUID"])
    study_uid = uid(identity.patient_id, session)
    scanner = SCANNERS["vendors"][vendor]
    description = scanner["descriptions"][protocol]
    day = f"{session_date(session):%Y%m%d}"
    time = f"{9 + series_number // 6:02d}{series_number % 6 * 10:02d}07.250000"
    values: dict[str, Any] = {
        **SCANNERS["common"],
        "ImageType": scanner["image_type"],
        "SeriesDescription": description,
        "ProtocolName": description,
        "SeriesNumber": series_number,
        "StudyInstanceUID": study_uid,
        "SeriesInstanceUID": uid(study_uid, series_number),
        "FrameOfReferenceUID": uid(study_uid, "frame"),
        **scanner["header"],
        **SCANNERS["protocols"][protocol],
        **{f"{event}Date": day for event in ("Study", "Series", "Acquisition", "Content")},
        **{f"{event}Time": time for event in ("Series", "Acquisition", "Content")},
        "StudyTime": "090000",
    }
    _set(header, **values)
    _identify(header, identity, session)
    _add_private(header, identity, vendor)
    return header


def _identify(header: Dataset, identity: Identity, session: int) -> None:
    """Put the patient and the staff where scanners put them, also in nested sequences."""
    facts = {
        **vars(identity),
        "age": session_date(session).year - int(identity.birth_date[:4]),
        "digits": identity.accession_number[-4:],
        "with_comma": identity.name.replace("^", ", "),
    }
    _set(header, **{key: text.format(**facts) for key, text in SCANNERS["person"].items()})
    person = _set(
        Dataset(),
        CodeValue="4711",
        CodingSchemeDesignator="99LARK",
        CodeMeaning=identity.referring.replace("^", " ").strip(),
    )
    physician = _set(
        Dataset(),
        PersonIdentificationCodeSequence=[person],
        PersonTelephoneNumbers=identity.phone,
        InstitutionName=identity.hospital,
    )
    study = _set(
        Dataset(),
        ReferencedSOPClassUID=STUDY_MANAGEMENT,
        ReferencedSOPInstanceUID=header.StudyInstanceUID,
        ReferringPhysicianName=identity.referring,
        ReferringPhysicianIdentificationSequence=[physician],
    )
    request = _set(
        Dataset(),
        RequestedProcedureID=identity.accession_number,
        RequestedProcedureDescription=f"MR head of {identity.name.split('^')[0]}",
        ScheduledProcedureStepDescription=f"head, call {identity.referring.split('^')[0]}",
        RequestingPhysician=identity.referring,
    )
    _set(header, ReferencedStudySequence=[study], RequestAttributesSequence=[request])


def _set(dataset: Dataset, **elements: Any) -> Dataset:
    """Set elements by their keywords; return the dataset."""
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def _add_private(header: Dataset, identity: Identity, vendor: str) -> None:
    for group, creator, elements in SCANNERS["vendors"][vendor]["private"]:
        block = header.private_block(group, creator, create=True)
        for offset, vr, value in elements:
            block.add_new(offset, vr, value)
    notes = header.private_block(NOTES_GROUP, NOTES_CREATOR, create=True)
    notes.add_new(0x01, "LO", identity.name.replace("^", " "))
    notes.add_new(0x02, "DS", str(identity.weight_kg))
    notes.add_new(0x03, "OB", f"<id>{identity.patient_id}</id>".encode().ljust(40, b"\0"))
    notes.add_new(0x04, "SQ", [_set(Dataset(), PatientName=identity.name)])


def session_date(session: int) -> date:
    """Day of a patient's visit, counted from 1."""
    return FIRST_SESSION + timedelta(days=DAYS_BETWEEN_SESSIONS * (session - 1))


def uid(*sources: object) -> str:
    """Derive a unique identifier from `sources`, in the UUID root 2.25 (PS3.5 B.2)."""
    digest = sha256(repr(sources).encode()).digest()[:16]
    return f"2.25.{int.from_bytes(digest)}"
