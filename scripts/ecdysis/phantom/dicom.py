"""Phantoms as DICOM series with the header of a scanner and of an invented patient.

MR Image objects (PS3.3 A.4) in explicit VR little endian, one file for each slice. As in real
exports, the names of the files are meaningless, and those of the folders identify the patient.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import nibabel as nib
import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pydicom.valuerep import format_number_as_ds

from ecdysis.image.arrays import Array
from ecdysis.phantom.head import HeadSettings, build_head
from ecdysis.phantom.header import SCANNERS, scanner_header, session_date, uid
from ecdysis.phantom.identity import Identity

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


def write_dicom_study(
    root: Path,
    identity: Identity,
    settings: HeadSettings,
    *,
    session: int = 1,
    vendor: str = "neutral",
    protocols: tuple[str, ...] = ("localizer", "T1w", "T2w"),
) -> Path:
    """Write one visit of one patient; return its folder.

    `root` gets a folder named after patient and day, with a folder for each series and a text file.
    The `settings` are those of the T1w; the T2w has the same head in axial slices of 4 mm. Visits
    are half a year apart. `vendor` is a key in `SCANNERS`.
    """
    day = session_date(session)
    patient = identity.name.replace("^", ", ")
    study = root / f"{patient} ({identity.birth_date})" / f"MR head {day:%d.%m.%Y}"
    scans: dict[str, nib.Nifti1Image] = {}
    for number, protocol in enumerate(protocols, start=1):
        wanted = _protocol_settings(settings, protocol)
        key = repr(wanted)
        if key not in scans:
            scans[key] = build_head(wanted).image
        description = SCANNERS["vendors"][vendor]["descriptions"][protocol]
        folder = study / f"{number:03d} {description}" / "Bilder"
        write_dicom_series(
            scans[key], folder, identity, protocol=protocol, vendor=vendor, session=session,
            series_number=number,
        )  # fmt: skip
    (study / "LIESMICH.TXT").write_text(
        f"Images of {patient}. Open them with a viewer.\r\n", "utf-8"
    )
    return study


def write_dicom_series(
    image: nib.Nifti1Image,
    folder: Path,
    identity: Identity,
    *,
    protocol: str = "T1w",
    vendor: str = "neutral",
    session: int = 1,
    series_number: int = 1,
) -> list[Path]:
    """Write an image as one series, return the files in order; a localizer is its middle planes.

    Columns, rows and slices of the files are the axes of the array in their order and direction, so
    that a converter restores the same voxels at the same places. The image is on an orthogonal grid
    and has values from 0 to 65535. The UIDs are derived from the numbers and the patient's ID.
    `protocol` and `vendor` are keys in `SCANNERS`.
    """
    voxels = np.asanyarray(image.dataobj).astype(np.uint16)
    header = scanner_header(identity, protocol, vendor, session, series_number)
    header.BitsStored = 12 if voxels.max() < 4096 else 16
    header.HighBit = header.BitsStored - 1
    if protocol == "localizer":
        planes = [
            (order, voxels.shape[order[2]] // 2) for order in ((0, 1, 2), (0, 2, 1), (1, 2, 0))
        ]
    else:
        planes = [((0, 1, 2), k) for k in range(voxels.shape[2])]
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, (order, k) in enumerate(planes, start=1):
        _place(header, image.affine, order, k)
        header.PixelData = np.take(voxels, k, axis=order[2]).T.astype("<u2").tobytes()
        header.Rows, header.Columns = (voxels.shape[order[axis]] for axis in (1, 0))
        header.InstanceNumber = number
        instance = UID(uid(str(header.SeriesInstanceUID), number))
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = instance
        path = folder / sha256(instance.encode()).hexdigest()[:8].upper()
        header.save_as(path, enforce_file_format=True)
        files.append(path)
    return files


def _protocol_settings(settings: HeadSettings, protocol: str) -> HeadSettings:
    if protocol != "T2w":
        return settings
    fine = max(1.0, min(settings.spacing_mm))
    return replace(
        settings, contrast="T2w", orientation="LPS", spacing_mm=(fine, fine, 4.0), shape=None,
        neck_mm=0.0, scan=settings.scan + 1000,
    )  # fmt: skip


def _place(header: Dataset, affine: Array, order: tuple[int, int, int], k: int) -> None:
    """Set the Image Plane module (PS3.3 C.7.6.2) of plane `k` along array axis ``order[2]``."""
    lps = RAS_TO_LPS @ affine[:3, :3]
    spacing = nib.affines.voxel_sizes(affine)
    column, row, normal = order
    first = np.zeros(3)
    first[normal] = k
    corner = lps @ first + RAS_TO_LPS @ affine[:3, 3]
    along = lps / spacing
    header.ImageOrientationPatient = _decimals([*along[:, column], *along[:, row]])
    header.ImagePositionPatient = _decimals(corner)
    header.PixelSpacing = _decimals([spacing[row], spacing[column]])
    header.SliceThickness = header.SpacingBetweenSlices = _decimals([spacing[normal]])[0]
    slice_axis = np.cross(along[:, column], along[:, row])
    header.SliceLocation = _decimals([float(slice_axis @ corner)])[0]


def _decimals(values: Sequence[float] | Array) -> list[str]:
    """Decimal strings (VR DS): at most 16 characters."""
    return [format_number_as_ds(float(value)) for value in np.asarray(values) + 0.0]
