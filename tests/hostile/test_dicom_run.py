"""One run over all hostile DICOM files at once, with a sound patient among them."""

import json
from pathlib import Path

import pytest
from ecdysis.dicom.index import index

from tests.dicom_builder import write_series
from tests.hostile.dicom_cases import CASES, SECRET
from tests.hostile.test_bids_run import listing
from tests.workflow.conftest import snakemake  # noqa: F401 - a fixture

SOUND = "Liskov^Barbara"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of scans under the patients' names, as exports have them."""
    place = tmp_path_factory.mktemp("outside")
    scans = place / SECRET
    for number, case in enumerate(CASES):
        (scans / f"{number:02d}").mkdir(parents=True)
        case.make(scans / f"{number:02d}", f"f{number:02d}")
    write_series(scans / "sound", "S1", "sound", PatientName=SOUND)
    return place


@pytest.fixture(scope="module")
def run(place, snakemake, tmp_path_factory):  # noqa: F811
    cwd = tmp_path_factory.mktemp("cwd")
    before = listing(place / SECRET)
    done = snakemake(
        cwd, "deidentify", "--config", f"dicom_dir={place / SECRET}", f"deid_dir={place / 'clean'}"
    )
    assert listing(place / SECRET) == before, "the input was written to"
    assert listing(cwd) == {}, "something was left where the run was started"
    assert {path.name for path in place.iterdir()} == {
        SECRET,
        "clean",
        "clean-report",
        "clean-private",
    }
    return done


def test_the_run_ends_well_and_without_a_traceback(run):
    assert run.returncode == 0, run.stdout
    assert "Traceback" not in run.stdout
    assert "onerror=alert" not in run.stdout


def test_what_is_left_out_is_counted_with_its_reason(place, run, tmp_path):
    manifest = json.loads((place / "clean-report/.ecdysis/manifest.json").read_text())
    told = {item["reason"]: item["files"] for item in manifest["plan"]["excluded"]}
    found = index(place / SECRET, tmp_path / "index.json")
    assert found.skipped
    for reason in ("the file is cut short", "its header cannot be read"):
        assert any(reason in line for line in told), told
    aside = json.loads(next((place / "clean-report/logs").rglob("deidentify*json")).read_text())
    assert aside["state"] == "done"


def test_the_sound_patient_is_whole(place, run):
    sizes = sorted(len(list(folder.glob("*.dcm"))) for folder in (place / "clean").glob("sub-*/*"))
    assert sizes[-1] == 12


def test_no_name_and_no_key_is_anywhere_but_in_the_private_folder(place, run):
    key = (place / "clean-private/key").read_bytes()
    words = [key, key.hex().encode(), *(part.encode() for part in SECRET.split("^"))]
    words += [part.encode() for part in SOUND.split("^")]
    leaks = []
    for folder in ("clean", "clean-report"):
        for path in (place / folder).rglob("*"):
            data = path.read_bytes() if path.is_file() else b""
            data += str(path.relative_to(place)).encode()
            leaks += [(str(path), word) for word in words if word in data]
    assert leaks == []


def test_names_of_files_go_no_further_than_the_private_folder(place, run):
    pages = b"".join(p.read_bytes() for p in (place / "clean-report").rglob("*") if p.is_file())
    assert b"touch pwned" not in pages
    assert not list(Path(place).rglob("pwned"))
