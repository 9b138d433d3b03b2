"""The table of elements: paths, counts, masked values."""

import stat
from pathlib import Path

import pytest
from ecdysis.errors import InputError
from headers import headers
from pydicom import Dataset, Sequence
from pydicom.uid import ExplicitVRBigEndian

from tests.canary.builder import Canaries, base, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "scans" / "a"
    folder.mkdir(parents=True)
    for number in range(3):
        ds = base(Canaries(number))
        ds.PatientName, ds.EchoTime = "Smith^Jo", str(30 + number // 2)
        item = Dataset()
        item.ReferencedSOPClassUID, item.StudyDate = "1.2.840.10008.5.1.4.1.1.4", "20200101"
        ds.ReferencedImageSequence = Sequence([item, item])
        ds.private_block(0x0019, "ACME", create=True).add_new(1, "LO", "hidden")
        syntax = {"syntax": ExplicitVRBigEndian} if number == 2 else {}
        (folder / f"{number}").write_bytes(written(ds, **syntax))
    (folder / "notes.txt").write_text("not DICOM" * 50)
    return tmp_path / "scans"


def table(folder: Path, *select: str, show: bool = False) -> dict[str, list[str]]:
    path = folder.parent / "table.tsv"
    details = headers(folder, path, select, {"options": ["retain_safe_private"]}, show=show)
    assert (details["files"], details["passed_over"]) == (3, {"not DICOM": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    _, *rows = [line.split("\t") for line in path.read_text().splitlines()]
    return {row[0]: row[1:] for row in rows}


def test_table(folder: Path) -> None:
    rows = table(folder)
    assert rows["EchoTime"] == ["(0018,0081)", "DS", "", "3", "2", "30", "keep"]
    assert rows["Rows"] == ["(0028,0010)", "US", "", "3", "1", "8", "keep"]
    assert rows["PatientName"][-2:] == ["<8 bytes>", "label"]
    assert rows["(0019,1001)"] == ["(0019,1001)", "LO", "ACME", "3", "1", "<6 bytes>", "private"]
    assert rows["ReferencedImageSequence[*].StudyDate"][2:] == ["", "3", "1", "<8 bytes>", "empty"]
    assert not any("Smith" in cell or "hidden" in cell for row in rows.values() for cell in row)


def test_values_are_shown_on_demand(folder: Path) -> None:
    rows = table(folder, "PatientName", "(0019,ACME,01)", "**.StudyDate", show=True)
    assert {row: cells[5] for row, cells in rows.items()} == {
        "PatientName": "Smith^Jo",
        "(0019,1001)": "hidden",
        "ReferencedImageSequence[*].StudyDate": "20200101",
    }


def test_faults_are_explained(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Did you mean EchoTime"):
        table(folder, "EchoTyme")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no DICOM"):
        headers(tmp_path / "empty", tmp_path / "t", [], {})
