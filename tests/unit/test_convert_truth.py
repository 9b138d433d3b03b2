"""Conversion of real GE and Siemens series gives what dcm2niix gives, and its reference."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from convert import convert, without_dropped

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "dcm_qa_nih.tar.xz"
SERIES = {
    "20180918GE/mr_0004": "DCM2NIIX_regression_test_4",
    "20180918GE/mr_0007": "DCM2NIIX_regression_test_7",
    "20180918Si/mr_0003": "EPI_PE=AP_3",
    "20180918Si/mr_0006": "EPI_PE=LR_6",
}

pytestmark = pytest.mark.skipif(not ARCHIVE.is_file(), reason="the real series are not here")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    for readme in folder.glob("In/*/*/README*"):
        readme.unlink()
    return folder


@pytest.mark.parametrize(("series", "reference"), SERIES.items())
def test_voxels_places_and_fields(real: Path, series: str, reference: str) -> None:
    out = real / "out" / series
    convert(real / "In" / series, out / "image.nii.gz", out / "image.json")
    plain = real / "plain" / series
    plain.mkdir(parents=True)
    dcm2niix = [Path(sys.executable).with_name("dcm2niix"), "-g", "i", "-f", "image"]
    subprocess.run([*dcm2niix, "-o", plain, real / "In" / series], check=True, capture_output=True)
    made = nib.load(out / "image.nii.gz")
    for other in (real / "Ref" / f"{reference}.nii", plain / "image.nii"):
        expected = nib.load(other)
        np.testing.assert_array_equal(made.dataobj, expected.dataobj)
        np.testing.assert_array_equal(made.affine, expected.affine)
    fields = json.loads((out / "image.json").read_text())
    same = json.loads((plain / "image.json").read_text())
    assert fields == without_dropped(same)
    assert set(same) - set(fields) <= {"BidsGuess", "ImageComments", "InstitutionalDepartmentName"}
