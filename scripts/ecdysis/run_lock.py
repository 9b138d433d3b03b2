"""One run at a time in an output directory, and no run beside the jobs of a killed one.

Snakemake's own lock is taken after the study was opened and stays when its process is killed.
These locks (flock) are taken first and go with the processes that hold them, so they tell a
run that works from one that was killed. Where the file system has no locks there is
Snakemake's alone.
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
    """Take the directories of a run for this process, until it ends.

    Parameters
    ----------
    output_dir : Path
        Gets a hidden folder with the locks.
    private_dir : Path or None
        Where the run fills a dataset from DICOM: its labels have one writer at a time.
    command : sequence of str
        The arguments with which Snakemake was started, to be told with what clears its lock.

    Raises
    ------
    InputError
        A run, or a job of one that was killed, works in a directory; it cannot be written to;
        or the lock of a killed run is still there.
    """
    hidden = output_dir / HIDDEN
    _hold("output_dir", hidden / RUN)
    if private_dir:
        _hold("private_dir", private_dir / RUN)
    with _opened("output_dir", hidden / JOBS) as stream:
        if not _locked(stream, fcntl.LOCK_EX):
            raise InputError(
                f"output_dir {output_dir}",
                "jobs of a run that was killed still work in it",
                "Wait until they have ended, or end them",
            )
    if "--unlock" in command:
        sweep(output_dir)
    elif any((output_dir / STALE).glob("*")):
        raise InputError(
            f"output_dir {output_dir}",
            "a run in it was killed, and its lock is still there",
            f"Clear it with the command below, then give yours again:\n  {unlocking(command)}\n"
            "What was half made is made again",
        )


def is_at_work(output_dir: Path) -> bool:
    """Whether a run works in a directory just now; False where the file system has no locks."""
    try:
        with (output_dir / HIDDEN / RUN).open("rb") as stream:
            return not _locked(stream, fcntl.LOCK_SH)
    except OSError:
        return False


@contextmanager
def working() -> Iterator[None]:
    """Say that a job works in the output directory, which is the working directory of jobs."""
    try:
        stream = (HIDDEN / JOBS).open("a")
    except OSError:
        yield
        return
    with stream:
        _locked(stream, fcntl.LOCK_SH)
        yield


def unlocking(command: Sequence[str]) -> str:
    """Return the command that clears the lock which `command` left.

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
            f"another run works in it (process {process or 'unknown'})",
            "Wait until it has ended, or give this one directories of its own",
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
            f"Give a {key} on a disk with room that you may write to",
        ) from error


def _locked(stream: IO[Any], kind: int) -> bool:
    """Take a lock without waiting; False when somebody else has it."""
    try:
        fcntl.flock(stream, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # This file system has no locks.
        pass
    return True
