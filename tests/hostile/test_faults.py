"""Kills, a full disk, a disk that cannot be written to, and runs that meet."""

import subprocess
import time
from contextlib import contextmanager

import pytest
from ecdysis.report.records import load_run

from tests.hostile.faults import completed, finished, kill, partial_files, snapshot, started
from tests.hostile.nifti_cases import written

pytestmark = pytest.mark.faults

SUBJECTS = ("a", "b")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("faults") / "study"
    for label in SUBJECTS:
        written()(root, label)
    (root / "dataset_description.json").write_text('{"Name": "n"}')
    return root


def arguments(dataset, output, *more):
    return ("--until", "measure", "derivative_description", "--config", f"bids_dir={dataset}",
            f"output_dir={output}", "skullstrip={method: none}", *more)  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(dataset, tmp_path_factory):
    cwd = tmp_path_factory.mktemp("undisturbed")
    began = time.monotonic()
    completed(cwd, *arguments(dataset, cwd / "out"))
    return snapshot(cwd / "out"), time.monotonic() - began


def same_but_the_manifest(found, whole):
    def without(tree):
        # A run that failed on the way has pages, which this target does not ask for.
        left_out = ("manifest.json", ".html")
        return {name: digest for name, digest in tree.items() if not name.endswith(left_out)}

    return without(found) == without(whole)


@pytest.mark.parametrize(("what", "share"), [("group", 0.6), ("run", 0.75)])
def test_a_killed_run_is_completed_by_the_same_command(dataset, undisturbed, tmp_path, what, share):
    whole, seconds = undisturbed
    run = started(tmp_path, *arguments(dataset, tmp_path / "out"))
    time.sleep(share * seconds)
    while not kill(run, what) and run.poll() is None:
        time.sleep(0.05)
    finished(run)
    assert partial_files(tmp_path / "out", whole) == []
    told = completed(tmp_path, *arguments(dataset, tmp_path / "out"))
    assert all("Traceback" not in text for text in told)
    assert same_but_the_manifest(snapshot(tmp_path / "out"), whole)


@contextmanager
def mounted(place, *options):
    """Mount something, where that is allowed."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, str(place)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


# At the start, among the records of jobs and while pages are written.
@pytest.mark.parametrize("size", ["4k", "40k", "54k"])
def test_a_full_disk_is_reported_and_the_same_command_completes(
    dataset, undisturbed, tmp_path, size
):
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", f"size={size}", "none") as disk:
        run = started(tmp_path, *arguments(dataset, disk / "out"))
        text = finished(run)
        assert run.returncode != 0
        assert "No space left on device" in text
        assert "Traceback" not in text
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        completed(tmp_path, *arguments(dataset, disk / "out"))
        assert same_but_the_manifest(snapshot(disk / "out"), undisturbed[0])


def test_a_read_only_output_is_reported(dataset, tmp_path):
    (tmp_path / "there").mkdir()
    with mounted(tmp_path / "disk", "-o", "bind,ro", str(tmp_path / "there")) as disk:
        run = started(tmp_path, *arguments(dataset, disk / "out"))
        text = finished(run)
    assert run.returncode != 0
    assert "Nothing was run. output_dir" in text
    assert "cannot be written to" in text
    assert "Traceback" not in text


def test_a_dataset_on_a_disk_that_cannot_be_written_to_is_processed(dataset, undisturbed, tmp_path):
    with mounted(tmp_path / "disk", "-o", "bind,ro", str(dataset)) as disk:
        told = completed(disk, *arguments(disk, tmp_path / "out"))
    assert "Failed" not in told[-1].replace("Failed to setup log file", "")
    found = snapshot(tmp_path / "out")
    images = [name for name in undisturbed[0] if name.endswith(".nii.gz")]
    assert images
    assert [found[name] for name in images] == [undisturbed[0][name] for name in images]


def test_runs_that_meet(dataset, undisturbed, tmp_path):
    first = started(tmp_path, *arguments(dataset, tmp_path / "one"))
    other = started(tmp_path, *arguments(dataset, tmp_path / "two"))
    lock = tmp_path / "one/.ecdysis/run.lock"
    while not (lock.exists() and lock.read_text()) and first.poll() is None:
        time.sleep(0.05)
    manifest = tmp_path / "one/.ecdysis/manifest.json"
    second = started(tmp_path, *arguments(dataset, tmp_path / "one", "participant_label=a"))
    unlocked = started(tmp_path, "--unlock", *arguments(dataset, tmp_path / "one"))
    for run in (second, unlocked):
        text = finished(run)
        assert first.poll() is None, "the first run ended too early for this test"
        assert run.returncode != 0
        assert f"another run uses it (process {first.pid})" in text
    finished(first)
    finished(other)
    assert (first.returncode, other.returncode) == (0, 0)
    assert len(load_run(tmp_path / "one").subjects) == len(SUBJECTS)
    assert manifest.is_file()
    for output in ("one", "two"):
        assert same_but_the_manifest(snapshot(tmp_path / output), undisturbed[0])


def test_nothing_of_this_was_left(dataset):
    assert sorted(path.name for path in dataset.iterdir()) == [
        "dataset_description.json",
        *(f"sub-{label}" for label in SUBJECTS),
    ]
