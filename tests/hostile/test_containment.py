"""Subjects that fail in different stages stop no other, are told, and alone are tried again."""

import os

import pytest
from ecdysis.report.records import load_run

from tests.hostile.containment import FAULTS, MASKS, repair, write_study
from tests.hostile.faults import finished, started

pytestmark = pytest.mark.faults

SOUND = int(os.environ.get("ECDYSIS_SOUND_SUBJECTS", "5"))
FAILING = int(os.environ.get("ECDYSIS_FAILING_SUBJECTS", str(len(FAULTS))))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("containment")


@pytest.fixture(scope="module")
def expected(place):
    return write_study(place / "study", SOUND, FAILING)


def run_again(place):
    run = started(
        place, "--until", "measure", "refuse", "--config", f"bids_dir={place / 'study'}",
        f"output_dir={place / 'out'}",
        f"skullstrip={{method: none, masks: {place / 'study' / MASKS}}}",
    )  # fmt: skip
    return finished(run, 300 + 30 * (SOUND + FAILING)), run.returncode


@pytest.fixture(scope="module")
def first(place, expected):
    return run_again(place)


def done_and_failed(place):
    """The labels of the subjects whose brain is there, and of the others their fault."""
    done, failed = set(), {}
    for subject in load_run(place / "out").subjects:
        faults = [(stage.name, stage.reason, stage.log) for _, stage in subject.faults]
        faults += [("preflight", item.reason, "") for item in subject.exclusions]
        brain = place / f"out/sub-{subject.label}/anat/sub-{subject.label}_desc-brain_T1w.nii.gz"
        if brain.is_file() and not faults:
            done.add(subject.label)
        elif faults:
            failed[subject.label] = faults[0]
    return done, failed


def test_sound_images_are_done_and_others_are_reported(place, expected, first):
    text, status = first
    assert status != 0
    assert "Traceback" not in text
    done, failed = done_and_failed(place)
    assert len(done) == SOUND
    assert {label: stage for label, (stage, _, _) in failed.items()} == expected
    for label, (stage, reason, log) in failed.items():
        assert reason
        assert str(place) not in reason, reason
        assert stage == "preflight" or (place / "out" / log).is_file()
        assert f"sub-{label}" in text


def test_what_fails_for_good_is_tried_once(expected, first):
    text, _ = first
    for label in expected:
        assert text.count(f"(log: logs/sub-{label}/") <= 1


def test_the_same_command_tries_those_alone(place, expected, first):
    label = next(iter(expected))
    repair(place / "study", label)
    text, status = run_again(place)
    assert status != 0
    tried = {
        line.split("sub-")[1][:3] for line in text.splitlines() if "Job " in line and "sub-" in line
    }
    assert tried <= set(expected)
    done, failed = done_and_failed(place)
    assert label in done
    assert len(done) == SOUND + 1
    assert set(failed) == set(expected) - {label}
