"""From a messy export of several patients, visits and vendors to a valid BIDS dataset."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dicom_builder import EPI, FIELD_MAP, FLAIR, MPRAGE, T2, write_series

PHILIPS = {"Manufacturer": "Philips Medical Systems"}
PHASE = {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"], "EchoTime": 7.38}
DIRECTIONS = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
DWI = [
    {"DiffusionBValue": 1000.0 if any(one) else 0.0, "DiffusionGradientOrientation": one}
    for one in DIRECTIONS
]
ECHOES = [{"EchoTime": time, "EchoNumbers": at} for at, time in ((1, 1.69), (2, 3.55))]
PARTS = [{"ImageType": ["ORIGINAL", "PRIMARY", part, "ND"]} for part in ("M", "P")]
PERSON = {"PatientAge": "093Y", "PatientSex": "F", "AcquisitionDate": "20200101"}
OPTIONS = "deid={options: [retain_safe_private, retain_patient, retain_dates_modified]}"


def _whole_session(scans):
    """A session with every kind of image, of a patient whose texts are all illegal in BIDS."""
    patient, study = "../../Ödön 'x'\"", "whole"

    def write(series, number, description, header=EPI, **more):
        write_series(
            scans / "All in one/Größe (1)", patient, study, series, header=header,
            SeriesNumber=number, SeriesDescription=description, name=f"{series}{{}}.ima",
            SpecificCharacterSet="ISO_IR 192", **PERSON, **more,
        )  # fmt: skip

    write("scout", 1, "localizer", MPRAGE, slices=3)
    write("t1", 2, "t1/mprage\n..", MPRAGE)
    write("flair", 3, "t2_flair 'sag'", FLAIR)
    write("rest", 4, "ep2d_bold_rest", volumes=12)
    write("again", 5, "ep2d_bold_rest", volumes=12)
    write("sb", 6, "faces_SBRef")
    write("faces", 7, "task-faces_bold", volumes=12)
    write("mag1", 8, "gre_field_mapping", FIELD_MAP)
    write("mag2", 9, "gre_field_mapping", {**FIELD_MAP, "EchoTime": 7.38})
    write("phase", 10, "gre_field_mapping", {**FIELD_MAP, **PHASE})
    write("dwi", 11, "DTI_64", {**EPI, **PHILIPS}, volumes=4, by_volume=DWI)
    write("asl", 13, "pcasl", volumes=4)
    write("mean", 14, "MIP range", {**MPRAGE, "ImageType": ["DERIVED", "SECONDARY", "MIP"]})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The export, in which two patients lie in one folder, and files are lost or doubled."""
    root = tmp_path_factory.mktemp("conversion")
    scans = root / "scans"
    _whole_session(scans)
    for patient, study in (("B", "b"), ("C", "c")):
        write_series(scans / "two patients", patient, study, name=f"{patient}{{}}")
    write_series(scans / "c2", "C", "c later", StudyDate="20210506", header={**MPRAGE, **PHILIPS})
    write_series(scans / "gap", "B", "b", "gap", skip={5}, SeriesNumber=8, header=T2)
    write_series(scans / "twice", "B", "b", "twice", SeriesNumber=9, header=T2)
    shutil.copytree(scans / "twice", scans / "copy of twice")
    write_series(scans / "mixed", "B", "b", "mixed", SeriesNumber=10)
    write_series(scans / "mixed too", "C", "b", "mixed", SeriesNumber=10, name="other{}")
    write_series(scans / "none", "B", "b", "none", SeriesNumber=11, Rows=0, slices=1)
    write_series(scans / "only", "D", "d", slices=3, SeriesDescription="localizer")
    write_series(scans / "first name", "E1", "e", "one")
    for study, date, volumes in (("e too", "20220101", ECHOES), ("e three", "20230101", PARTS)):
        write_series(
            scans / f"married name, {date}", "E2", study, StudyDate=date,
            volumes=2, by_volume=volumes,
        )  # fmt: skip
    cut = write_series(scans / "cut", "B", "b", "cut", SeriesNumber=12, slices=1)[0]
    cut.write_bytes(cut.read_bytes()[:-40])
    (scans / "notes.txt").write_text("not for you")
    people = ["patient_id\tparticipant_label\n", "../../Ödön 'x'\"\tall\n"]
    people += [f"{patient}\t{label}\n" for patient, label in zip("BCD", "bcd", strict=True)]
    people += ["E1\te\n", "E2\te\n"]
    (root / "people.tsv").write_text("".join(people), encoding="utf-8")
    return root


ARGUMENTS = (
    *("--config", "dicom_dir=scans", "bids_dir=my study", "participants_map=people.tsv"),
    *("keep_sourcedata=true", "skullstrip={method: none}", OPTIONS),
)


@pytest.fixture(scope="module")
def first_run(place, snakemake, hashes):
    before = hashes(place / "scans")
    run = snakemake(place, *ARGUMENTS)
    assert run.returncode == 0, run.stdout
    assert hashes(place / "scans") == before, "the input was written to"
    return run


@pytest.fixture(scope="module")
def study(place, first_run):
    return place / "my study"


def images(study):
    found = (study / "dummy").parent.glob("sub-*/**/*.nii.gz")
    return sorted(path.relative_to(study).as_posix() for path in found)


def sidecar(study, name):
    return json.loads((study / f"{name}.json").read_text())


def errors(dataset):
    validator = Path(sys.executable).with_name("bids-validator-deno")
    checked = subprocess.run(
        [validator, dataset, "--ignoreWarnings", "--format", "json"],
        capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"}, check=False,
    )  # fmt: skip
    return json.loads(checked.stdout)["issues"]["issues"]


def test_every_image_has_its_name(study):
    assert images(study) == [
        "sub-all/anat/sub-all_FLAIR.nii.gz",
        "sub-all/anat/sub-all_T1w.nii.gz",
        "sub-all/dwi/sub-all_dwi.nii.gz",
        "sub-all/fmap/sub-all_magnitude1.nii.gz",
        "sub-all/fmap/sub-all_magnitude2.nii.gz",
        "sub-all/fmap/sub-all_phasediff.nii.gz",
        "sub-all/func/sub-all_task-faces_bold.nii.gz",
        "sub-all/func/sub-all_task-faces_sbref.nii.gz",
        "sub-all/func/sub-all_task-rest_run-1_bold.nii.gz",
        "sub-all/func/sub-all_task-rest_run-2_bold.nii.gz",
        "sub-b/anat/sub-b_T1w.nii.gz",
        "sub-b/anat/sub-b_T2w.nii.gz",
        "sub-c/ses-01/anat/sub-c_ses-01_T1w.nii.gz",
        "sub-c/ses-02/anat/sub-c_ses-02_T1w.nii.gz",
        "sub-e/ses-01/anat/sub-e_ses-01_T1w.nii.gz",
        "sub-e/ses-02/anat/sub-e_ses-02_echo-1_T1w.nii.gz",
        "sub-e/ses-02/anat/sub-e_ses-02_echo-2_T1w.nii.gz",
        "sub-e/ses-03/anat/sub-e_ses-03_part-mag_T1w.nii.gz",
        "sub-e/ses-03/anat/sub-e_ses-03_part-phase_T1w.nii.gz",
    ]


def test_the_dataset_and_its_derivatives_are_valid(study):
    assert errors(study) == []
    assert errors(study / "derivatives/ecdysis") == []


def test_the_report_has_the_validators_summary(study):
    page = (study / "derivatives/ecdysis/index.html").read_text()
    assert "bids-validator-deno with BIDS schema" in page
    assert re.search(r"participants: 0 errors, \d+ warnings", page)


@pytest.mark.parametrize(
    "line",
    [
        "named as a localizer",
        "1 slices are missing between the first and the last",
        "files of different patients have its SeriesInstanceUID",
        "no image among its 1 series",
        "the file is cut short",
        "BIDS requires the type of each of its 4 volumes",
        "reformatted, projected, subtracted or resampled from another series",
        "it has no image",
    ],
)
def test_series_that_are_not_converted_are_reported_with_the_reason(study, line):
    results = study / "derivatives/ecdysis"
    pages = [path.read_text() for path in results.glob("*.html")]
    assert any(line in page for page in pages)


def test_functional_and_diffusion_images_have_what_bids_demands(study):
    assert sidecar(study, "sub-all/func/sub-all_task-rest_run-1_bold")["TaskName"] == "rest"
    values = (study / "sub-all/dwi/sub-all_dwi.bval").read_text().split()
    assert [float(value) for value in values] == [0, 1000, 1000, 1000]
    assert len((study / "sub-all/dwi/sub-all_dwi.bvec").read_text().splitlines()) == 3


def test_field_maps_know_their_images(study):
    phase = sidecar(study, "sub-all/fmap/sub-all_phasediff")
    assert (phase["EchoTime1"], phase["EchoTime2"]) == (0.00492, 0.00738)
    targets = [name for name in images(study) if re.search("bold|sbref|dwi", name)]
    assert sorted(phase["IntendedFor"]) == [f"bids::{name}" for name in targets]
    for name in ("magnitude1", "magnitude2", "phasediff"):
        one = sidecar(study, f"sub-all/fmap/sub-all_{name}")
        assert one["B0FieldIdentifier"] == phase["B0FieldIdentifier"]
    for name in targets:
        source = sidecar(study, name.removesuffix(".nii.gz"))["B0FieldSource"]
        assert source == phase["B0FieldIdentifier"]


def test_tables_have_only_retained_ages_sexes_and_times(study):
    lines = (study / "participants.tsv").read_text().splitlines()
    assert sorted(line.split("\t")[0] for line in lines) == [
        "participant_id", "sub-all", "sub-b", "sub-c", "sub-e",
    ]  # fmt: skip
    assert "93" not in (study / "participants.tsv").read_text()
    scans = (study / "sub-all/sub-all_scans.tsv").read_text().splitlines()
    times = dict(line.split("\t") for line in scans)
    assert set(times) - {"filename"} == {
        name.removeprefix("sub-all/") for name in images(study) if name.startswith("sub-all/")
    }
    time = times["anat/sub-all_T1w.nii.gz"]
    assert re.fullmatch(r"16(0|1)\d-\d\d-\d\dT10:20:00(\.0+)?", time)


def test_the_dicom_is_kept_without_identity(place, study):
    kept = list((study / "sourcedata").rglob("*.dcm"))
    assert len(kept) > 200
    assert (study / "sourcedata/sub-c/ses-02").is_dir()
    assert not any(b"Secret" in path.read_bytes() for path in kept)


def test_nothing_of_a_header_is_in_a_name(study):
    for path in study.rglob("*"):
        if "derivatives" not in path.parts:
            assert re.fullmatch(r"[A-Za-z0-9_.-]+", path.name), path


def test_again_does_nothing(place, study, snakemake):
    again = snakemake(place, *ARGUMENTS)
    assert "Nothing to be done" in again.stdout, again.stdout


def test_new_sessions_are_added_and_nothing_else_changes(place, study, snakemake, hashes):
    before = hashes(study)
    lost = "sub-all/func/sub-all_task-faces_bold.nii.gz"
    (study / lost).unlink()
    write_series(place / "scans/later", "B", "b later", StudyDate="20230101")
    write_series(
        place / "scans/later rest", "B", "b later", "rest", StudyDate="20230101", header=EPI,
        volumes=12, SeriesDescription="rest", SeriesNumber=5,
    )  # fmt: skip
    write_series(place / "scans/two patients", "C", "c", name="C{}", slices=14)
    run = snakemake(place, *ARGUMENTS)
    assert run.returncode == 0, run.stdout
    after = hashes(study)
    tables = {"participants.tsv"}
    assert {name: after[name] for name in before if name not in tables} == {
        name: before[name] for name in before if name not in tables
    }
    new = set(after) - set(before)
    assert {name for name in new if name.endswith(".nii.gz")} == {
        "sub-b/ses-02/anat/sub-b_ses-02_T1w.nii.gz",
        "sub-b/ses-02/func/sub-b_ses-02_task-rest_bold.nii.gz",
    }
    page = (study / "derivatives/ecdysis/index.html").read_text()
    assert "the DICOM files of sub-c/ses-01/anat/sub-c_ses-01_T1w have changed" in page
    assert errors(study) == []


def test_the_plan_is_printed_written_and_rules(place, snakemake, tmp_path):
    scans = f"dicom_dir={place / 'scans'}"
    shown = snakemake(tmp_path, "plan", "--config", scans)
    assert shown.returncode == 0, shown.stdout
    assert re.search(r"sub-\d+ +4 +task-rest_run-1_bold +high +echo-planar", shown.stdout)
    assert "Ödön" not in shown.stdout
    table = tmp_path / "plan.tsv"
    assert table.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".snakemake", "plan.html", "plan.tsv",
    ]  # fmt: skip
    text = table.read_text()
    table.write_text(text.replace("\ttask-rest_run-1_bold\t", "\ttask-calm_bold\t"))
    again = snakemake(tmp_path, "plan", "--config", scans)
    assert re.search(r"4 +task-calm_bold", again.stdout), again.stdout
    dry = snakemake(
        tmp_path, "--dry-run", "--config", scans, "plan=plan.tsv", "bids_dir=new",
        "skullstrip={method: none}",
    )  # fmt: skip
    assert dry.returncode == 0, dry.stdout
    assert "convert_session" in dry.stdout
    assert not (tmp_path / "new").exists(), "a dry run writes nothing"


def test_a_plan_that_cannot_be_stops_the_run(place, snakemake, tmp_path):
    (tmp_path / "plan.tsv").write_text("series\tname\nser-1\ttask-x_blod\n")
    run = snakemake(
        tmp_path, "-n", "--config", f"dicom_dir={place / 'scans'}", "plan=plan.tsv", "bids_dir=new"
    )
    assert run.returncode != 0
    assert "plan.tsv, line 2: BIDS has no MR image blod; the nearest is bold" in run.stdout
    assert "Traceback" not in run.stdout
