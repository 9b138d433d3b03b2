"""Real exports of many scanners: every series has the right name, and is what BIDS allows."""

import tarfile
from pathlib import Path

import pytest

from tests.bench.scanners import run

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "scanners.tar.xz"

NAMES = {
    "dcm_qa_canon": {("10000", "dwi")},
    "dcm_qa_enh": {("6", "task-rest_bold"), ("801", "fieldmap")},
    "dcm_qa_pdt2": {("3", "PDT2")},
    "dcm_qa_sag": {("5", "task-unnamed_bold"), ("2", "magnitude1"), ("2", "task-unnamed_bold")},
    "dcm_qa_uih": {("6", "dir-PA_run-1_dwi"), ("9", "dir-AP_dwi"), ("12", "dir-PA_run-2_dwi")},
    "dcm_qa_xa30": {
        *(("5", "acq-tfl_T1w"), ("7", "task-fa_bold"), ("8", "magnitude"), ("9", "phasediff")),
        *(("10", "dwi"), *((number, "-") for number in ("11", "12", "13", "16", "25", "27"))),
        *(("28", "-"), ("99", "-")),
    },
    "dcm_qa_xa30i": {("7001", "task-fa_bold"), ("10001", "-"), ("18001", "-")},
}
"""Repository -> number and name of each series, checked by a person."""

IMAGES = {
    "dcm_qa_canon": 1,
    "dcm_qa_enh": 3,
    "dcm_qa_pdt2": 2,
    "dcm_qa_sag": 3,
    "dcm_qa_uih": 3,
    "dcm_qa_xa30": 6,
    "dcm_qa_xa30i": 1,
}
"""How many images dcm2niix makes of the named series."""

pytestmark = pytest.mark.skipif(not ARCHIVE.is_file(), reason="the real exports are not here")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scanners")
    with tarfile.open(ARCHIVE) as archive:
        wanted = [one for one in archive if one.name.partition("/")[0] in NAMES]
        archive.extractall(folder, wanted, filter="data")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_an_export_becomes_a_valid_dataset(exports: Path, name: str, tmp_path: Path) -> None:
    outcome = run(exports / name, tmp_path)
    found = {(row.get("number"), row.get("name", "-")) for row in outcome.rows}
    assert found == NAMES[name]
    assert all(row.get("why") for row in outcome.rows)
    assert outcome.problems == []
    assert len(outcome.images) == IMAGES[name]
    assert outcome.errors == []
