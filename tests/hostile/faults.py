"""Running the workflow to disturb it, and comparing what it leaves."""

import hashlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

NOT_COMPARED = ("logs", "benchmarks", ".snakemake")
"""Folders that tell when and how long jobs ran."""

NOT_COMPARED_FILES = (".html", ".lock", ".snakemake_timestamp")
"""Pages show dates and durations; locks hold the number of a process."""


def started(cwd: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start the workflow in a session of its own, so that all of it can be killed at once."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    return subprocess.Popen(
        [*command, "--cores", "2", *arguments],
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finished(run: "subprocess.Popen[str]", seconds: float = 900) -> str:
    """Wait for a run, and kill it when it takes too long; return what it told."""
    try:
        return run.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        kill(run, "group")
        raise


def kill(run: "subprocess.Popen[str]", what: str) -> bool:
    """Kill (SIGKILL) the ``run``, one of its ``job`` processes or the whole ``group``."""
    if what == "job":
        jobs = job_processes(run.pid)
        for process in jobs[:1]:
            os.kill(process, signal.SIGKILL)
        return bool(jobs)
    try:
        (os.killpg if what == "group" else os.kill)(run.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def job_processes(session: int) -> list[int]:
    """The processes of a session that run a script of a rule."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes()
            own = int((path / "stat").read_text().rpartition(")")[2].split()[3])
        except (OSError, ValueError, IndexError):
            continue
        if own == session and b".snakemake/scripts/" in command and b"set -" not in command:
            found.append(int(path.name))
    return found


def completed(cwd: Path, *arguments: str, seconds: float = 600) -> list[str]:
    """Give the same command again, and what it tells to do first, until it has ended well.

    Returns
    -------
    list of str
        What was told on the way: the last is of the run that ended well.
    """
    told, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        run = started(cwd, *arguments)
        told.append(finished(run))
        if run.returncode == 0:
            return told
        if clearing := re.search(r"^  (snakemake --unlock .*)$", told[-1], re.MULTILINE):
            command = [sys.executable, "-m", *shlex.split(clearing[1])]
            subprocess.run(command, cwd=cwd, check=True, capture_output=True)
        else:
            time.sleep(0.5)
    raise TimeoutError("\n".join(told[-2:]))


def snapshot(output: Path) -> dict[str, str]:
    """The SHA-256 of every result, by its path; a page counts by its being there."""
    found = {}
    for path in sorted(output.rglob("*")):
        name = path.relative_to(output)
        if not path.is_file() or set(name.parts) & set(NOT_COMPARED):
            continue
        same = path.name.endswith(NOT_COMPARED_FILES)
        found[str(name)] = "" if same else hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def partial_files(output: Path, whole: dict[str, str]) -> list[str]:
    """Files under a final name whose content is not that of the undisturbed run."""
    now = snapshot(output)
    ignored = (".ecdysis/manifest.json", ".ecdysis/discovered.json")
    return [
        name
        for name, digest in now.items()
        if name in whole and digest != whole[name] and name not in ignored
    ]
