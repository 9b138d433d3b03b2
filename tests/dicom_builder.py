"""Small DICOM series with any header, for tests of what is read from headers."""

import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

ROOT = "1.2.826.0.1.3680043.8.498"

MPRAGE = {
    "Modality": "MR",
    "Manufacturer": "SIEMENS",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"],
    "SeriesDescription": "t1_mprage_sag",
    "ScanningSequence": ["GR", "IR"],
    "SequenceVariant": ["SK", "SP", "MP"],
    "MRAcquisitionType": "3D",
    "EchoTime": 2.98,
    "RepetitionTime": 2300,
    "InversionTime": 900,
    "FlipAngle": 9,
}
SPIN_ECHO = {
    **MPRAGE,
    "ScanningSequence": "SE",
    "SequenceVariant": "SK",
    "MRAcquisitionType": "2D",
    "InversionTime": None,
    "FlipAngle": 90,
}
T2 = {**SPIN_ECHO, "SeriesDescription": "t2_tse_tra", "EchoTime": 90, "RepetitionTime": 5000}
FLAIR = {
    **SPIN_ECHO,
    "SeriesDescription": "t2_flair",
    "ScanningSequence": ["SE", "IR"],
    "EchoTime": 120,
    "RepetitionTime": 9000,
    "InversionTime": 2500,
}
PD = {**SPIN_ECHO, "SeriesDescription": "pd", "EchoTime": 14, "RepetitionTime": 3000}
FIELD_MAP = {
    **MPRAGE,
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
    "SeriesDescription": "gre_field_mapping",
    "ScanningSequence": "GR",
    "SequenceVariant": "SP",
    "MRAcquisitionType": "2D",
    "EchoTime": 4.92,
    "RepetitionTime": 488,
    "InversionTime": None,
    "FlipAngle": 60,
}
EPI = {
    **MPRAGE,
    "SeriesDescription": "",
    "ScanningSequence": ["EP", "GR"],
    "SequenceVariant": "SS",
    "MRAcquisitionType": "2D",
    "EchoTime": 30,
    "RepetitionTime": 2000,
    "InversionTime": None,
}


def uid(*words: Any) -> str:
    """A UID that depends on the words."""
    return f"{ROOT}.{zlib.crc32(repr(words).encode())}"


def write_series(
    folder: Path,
    patient: str = "Ada^1815",
    study: str = "first",
    series: str = "t1",
    *,
    slices: int = 12,
    skip: Collection[int] = (),
    volumes: int = 1,
    name: str = "IM{:05d}",
    header: dict[str, Any] = MPRAGE,
    by_volume: Sequence[dict[str, Any]] = (),
    **elements: Any,
) -> list[Path]:
    """Write a series of axial slices of 16 x 16 voxels, 2 mm apart.

    `study` and `series` are words from which UIDs are made; `skip` names slices that are not
    written; a keyword given as an element replaces that of `header`, and one of `by_volume`
    that of its volume.
    """
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "PatientID": patient,
        "PatientName": f"Secret^{patient}",
        "StudyInstanceUID": uid("study", study),
        "SeriesInstanceUID": uid("series", study, series),
        "StudyDate": "20200101",
        "StudyTime": "101500",
        "SeriesNumber": 2,
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        **header,
        **elements,
    }
    paths = []
    for number in range(slices * volumes):
        if number in skip:
            continue
        own = by_volume[number // slices] if by_volume else {}
        dataset = instance({**values, **own}, number, number % slices)
        path = folder / name.format(number)
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def instance(values: dict[str, Any], number: int, place: int) -> Dataset:
    """One slice; voxel values are its number plus a gradient."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = uid(values["SeriesInstanceUID"], number)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.InstanceNumber = number + 1
    dataset.AcquisitionTime = "102000"
    dataset.Rows = dataset.Columns = 16
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.PixelSpacing, dataset.SliceThickness = [2, 2], 2
    dataset.ImagePositionPatient = [-16, -16, 2 * place]
    for keyword, value in values.items():
        if value is not None:
            setattr(dataset, keyword, value)
    pixels = number + np.arange(256, dtype="<u2").reshape(16, 16)
    dataset.PixelData = pixels.tobytes()
    return dataset
