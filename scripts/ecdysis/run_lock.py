"""Only one run at a time can use an output directory, and none while jobs of a killed run work.

Snakemake takes its own lock after the study was opened, and the lock stays when its process is
killed. The locks of this module (flock) are taken earlier and end with their process, so they
distinguish a working run from a killed one. Jobs hold a shared lock, which the package filelock
does not offer. On a file system without locks only Snakemake's lock remains.
"""

import fcntl
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ecdysis.errors import InputError
from ecdysis.leftovers import sweep
from ecdysis.places import HIDDEN

RUN, JOBS = "run.lock", "jobs.lock"
STALE = Path(".snakemake") / "locks"

_held: list[IO[str]] = []


def begin_run(output_dir: Path, private_dir: Path | None, command: Sequence[str]) -> None:
    """Lock the directories of a run for this process, until it ends.

    `output_dir` gets a hidden folder with the locks. `private_dir` is given if the run converts
    DICOM; only one run at a time may write labels there. The error repeats the `command`, the
    arguments of Snakemake, in the command that removes its lock.

    Raises
    ------
    InputError
        A run, or a job of a killed run, uses a directory; a directory cannot be written to; or
        the lock of a killed run is still there.
    """
    hidden = output_dir / HIDDEN
    _hold("output_dir", hidden / RUN)
    if private_dir:
        _hold("private_dir", private_dir / RUN)
    with _opened("output_dir", hidden / JOBS) as stream:
        if not _locked(stream, fcntl.LOCK_EX):
            raise InputError(
                f"output_dir {output_dir}",
                "jobs of a killed run are still running in it",
                "Wait until they have ended, or stop them",
            )
    if "--unlock" in command:
        sweep(output_dir)
    elif any((output_dir / STALE).glob("*")):
        raise InputError(
            f"output_dir {output_dir}",
            "a run in it was killed, and its lock is still there",
            f"Remove it with the command below, then repeat yours:\n  {unlocking(command)}\n"
            "Incomplete results are made again",
        )


def is_at_work(output_dir: Path) -> bool:
    """Return whether a run uses a directory now; False on a file system without locks."""
    try:
        with (output_dir / HIDDEN / RUN).open("rb") as stream:
            return not _locked(stream, fcntl.LOCK_SH)
    except OSError:
        return False


@contextmanager
def working() -> Iterator[None]:
    """Hold the shared lock of a job on the output directory, the working directory of jobs."""
    try:
        stream = (HIDDEN / JOBS).open("a")
    except OSError:
        yield
        return
    with stream:
        _locked(stream, fcntl.LOCK_SH)
        yield


def unlocking(command: Sequence[str]) -> str:
    """Return the command that removes the lock of a killed `command`.

    Examples
    --------
    >>> unlocking(["/usr/bin/snakemake", "--cores", "2"])
    'snakemake --unlock --cores 2'
    """
    return shlex.join(["snakemake", "--unlock", *command[1:]])


def _hold(key: str, path: Path) -> None:
    stream = _opened(key, path)
    if not _locked(stream, fcntl.LOCK_EX):
        stream.seek(0)
        process = stream.read(20).strip()
        raise InputError(
            f"{key} {path.parent.parent if key == 'output_dir' else path.parent}",
            f"another run uses it (process {process or 'unknown'})",
            "Wait until it has ended, or give this run other directories",
        )
    stream.seek(0)
    stream.truncate()
    stream.write(f"{os.getpid()}\n")
    stream.flush()
    _held.append(stream)


def _opened(key: str, path: Path) -> IO[str]:
    try:
        path.parent.mkdir(
            mode=0o700 if key == "private_dir" else 0o777, parents=True, exist_ok=True
        )
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    except OSError as error:
        raise InputError(
            f"{key} {path.parent}",
            f"it cannot be written to ({error.strerror or type(error).__name__})",
            f"Set {key} to a directory that you may write to, on a disk with free space",
        ) from error


def _locked(stream: IO[Any], kind: int) -> bool:
    """Take a lock without waiting; return False if another process holds it."""
    try:
        fcntl.flock(stream, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # This file system has no locks.
        pass
    return True
