"""The workflow on a real Slurm of one node: the same results as on one machine.

    python -m pytest -m slurm

Skipped, with the reason, where Slurm is not installed.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import yaml
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

from tests.workflow.conftest import ROOT
from tests.workflow.slurm_node import one_node, why_not

pytest.importorskip("snakemake_executor_plugin_slurm")
REASON = why_not()
pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(REASON is not None, reason=REASON or ""),
]

SMALL = HeadSettings(spacing_mm=(5.0, 5.0, 5.0), orientation="LPI")
SETTINGS = ("bids_dir=study", "skullstrip={method: none}")
TIMES = ("logs", "benchmarks", ".snakemake", ".ecdysis")
"""Folders that say when and how long."""


@pytest.fixture(scope="module")
def node():
    # Sockets allow no long paths, as those of pytest's folders are.
    with tempfile.TemporaryDirectory(prefix="slurm") as folder, one_node(Path(folder), cpus=4):
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A study of six sessions; the last image is damaged where only reading it all shows it."""
    root = tmp_path_factory.mktemp("cluster")
    write_bids(root / "study", 2, 3, settings=SMALL)
    damaged = root / "study/sub-02/ses-3/anat/sub-02_ses-3_T1w.nii.gz"
    content = bytearray(damaged.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    damaged.write_bytes(content)
    yield root
    # A Snakemake that is cancelled while it cleans up waits for itself; Slurm kills it after
    # KillWait, but a node that is stopped before does not.
    subprocess.run(["pkill", "-KILL", "-f", str(root)], check=False)


@pytest.fixture(scope="module")
def profile(place):
    """The profile of the workflow; the figures get too little memory at first."""
    settings = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    settings["set-resources"]["figures"]["mem_mb"] = "230 * attempt ** 2"
    settings["retries"] = 1
    settings["slurm-status-command"] = "squeue"
    settings["slurm-init-seconds-before-status-checks"] = 1
    path = place / "profile/config.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(settings))
    return path.parent


def command(profile, *settings):
    start = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    return [*start, "--workflow-profile", profile, "--config", *SETTINGS, *settings]


def run(place, profile, *arguments):
    return subprocess.run(
        [*command(profile), *arguments],
        cwd=place,
        env=os.environ | {"NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def on_cluster(place, node, profile):
    return run(place, profile, "output_dir=cluster")


@pytest.fixture(scope="module")
def on_one_machine(place, snakemake):
    return snakemake(place, "--config", *SETTINGS, "output_dir=local")


def files(folder):
    """The files of a results folder with their SHA-256, those that hold times left out."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    inside = {path.relative_to(folder): path for path in paths}
    return {
        str(name): "a page"
        if name.suffix == ".html"
        else hashlib.sha256(path.read_bytes()).digest()
        for name, path in inside.items()
        if name.parts[0] not in TIMES
    }


def slurm_logs(place, group):
    """The console texts of the attempts of a group or job, in order."""
    paths = (place / "cluster/.snakemake/slurm_logs").glob(f"{group}/*")
    return [path.read_text() for path in sorted(paths, key=lambda path: int(path.stem))]


def test_the_results_are_those_of_one_machine(place, on_cluster, on_one_machine):
    assert on_cluster.returncode != 0
    assert on_one_machine.returncode != 0
    results = files(place / "cluster")
    assert results == files(place / "local"), on_cluster.stdout
    assert len([name for name in results if name.endswith("preproc_T1w.nii.gz")]) == 5
    assert "Images: 1 failed, 5 done" in on_cluster.stdout


def test_shards_are_submitted_and_joined(place, node, on_one_machine):
    settings = place / "none.yaml"
    settings.write_text(yaml.safe_dump({"skullstrip": {"method": "none"}}))
    words = ["study", "joined", "participant", "--shards", "2", "--cores", "2"]
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/command_line.py", *words, "--", "--configfile", settings],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    wait_until(lambda: not queue(), minutes=5)
    logs = [path.read_text() for path in place.glob("ecdysis-*.log")]
    assert len(logs) == 3, done.stdout
    made = "*/anat/*_desc-preproc_T1w.nii.gz"
    joined = {path.name: path.read_bytes() for path in place.glob(f"joined/sub-*/{made}")}
    alone = {path.name: path.read_bytes() for path in place.glob(f"local/sub-*/{made}")}
    assert joined == alone, logs
    assert len(joined) == 5
    assert "sub-02_ses-3_T1w" in (place / "joined/index.html").read_text()


def test_what_lacked_memory_is_tried_with_more(place, on_cluster):
    (first,) = slurm_logs(place, "rule_figures/01_sub-01_ses-1_T1w")
    assert "exceeded memory limit" in first
    record = json.loads(
        (place / "cluster/logs/sub-01/figures/sub-01_ses-1_T1w/figures.status.json").read_text()
    )
    assert record["state"] == "done"
    assert record["peak_memory_mb"] > 230


def test_what_cannot_succeed_is_not_done_twice(place, on_cluster):
    first, second = slurm_logs(place, "group_sub-02_ses-3_T1w_*")
    assert "reorient failed" in first
    assert "reorient is not tried again" in second
    logs = place / "cluster/logs/sub-02/ses-3/anat/sub-02_ses-3_T1w"
    assert "damaged" in json.loads((logs / "reorient.status.json").read_text())["reason"]
    assert "BadGzipFile" in (logs / "reorient.log").read_text()
    assert "status record cannot be read" not in on_cluster.stdout


def test_a_slurm_without_accounts_is_reported_before_jobs_wait(place, node):
    refused = run(place, "slurm", "output_dir=refused")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stdout
    assert "--slurm-status-command squeue" in refused.stdout.splitlines()[-1]


def test_jobs_of_a_killed_run_are_not_submitted_again(place, node, profile):
    out = "output_dir=killed"
    with (place / "killed.log").open("w") as log:
        main = subprocess.Popen(
            [*command(profile), out], cwd=place, stdout=log, stderr=log, start_new_session=True
        )
    wait_until(lambda: len(queue()) > 0)
    os.kill(main.pid, signal.SIGKILL)
    main.wait()
    left = queue()
    assert left, "the jobs go on"
    run(place, profile, out, "--unlock")
    again = run(place, profile, out)
    assert again.returncode != 0
    assert "an earlier run" in again.stdout
    assert all(job in again.stdout for job in queue())

    subprocess.run(["scancel", *left], check=True, timeout=60)
    wait_until(lambda: not queue())
    free = run(place, profile, out, "--until", "derivative_description")
    assert free.returncode == 0, free.stdout


def queue():
    listing = ["squeue", "--noheader", "--format=%A"]
    done = subprocess.run(listing, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.split()


def wait_until(condition, minutes=1):
    for _ in range(240 * minutes):
        if condition():
            return
        time.sleep(0.25)
    pytest.fail(f"waited for {minutes} min")
