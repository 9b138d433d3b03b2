"""DICOM phantoms convert back to the voxels they were made of, and name their patient."""

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from ecdysis.phantom.dicom import write_dicom_series, write_dicom_study
from ecdysis.phantom.head import HeadSettings, build_head
from ecdysis.phantom.header import SCANNERS
from ecdysis.phantom.identity import invented_identity

SMALL = HeadSettings(spacing_mm=(4.0, 5.0, 4.5))
PATIENT = invented_identity(1)


def converted(folder: Path, out: Path) -> list[Path]:
    program = Path(sys.executable).with_name("dcm2niix")
    if not program.exists():
        pytest.skip("dcm2niix is not installed beside Python")
    out.mkdir()
    command = [program, "-b", "y", "-z", "n", "-f", "%s", "-o", out, folder]
    subprocess.run(command, check=True, capture_output=True)
    return sorted(out.glob("*.nii"))


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settings = replace(SMALL, orientation="PIR")
        return write_dicom_study(tmp_path_factory.mktemp("export"), PATIENT, settings)


def headers(study: Path) -> list[pydicom.Dataset]:
    files = [file for file in sorted(study.rglob("*")) if file.is_file() and not file.suffix]
    return [pydicom.dcmread(file) for file in files]


@pytest.mark.parametrize(
    ("vendor", "orientation", "oblique"),
    [
        ("neutral", "RAS", (0.0, 0.0, 0.0)),
        ("siemens", "PIR", (0.0, 0.0, 0.0)),
        ("ge", "LPS", (12.0, -7.0, 4.0)),
        ("philips", "LIA", (0.0, 9.0, 0.0)),
        ("neutral", "SAL", (5.0, 0.0, -9.0)),
    ],
)
def test_dcm2niix_gives_back_voxels_and_affine(tmp_path, vendor, orientation, oblique):
    image = build_head(replace(SMALL, orientation=orientation, oblique_deg=oblique)).image
    write_dicom_series(image, tmp_path / "in", PATIENT, vendor=vendor)
    (result,) = converted(tmp_path / "in", tmp_path / "out")
    back = nib.as_closest_canonical(nib.load(result))
    truth = nib.as_closest_canonical(image)
    np.testing.assert_array_equal(back.get_fdata(), truth.get_fdata())
    np.testing.assert_allclose(back.affine, truth.affine, atol=1e-3)


def test_study_is_recognised_as_localizer_t1w_and_t2w(study, tmp_path):
    results = converted(study, tmp_path / "out")
    facts = [json.loads(file.with_suffix(".json").read_text()) for file in results]
    t1w = next(fact for fact in facts if fact["SeriesNumber"] == 2)
    assert (t1w["MRAcquisitionType"], t1w["ScanningSequence"]) == ("3D", "GR\\IR")
    assert (t1w["RepetitionTime"], t1w["EchoTime"], t1w["InversionTime"]) == (2.3, 0.00298, 0.9)
    t2w = next(fact for fact in facts if fact["SeriesNumber"] == 3)
    assert (t2w["MRAcquisitionType"], t2w["RepetitionTime"], t2w["EchoTime"]) == ("2D", 5, 0.1)
    numbers = [fact["SeriesNumber"] for fact in facts]
    assert numbers.count(2) == numbers.count(3) == 1


def test_localizer_has_three_planes_that_cross_in_the_head(study):
    planes = [header for header in headers(study) if header.SeriesNumber == 1]
    normals = [
        np.cross(*np.reshape(np.array(header.ImageOrientationPatient, dtype=float), (2, 3)))
        for header in planes
    ]
    np.testing.assert_allclose(np.abs(np.linalg.det(normals)), 1, atol=1e-6)
    assert all(header.pixel_array.max() > 400 for header in planes)


def test_identity_stands_at_every_depth_and_in_private_elements(study):
    header = headers(study)[0]
    family, given = PATIENT.name.split("^")
    assert str(header.PatientName) == PATIENT.name
    nested = header.ReferencedStudySequence[0].ReferringPhysicianIdentificationSequence[0]
    person = nested.PersonIdentificationCodeSequence[0]
    assert PATIENT.referring.split("^")[0] in person.CodeMeaning
    assert header.RequestAttributesSequence[0].RequestingPhysician == PATIENT.referring
    notes = header.private_block(0x0033, "HOSPITAL NOTES")
    assert notes[0x01].value == f"{family} {given}"
    assert PATIENT.patient_id.encode() in notes[0x03].value
    assert notes[0x04].value[0].PatientName == PATIENT.name
    assert given in header.ImageComments
    whole = json.dumps(header.to_json_dict(), ensure_ascii=False)
    assert all(text in whole for text in PATIENT.texts())


@pytest.mark.parametrize("vendor", sorted(SCANNERS["vendors"]))
def test_identifiers_are_legal_unique_and_repeatable(tmp_path, vendor):
    image = build_head(SMALL).image
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = write_dicom_series(image, tmp_path / "a", PATIENT, vendor=vendor)
    again = write_dicom_series(image, tmp_path / "b", PATIENT, vendor=vendor)
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in again]
    later = write_dicom_series(image, tmp_path / "c", PATIENT, vendor=vendor, session=2)
    uids = [pydicom.dcmread(file).SOPInstanceUID for file in (*first, *later)]
    assert len(set(uids)) == len(uids) == 2 * image.shape[2]
    assert all(uid.is_valid and uid.startswith("2.25.") and len(uid) <= 44 for uid in uids)
    one, other = (pydicom.dcmread(files[0]) for files in (first, later))
    assert one.StudyInstanceUID != other.StudyInstanceUID
    assert one.StudyDate < other.StudyDate


def test_two_patients_share_nothing():
    assert not {*PATIENT.texts()[:2]} & {*invented_identity(2).texts()[:2]}
    assert PATIENT.patient_id != invented_identity(2).patient_id
