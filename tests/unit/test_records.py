"""What became of each subject, told from manifest and status records alone."""

import fcntl
from pathlib import Path

import pytest
from ecdysis.errors import InputError
from ecdysis.places import HIDDEN
from ecdysis.report.model import Stage, worst
from ecdysis.report.provenance import log_tail
from ecdysis.report.records import load_run
from ecdysis.run_lock import RUN

from tests.unit.made_output import MadeOutput


def test_a_missing_manifest_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="output directory of a run"):
        load_run(tmp_path)


def test_each_state_is_distinguished(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    made.record(made.image("02"), "skullstrip", "failed", reason="no space")
    made.record(made.image("03"), "skullstrip", "running")
    made.image("04")
    made.exclude("05", "sub-05/anat/sub-05_T1w", "cut short")
    run = load_run(made.root)
    assert {one.label: one.progress for one in run.subjects} == {
        "01": "done", "02": "failed", "03": "interrupted", "04": "pending", "05": "done",
    }  # fmt: skip
    assert [(name, stage.reason) for name, stage in run.subject("02").faults] == [
        ("sub-02_T1w", "no space")
    ]


def test_what_was_begun_runs_as_long_as_the_run_holds_its_lock(made: MadeOutput) -> None:
    made.record(made.image("01"), "crop", "running")
    assert load_run(made.root).subject("01").progress == "interrupted"
    with (made.root / HIDDEN / RUN).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert load_run(made.root).subject("01").progress == "running"
        assert load_run(made.root, ended=True).subject("01").progress == "interrupted"
    assert load_run(made.root).subject("01").progress == "interrupted"


def test_one_subject_can_be_read_alone(made: MadeOutput) -> None:
    for label in ("01", "02"):
        made.finish(made.image(label))
    run = load_run(made.root, only="02")
    assert [one.progress for one in run.subjects] == ["pending", "done"]


def test_a_subject_is_not_done_before_its_results_are_there(made: MadeOutput) -> None:
    name = made.image("01")
    made.finish(name)
    (made.root / "sub-01/anat/sub-01_desc-brain_mask.nii.gz").unlink()
    assert load_run(made.root).subject("01").progress == "pending"


def test_an_image_is_not_done_before_its_figures(made: MadeOutput) -> None:
    for label in ("01", "02", "03"):
        made.finish(made.image(label), figures=label != "02")
    made.record("sub-01/figures/sub-01_T1w", "figures", "failed", reason="broken")
    run = load_run(made.root)
    progress = [run.subject(label).progress for label in ("01", "02", "03")]
    assert progress == ["failed", "pending", "done"]


def test_one_bad_session_makes_the_subject_failed_and_keeps_the_other(made: MadeOutput) -> None:
    made.finish(made.image("01", session="1"))
    made.record(made.image("01", session="2"), "crop", "failed", reason="no voxel is left")
    subject = load_run(made.root).subject("01")
    assert subject.progress == "failed"
    assert [image.progress for image in subject.images] == ["done", "failed"]


def test_without_skull_stripping_no_mask_is_expected(tmp_path: Path) -> None:
    made = MadeOutput(tmp_path, method="none")
    name = made.image("01")
    made.finish(name, ("reorient", "crop"))
    made.record(name, "skullstrip", "failed", reason="of an earlier run")
    (tmp_path / "sub-01/anat/sub-01_desc-brain_mask.nii.gz").unlink()
    subject = load_run(tmp_path).subject("01")
    assert subject.progress == "done"
    assert [stage.name for stage in subject.images[0].stages] == ["reorient", "crop", "figures"]


def test_a_session_that_failed_is_of_its_subject(made: MadeOutput) -> None:
    made.image("01", session="1", source="dicom")
    made.session("sub-01_ses-1")
    made.record("sub-01_ses-1", "deidentify", "failed", reason="its text is in the private log")
    subject = load_run(made.root).subject("01")
    assert subject.progress == "failed"
    assert subject.faults[0][0] == "sub-01_ses-1"
    assert next(stage.name for stage in subject.images[0].stages) == "convert"


def test_subjects_of_dicom_alone_are_as_their_sessions(made: MadeOutput) -> None:
    for name in ("sub-01_ses-1", "sub-01_ses-2", "sub-02"):
        made.session(name, alone=True)
        made.record(name, "deidentify")
        made.record(name, "audit")
    made.record("sub-01_ses-2", "audit", "failed", reason="the audit found: names of (0010,0010)")
    run = load_run(made.root)
    assert {one.name: one.progress for one in run.subjects} == {
        "sub-01": "failed",
        "sub-02": "done",
    }
    assert run.subjects[0].faults[0][0] == "sub-01_ses-2"
    assert run.dicom
    states = [stage.state for stage in run.dicom.sessions["sub-02"]]
    assert states == ["done", "done", "pending", "pending", "pending"]


def test_conversion_of_an_earlier_run_is_still_reported(made: MadeOutput) -> None:
    name = made.image("01")
    made.finish(name)
    made.record(name, "convert", details={"converter": "dcm2niix"})
    assert load_run(made.root).subject("01").images[0].facts["converter"] == "dcm2niix"


def test_a_record_that_cannot_be_read_is_a_failure(made: MadeOutput) -> None:
    name = made.image("01")
    path = made.root / "logs" / name / "crop.status.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"state": "do', encoding="utf-8")
    assert load_run(made.root).subject("01").faults[0][1].reason == (
        "its status record cannot be read"
    )


def test_warnings_are_reported_once(made: MadeOutput) -> None:
    name = made.image("01")
    for stage in ("crop", "deface"):
        made.record(name, stage, details={"Warnings": ["sform and qform differ"]})
    assert load_run(made.root).subject("01").warnings == [("sub-01_T1w", "sform and qform differ")]


def test_log_tail_shows_the_end_without_control_characters(tmp_path: Path) -> None:
    text = "\n".join(["\x1b[31mred\x1b[0m\x07", *map(str, range(100)), "the end"])
    (tmp_path / "a.log").write_text(text, encoding="utf-8")
    tail = log_tail(tmp_path, Stage("crop", "failed", log="a.log"))
    assert tail is not None
    assert tail.splitlines()[-1] == "the end"
    assert len(tail.splitlines()) == 40
    (tmp_path / "a.log").write_bytes(b"\x1b[31mred\x1b[0m\x07 \xff")
    assert log_tail(tmp_path, Stage("crop", "failed", log="a.log")) == "red \ufffd"


@pytest.mark.parametrize("log", [None, "../secret.log", "/etc/hostname", "missing.log"])
def test_only_a_log_within_the_outputs_is_shown(tmp_path: Path, log: str | None) -> None:
    (tmp_path / "secret.log").write_text("PatientName", encoding="utf-8")
    assert log_tail(tmp_path / "out", Stage("crop", "failed", log=log)) is None


def test_the_worst_state_wins() -> None:
    assert worst(["done", "pending", "interrupted"]) == "interrupted"
    assert worst([]) == "done"
