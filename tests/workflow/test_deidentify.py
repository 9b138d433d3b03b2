"""De-identification alone: DICOM in, DICOM out."""

import json
from pathlib import Path

import pytest
from ecdysis.phantom.dicom import write_dicom_series, write_dicom_study
from ecdysis.phantom.head import HeadSettings, build_head
from ecdysis.phantom.identity import invented_identity

SMALL = HeadSettings(spacing_mm=(8.0, 8.0, 8.0), orientation="PIR")
PATIENTS = [invented_identity(seed) for seed in range(2)]
CONFIG = ("--config", "dicom_dir=scans", "deid_dir=clean", "key_file=secret/key")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("deidentify")
    for patient in PATIENTS:
        write_dicom_study(root / "scans", patient, SMALL, protocols=("T1w",))
    return root


@pytest.fixture(scope="module")
def first_run(place, snakemake, hashes):
    before = hashes(place / "scans")
    run = snakemake(place, "deidentify", *CONFIG)
    assert run.returncode == 0, run.stdout
    assert hashes(place / "scans") == before, "the input was written to"
    return run


def _files(folder):
    return {path: path.stat().st_ino for path in folder.rglob("*.dcm")}


def test_everything_is_there_and_nobody_is_named(place, first_run):
    given = [path for path in (place / "scans").rglob("*") if path.is_file()]
    scanned = [path for path in given if path.suffix.lower() != ".txt"]
    assert len(_files(place / "clean")) == len(scanned)
    words = {word for patient in PATIENTS for word in patient.texts() if len(word) > 5}
    assert len(words) > 15
    leaks = []
    for folder in (place / "clean", place / "clean-report"):
        for path in folder.rglob("*"):
            text = str(path.relative_to(place)).encode()
            if path.is_file():
                text += path.read_bytes()
            leaks += [(path.name, word) for word in words if word.encode() in text]
    assert leaks == []


def test_the_key_is_in_no_output(place, first_run):
    key = (place / "secret/key").read_bytes()
    assert (place / "secret/key").stat().st_mode & 0o777 == 0o600
    for folder in (place / "clean", place / "clean-report"):
        for path in folder.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                assert key not in data
                assert key.hex().encode() not in data


def test_the_report_tells_what_was_audited(place, first_run):
    text = (place / "clean-report/index.html").read_text()
    assert "values searched in" in text
    assert "sub-02" in text


def test_only_a_new_file_is_made_again(place, first_run, snakemake):
    again = snakemake(place, "deidentify", *CONFIG)
    assert "Nothing to be done" in again.stdout, again.stdout
    before = _files(place / "clean")
    late = place / "scans" / "late"
    write_dicom_series(
        build_head(SMALL).image, late, PATIENTS[0], protocol="localizer", series_number=7
    )
    added = snakemake(place, "deidentify", *CONFIG)
    assert added.returncode == 0, added.stdout
    after = _files(place / "clean")
    assert len(after) > len(before)
    assert before.items() <= after.items()
    records = [
        json.loads(path.read_text())
        for path in (place / "clean-report/logs").glob("*/deidentify.status.json")
    ]
    assert sorted(record["details"]["taken_over"] > 0 for record in records) == [False, True]

    one = next(path for path in late.iterdir() if path.is_file())
    one.write_bytes(one.read_bytes() + b"\0\0")
    changed = snakemake(place, "deidentify", *CONFIG)
    # The key decides which of the two is sub-01.
    again = [name for name in ("sub-01", "sub-02") if f"De-identifying {name}" in changed.log]
    assert len(again) == 1


def test_what_fails_the_audit_is_listed_and_in_no_shared_place(place, first_run, snakemake):
    name = PATIENTS[0].name.partition("^")[0]
    rule = f"select: ImageComments, action: set, value: seen by {name}, override: true"
    (place / "rules.yaml").write_text(f"- {{{rule}, when: {{PatientName: {name}*}}}}\n")
    run = snakemake(place, "deidentify", *CONFIG, "deid={edits: [rules.yaml]}")
    assert run.returncode != 0
    assert "ImageComments holds a word of a person's name" in run.stdout
    assert "add {select: ImageComments, action: remove}" in run.stdout
    states = {
        path.parent.name: json.loads(path.read_text())["state"]
        for path in (place / "clean-report/logs").glob("sub-*/audit.status.json")
    }
    assert sorted(states.values()) == ["done", "failed"]
    assert {path.name for path in (place / "clean").iterdir()} == {
        session for session, state in states.items() if state == "done"
    }
    assert "ImageComments holds" in (place / "clean-report/index.html").read_text()
    shared = [path for top in ("clean", "clean-report") for path in (place / top).rglob("*")]
    assert not [path for path in shared if path.is_file() and name.encode() in path.read_bytes()]
    again = snakemake(place, "deidentify", *CONFIG)
    assert again.returncode == 0, again.stdout
    assert len(list((place / "clean").iterdir())) == 2


def test_headers_are_listed_with_private_values_masked(place, first_run, snakemake):
    run = snakemake(place, "headers", *CONFIG, "headers={select: [PatientName, EchoTime]}")
    assert run.returncode == 0, run.stdout
    assert "EchoTime" in run.stdout
    assert PATIENTS[0].name not in run.stdout
    table = Path(place, "clean-private/headers.tsv")
    assert table.stat().st_mode & 0o777 == 0o600


def test_a_wrong_rule_is_refused_before_any_job(place, snakemake):
    rules = "deid={edits: [{select: PatientNam, action: remove}]}"
    run = snakemake(place, "deidentify", *CONFIG, rules)
    assert run.returncode != 0
    assert "PatientName" in run.stdout
    assert "Traceback" not in run.stdout
