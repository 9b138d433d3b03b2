"""The whole line on scanner DICOM of small phantoms."""

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

import nibabel as nib
import pytest
from ecdysis.phantom.dicom import write_dicom_study
from ecdysis.phantom.head import HeadSettings
from ecdysis.phantom.identity import invented_identity

SMALL = HeadSettings(spacing_mm=(4.0, 4.0, 4.0), orientation="PIR")
PATIENTS = [invented_identity(seed) for seed in range(3)]


def _scan(scans, number):
    write_dicom_study(scans, PATIENTS[number], SMALL, vendor=("siemens", "ge", "philips")[number])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("dicom")
    for number in (0, 1):
        _scan(root / "scans", number)
    return root


@pytest.fixture(scope="module")
def commands():
    """The command lines of all processes, as `ps` shows them to anybody, until the run ended."""
    return set()


@pytest.fixture(scope="module")
def first_run(place, snakemake, commands):
    over = threading.Event()

    def watch():
        while not over.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    commands.add(path.read_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        run = snakemake(place, "--config", "dicom_dir=scans", "bids_dir=study")
    finally:
        over.set()
        watcher.join()
    assert run.returncode == 0, run.stdout
    return run


def test_the_raw_dataset_is_valid_bids(place, first_run):
    validator = Path(sys.executable).with_name("bids-validator-deno")
    checked = subprocess.run(
        [validator, place / "study", "--ignoreWarnings"],
        capture_output=True,
        text=True,
        env=os.environ | {"NO_COLOR": "1"},
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    names = [f"sub-{n}_{kind}" for n in ("01", "02") for kind in ("T1w", "T2w")]
    assert sorted(path.name for path in (place / "study").glob("sub-*/anat/*")) == sorted(
        name + ending for name in names for ending in (".json", ".nii.gz")
    )


def test_every_image_is_stripped_and_shown(place, first_run):
    results = place / "study/derivatives/ecdysis"
    for subject in ("01", "02"):
        mask = nib.load(results / f"sub-{subject}/anat/sub-{subject}_desc-brain_mask.nii.gz")
        assert mask.get_fdata().any()
        assert (results / f"sub-{subject}.html").is_file()
    assert (results / "index.html").is_file()
    assert not list((results / ".ecdysis").rglob("*.dcm"))


def test_what_is_not_converted_is_listed(place, first_run):
    index = (place / "study/derivatives/ecdysis/index.html").read_text()
    assert "localizer" in index.lower()


def identifying_words():
    words = set()
    for patient in PATIENTS[:2]:
        for value in astuple(patient):
            for text in value if isinstance(value, (list, tuple)) else [value]:
                words |= {part for part in str(text).replace("^", " ").split(" ") if len(part) > 5}
    assert len(words) > 20
    return words


def test_no_process_shows_the_key_or_a_person(place, first_run, commands):
    key = (place / "study-private/key").read_bytes()
    secrets = [key, key.hex().encode(), *(word.encode() for word in identifying_words())]
    assert any(b".snakemake/scripts" in command for command in commands)
    assert [secret for secret in secrets for command in commands if secret in command] == []


def test_the_console_and_the_place_of_the_start_show_no_person(place, first_run):
    assert [word for word in identifying_words() if word in first_run.stdout] == []
    assert not (place / ".snakemake").exists()
    logs = list((place / "study-private/logs").glob("*.snakemake.log"))
    assert len(logs) == 1


def test_nothing_identifying_leaves(place, first_run):
    words = identifying_words()
    leaks = []
    for path in (place / "study").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            leaks += [(path.name, word) for word in words if word.encode() in data]
        leaks += [(path.name, word) for word in words if word in str(path.relative_to(place))]
    assert leaks == []


def test_the_private_directory_is_the_owners_alone(place, first_run):
    private = place / "study-private"
    assert private.stat().st_mode & 0o777 == 0o700
    for path in private.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.is_dir() or path.parent.name == "logs"
    key = (private / "key").read_bytes()
    for path in (place / "study").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert key not in data
            assert key.hex().encode() not in data


def test_an_audit_reads_all_files_about_a_subject(place, first_run, snakemake):
    results = place / "study/derivatives/ecdysis"
    record = results / "logs/sub-01/audit_results.status.json"
    folders = [results / "sub-01", results / "logs/sub-01"]
    told = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert json.loads(record.read_text())["details"]["files"] > len(told) > 40

    sidecar = results / "sub-01/anat/sub-01_desc-brain_T1w.json"
    # The key decides whose images sub-01 has.
    names = [patient.name.partition("^")[0] for patient in PATIENTS[:2]]
    clean = sidecar.read_bytes()
    sidecar.write_bytes(clean.replace(b"{", b'{"Of": "%s",' % " ".join(names).encode(), 1))
    options = ("--force", "--config", "dicom_dir=scans", "bids_dir=study")
    run = snakemake(place, ".ecdysis/audited/sub-01", *options)
    assert run.returncode != 0
    assert "Of holds a word of a person's name (PatientName of the originals)" in run.stdout
    assert "(in sub-01/anat/sub-01_desc-brain_T1w.json)" in run.stdout
    assert not any(name in run.stdout for name in names)
    moved = place / "study-private/failed_audit/sub-01/results" / sidecar.relative_to(results)
    assert "2 files were moved to the private folder" in run.stdout
    assert not sidecar.exists()
    assert names[0].encode() in moved.read_bytes()
    assert snakemake(place, *options[1:]).returncode == 0
    assert sidecar.read_bytes() == clean


def test_again_does_nothing_and_a_new_patient_runs_alone(place, first_run, snakemake):
    # The run after one with failures checks the table once more; the next has nothing to do.
    assert snakemake(place, "--config", "dicom_dir=scans", "bids_dir=study").returncode == 0
    again = snakemake(place, "--config", "dicom_dir=scans", "bids_dir=study")
    assert "Nothing to be done" in again.stdout, again.stdout
    _scan(place / "scans", 2)
    added = snakemake(
        place, "--dry-run", "--verbose", "--config", "dicom_dir=scans", "bids_dir=study"
    )
    assert added.returncode == 0, added.stdout
    told = [line for line in added.stdout.splitlines() if "Job " in line or "rule " in line]
    assert any("sub-03" in line for line in told)
    assert not any("sub-01" in line or "sub-02" in line for line in told)


def test_lint(place, first_run, snakemake):
    run = snakemake(place, "--lint", "--config", "dicom_dir=scans", "bids_dir=study")
    assert run.returncode == 0, run.stdout
