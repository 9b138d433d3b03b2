"""What a job leaves behind when it fails, and what its next attempt makes of it."""

import errno
import json
import subprocess
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from ecdysis.errors import InputError
from ecdysis.job import recorded
from ecdysis.memory import lacked_memory
from ecdysis.settled import forget_settled


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return SimpleNamespace(
        log="logs/sub-01/job.log", threads=1, wildcards={"subject": "01"}, input={}
    )


def attempt(job, error=None):
    """Run a job as Snakemake does, which removes its log before; return how often it worked."""
    Path(job.log).unlink(missing_ok=True)
    work = []
    with suppress(SystemExit), recorded(job, "crop"):
        work.append(1)
        if error is not None:
            raise error
    return len(work)


def status(job, stage="crop"):
    return json.loads(Path(job.log).with_name(f"{stage}.status.json").read_text())


@pytest.mark.parametrize(
    "error", [InputError("crop.x", "it is empty", "Widen it"), ValueError("3")]
)
def test_what_cannot_succeed_is_not_done_again(job, error):
    assert attempt(job, error) == 1
    first, log = status(job), Path(job.log).read_text()
    assert attempt(job) == 0
    assert status(job) == first
    assert Path(job.log).read_text() == log
    assert "Traceback" in log


def test_a_full_disk_is_reported_with_the_remedy(job, capsys):
    attempt(job, OSError(errno.ENOSPC, "no room", "somewhere"))
    assert status(job)["reason"] == (
        "disk: No space left on device. Make room, or give another output_dir."
    )
    assert "Traceback" not in capsys.readouterr().err


def test_in_another_run_it_is_done_again(job):
    attempt(job, ValueError("3"))
    forget_settled(Path())
    assert attempt(job) == 1
    assert status(job)["state"] == "done"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("Return code: 137")])
def test_what_lacked_memory_is_done_again(job, error):
    assert attempt(job, error) == 1
    assert "memory ran out" in status(job)["reason"]
    assert attempt(job) == 1
    assert status(job)["state"] == "done"


def test_what_was_stopped_from_outside_is_done_again(job):
    with pytest.raises(KeyboardInterrupt):
        attempt(job, KeyboardInterrupt())
    assert "interrupted" in status(job)["reason"]
    assert attempt(job) == 1


def test_a_lack_of_memory_is_seen_through_what_came_of_it():
    error = InputError("image", "it cannot be read", "Copy it again")
    error.__cause__ = MemoryError()
    assert lacked_memory(error)


def test_a_program_that_the_kernel_killed_lacked_memory():
    with pytest.raises(subprocess.CalledProcessError) as killed:
        subprocess.run(["sh", "-c", "kill -9 $$"], check=True)
    assert lacked_memory(killed.value)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        subprocess.run(["false"], check=True)
    assert not lacked_memory(failed.value)


def test_a_job_of_several_stages_has_one_log(job):
    for stage in ("deidentify", "audit"):
        with recorded(job, stage):
            print(stage)
    assert Path(job.log).read_text() == "deidentify\naudit\n"
    assert [status(job, stage)["state"] for stage in ("deidentify", "audit")] == ["done"] * 2


def test_an_error_names_the_raw_image_and_not_the_temporary_one(job):
    job.input = {"image": "hidden/r.nii", "raw_image": "study/a.nii.gz"}
    with suppress(SystemExit), recorded(job, "crop"):
        raise InputError("hidden/r.nii", "it is empty", "Fill it")
    assert status(job)["reason"].startswith("study/a.nii.gz: it is empty")


def test_a_record_can_be_of_another_unit_than_the_log(job):
    with recorded(job, "audit", unit="sub-02", private=True):
        pass
    record = json.loads(Path("logs/sub-02/audit.status.json").read_text())
    assert (record["state"], record["log"]) == ("done", None)
