"""The short console: what is shown of a run's messages, to a terminal and to a file."""

import io
import json
import logging
from pathlib import Path

import pytest
from ecdysis.console import handler
from ecdysis.console.handler import Console
from ecdysis.console.outcome import reason_of, status_of
from ecdysis.console.progress import Progress
from ecdysis.settled import settle

JOBS = {1: ("crop", "01"), 2: ("figures", "01"), 3: ("crop", "02"), 4: ("figures", "02")}


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def message(text: str | None, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    """A message as Snakemake sends it."""
    record = logging.LogRecord("snakemake", level, __file__, 1, text, None, None)
    record.__dict__.update(fields)
    return record


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A console of a run of two subjects, in its output directory, and what it wrote."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(handler, "SECONDS_BETWEEN_SUBJECTS", 0.0)

    def begin(stream: io.StringIO) -> Console:
        console = Console(stream, "1.0")
        console.emit(message(None, event="workflow_started"))
        progress = Progress(JOBS, lambda label: "done" if label == "01" else "review")
        console.begin(progress, {"crop": 2, "figures": 0}, results="/out")
        return console

    return begin


def job_info(number: int) -> logging.LogRecord:
    rule, subject = JOBS[number]
    wildcards = {"subject": subject}
    return message(
        None, event="job_info", jobid=number, rule_name=rule, rule_msg="x", wildcards=wildcards
    )


def job_error(number: int, log: str) -> logging.LogRecord:
    return message(
        "e", logging.ERROR, event="job_error", jobid=number, rule_name=JOBS[number][0], log=[log]
    )


def test_what_runs_the_subjects_and_nothing_of_snakemake(run):
    console = run(stream := io.StringIO())
    for number in JOBS:
        console.emit(message("Select jobs to execute..."))
        console.emit(job_info(number))
        console.emit(message("Finished jobid", event="job_finished", job_id=number))
    console.end()
    console.emit(message("Complete log(s): /out/log"))
    lines = stream.getvalue().splitlines()
    assert lines[:2] == [
        "Ecdysis 1.0: 2 subjects, 4 steps (2 crop, 2 figures)",
        "Results: /out",
    ]
    ended = [line.partition("subjects: ")[2].partition(", about")[0] for line in lines[2:-1]]
    assert ended == [
        "1 done, 0 review, 0 failed, 1 to go, 2 of 4 steps",
        "1 done, 1 review, 0 failed, 0 to go, 4 of 4 steps",
    ]
    assert lines[-1] == "Log: /out/log"
    assert "\033" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_a_terminal_gets_one_line_that_is_rewritten(run, monkeypatch):
    monkeypatch.setattr(handler, "OFTEN", 0.0)
    console = run(stream := Terminal())
    console.emit(job_info(1))
    console.emit(message("", event="job_finished", job_id=1))
    console.emit(message("careful", logging.WARNING))
    console.end()
    before, _, after = stream.getvalue().partition("\r\033[K[")
    assert before.count("\n") == 2
    assert "\r\033[Kcareful\n" in after
    assert after.count("\n") == 2


def write_failure(log: Path, reason: str) -> Path:
    """The log and the record that a failed job leaves."""
    record = log.with_name("crop.status.json")
    record.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    content = {"stage": "crop", "state": "failed", "reason": reason, "log": str(log)}
    record.write_text(json.dumps(content))
    return record


def test_a_failure_that_a_retry_repeats_is_shown_once(run):
    console = run(stream := io.StringIO())
    log = Path("logs/sub-01/crop.log")
    settle(write_failure(log, "the image is empty"), log)
    console.emit(job_info(1))
    for _ in range(3):
        console.emit(message("RuleException", logging.ERROR, exception="RuleException"))
        console.emit(job_error(1, str(log)))
        console.emit(message("Trying to restart job 1."))
    lines = stream.getvalue().splitlines()[2:]
    assert lines == ["FAILED sub-01: crop: the image is empty", f"  Log: {log.absolute()}"]


def test_a_failure_from_lack_of_memory_is_shown_for_each_attempt(run):
    console = run(stream := io.StringIO())
    log = Path("logs/sub-01/crop.log")
    write_failure(log, "memory ran out")
    console.emit(job_info(1))
    for _ in range(3):
        console.emit(job_error(1, str(log)))
    starts = [line[:6] for line in stream.getvalue().splitlines()[2:] if "memory" in line]
    assert starts == ["Tried ", "Tried ", "FAILED"]


def test_a_killed_job_is_shown_with_its_log(run):
    console = run(stream := io.StringIO())
    console.emit(job_info(2))
    console.emit(job_error(2, "logs/sub-01/figures.log"))
    assert "FAILED sub-01: figures: it was stopped" in stream.getvalue()
    assert "logs/sub-01/figures.log" in stream.getvalue()


def slurm_job(console: Console) -> dict[str, object]:
    """Begin a Slurm job with two steps; return the fields of the message that it failed."""
    steps = []
    for number in (1, 2):
        console.emit(job_info(number))
        rule = JOBS[number][0]
        steps.append({"jobid": number, "rule_name": rule, "log": [f"logs/sub-01/{rule}.log"]})
    return {
        "event": "group_error",
        "groupid": "sub-01",
        "aux_logs": ["slurm.log"],
        "job_error_info": steps,
    }


def test_in_a_slurm_job_the_failed_step_alone_is_shown(run):
    console = run(stream := io.StringIO())
    log = Path("logs/sub-01/crop.log")
    settle(write_failure(log, "the image is empty"), log)
    console.emit(message("", logging.ERROR, **slurm_job(console)))
    for number in (1, 2):
        record = job_error(number, f"logs/sub-01/{JOBS[number][0]}.log")
        record.indent = True
        console.emit(record)
    failures = [line for line in stream.getvalue().splitlines() if "FAILED" in line]
    assert failures == ["FAILED sub-01: crop: the image is empty"]


def test_a_killed_slurm_job_is_shown_for_each_attempt(run):
    console = run(stream := io.StringIO())
    failed = slurm_job(console)
    for _ in range(3):
        console.emit(message("", logging.ERROR, **failed))
    lines = [line for line in stream.getvalue().splitlines() if "it was stopped" in line]
    assert [line.partition(" sub-01: crop, figures")[0] for line in lines] == [
        *("Tried again:", "Tried again:", "FAILED"),
    ]


def test_warnings_and_errors_are_shown(run):
    console = run(stream := io.StringIO())
    console.emit(message("low disk", logging.WARNING))
    console.emit(message("MissingInputException", logging.ERROR, event="error", exception="M"))
    console.emit(message("WorkflowError:\nAt least one job did not complete", logging.ERROR))
    assert stream.getvalue().splitlines()[2:] == ["low disk", "MissingInputException"]


def test_messages_before_a_run_are_shown():
    console = Console(stream := io.StringIO(), "1.0")
    console.emit(message("Unlocked working directory."))
    assert stream.getvalue() == "Unlocked working directory.\n"


def test_a_dry_run_shows_the_table_once():
    console = Console(stream := io.StringIO(), "1.0", dry_run=True)
    console.emit(message(None, event="workflow_started"))
    for _ in range(2):
        console.emit(message("Job stats:\ncrop 1", event="run_info"))
    assert stream.getvalue().startswith("Job stats:\ncrop 1\nNothing was run")


def test_time_left_is_that_of_the_steps_left():
    progress = Progress({**JOBS, 5: ("figures", "03")}, lambda _: "done")
    assert progress.seconds_left(1.0) is None
    for number, seconds in ((1, 4.0), (3, 4.0), (2, 30.0)):
        progress.begin(number, 0.0)
        progress.finish(number, seconds)
    # 38 s of work in 19 s: two jobs at a time; two figures of 30 s are left.
    assert progress.seconds_left(19.0) == pytest.approx(30.0)


def test_steps_not_seen_yet_are_scaled_to_this_machine():
    progress = Progress({1: ("crop", "01"), 2: ("skullstrip_ants", "01")}, lambda _: "done")
    progress.begin(1, 0.0)
    progress.finish(1, 4.0)  # twice its typical time
    assert progress.seconds_left(4.0) == pytest.approx(120.0)


def test_a_failed_subject_leaves_nothing_to_wait_for():
    progress = Progress(JOBS, lambda _: "done")
    progress.begin(1, 0.0)
    progress.finish(1, 4.0)
    progress.fail(2)
    progress.fail(3)
    assert progress.ended == {"01": "failed", "02": "failed"}
    assert progress.seconds_left(4.0) == 0


def test_the_reason_of_a_private_log_is_that_of_the_newest_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("logs/sub-01")
    folder.mkdir(parents=True)
    stages = {"deidentify": "failed", "audit": "failed", "convert": "done"}
    for hour, (stage, state) in enumerate(stages.items()):
        content = {"stage": stage, "state": state, "reason": f"of {stage}", "log": None}
        content["started"] = f"2026-01-01T0{hour}:00:00"
        (folder / f"{stage}.status.json").write_text(json.dumps(content))
    private = tmp_path / "private/logs/sub-01_deidentify.log"
    assert reason_of(private, "sub-01") == ("audit", "of audit")
    assert reason_of(Path("logs/sub-01/crop.log"), "sub-01") is None


def test_without_a_manifest_a_subject_whose_jobs_ended_is_done(tmp_path):
    assert status_of(tmp_path, {}, "01") == "done"
