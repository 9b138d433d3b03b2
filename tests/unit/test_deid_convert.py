"""A converter makes the same of scanner files before and after de-identification."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from deidentify import deidentify
from ecdysis.files import write_json
from ecdysis.key import Key

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "dcm_qa_nih.tar.xz"
OPTIONS = ["clean_descriptors", "retain_dates_modified", "retain_device", "retain_institution",
           "retain_patient", "retain_safe_private"]  # fmt: skip
SERIES = [("20180918Si", f"mr_{number:04d}") for number in range(3, 7)]
SERIES += [("20180918GE", f"mr_{number:04d}") for number in range(4, 8)]


def convert(folder: Path, target: Path) -> tuple[bytes, dict[str, Any]]:
    target.mkdir()
    command = [
        str(Path(sys.executable).with_name("dcm2niix")),
        "-ba",
        "y",
        "-z",
        "n",
        "-f",
        "image",
        "-o",
        str(target),
        str(folder),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return (target / "image.nii").read_bytes(), json.loads((target / "image.json").read_text())


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.rglob("In"))


@pytest.mark.skipif(not ARCHIVE.is_file(), reason="the real series are not here")
@pytest.mark.parametrize(("scanner", "series"), SERIES)
def test_voxels_affine_and_sidecar_are_the_same(
    scans: Path, scanner: str, series: str, tmp_path: Path
) -> None:
    source = scans / scanner / series
    paths = [str(path) for path in sorted(source.glob("*.dcm"))]
    content = {"session": "sub-01", "subject": "01", "series": {"ser-1": paths}}
    write_json(tmp_path / "list.json", content)
    deidentify(tmp_path / "list.json", tmp_path / "out", Key(b"k" * 32), {"options": OPTIONS})
    image, sidecar = convert(source, tmp_path / "before")
    new_image, new_sidecar = convert(tmp_path / "out" / "ser-1", tmp_path / "after")
    assert new_image == image
    for word in ("DeidentificationMethod", "DeidentificationMethodCodeSequence"):
        assert new_sidecar.pop(word)
    # The patient is called Test^Regression, and a protocol "DCM2NIIX regression test".
    if sidecar["ProtocolName"].endswith("regression test"):
        sidecar["ProtocolName"] = "DCM2NIIX"
    assert new_sidecar == sidecar
