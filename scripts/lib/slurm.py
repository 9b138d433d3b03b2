"""What would make a run on Slurm wait for ever or do work twice, found before it submits a job."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lib.errors import InputError

LONGEST_PAUSE = 180
"""Seconds between two looks at the queue, at most; fixed in snakemake-executor-plugin-slurm
2.8.0 (``max_sleep_time``). A job that Slurm forgets in between is waited for without end."""
CHECKS_IN_MEMORY = 3
"""The plugin asks ``sacct`` after all where MinJobAge is below that many first pauses."""
SLACK = 20
"""Seconds that a busy controller may be late in answering."""


def configuration() -> dict[str, str]:
    """Return what the controller says of its settings; InputError when it does not answer."""
    text = _ask("scontrol", "show", "config")
    lines = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, equals, value in lines if equals}


def check_accounting(slurm: Mapping[str, str], status_command: str, first_pause: int) -> None:
    """Raise an InputError when the end of a job would never be noticed.

    Parameters
    ----------
    slurm : mapping
        The controller's settings, of which AccountingStorageType and MinJobAge count.
    status_command : str
        ``sacct`` or ``squeue``.
    first_pause : int
        Seconds before the first look at the queue.
    """
    if slurm.get("AccountingStorageType", "accounting_storage/none") != "accounting_storage/none":
        return
    if status_command == "sacct":
        raise InputError(
            "--slurm-status-command sacct",
            "this Slurm keeps no accounts (AccountingStorageType is accounting_storage/none), so "
            "sacct knows no job and the run would wait for ever",
            "Add --slurm-status-command squeue",
        )
    age = _seconds(slurm.get("MinJobAge", ""))
    needed = max(CHECKS_IN_MEMORY * first_pause, LONGEST_PAUSE + SLACK)
    if age < needed:
        remedy = "Ask the administrators for a larger MinJobAge or for accounting"
        if age >= LONGEST_PAUSE + SLACK:
            shorter = age // CHECKS_IN_MEMORY
            remedy = f"Give --slurm-init-seconds-before-status-checks {shorter}"
        raise InputError(
            "--slurm-status-command squeue",
            f"this Slurm keeps no accounts and forgets a job {age} s after its end (MinJobAge); "
            f"the queue is looked at after {first_pause} s, later every {LONGEST_PAUSE} s, which "
            f"takes a MinJobAge of {needed} s",
            remedy,
        )


def check_queue(folder: Path) -> None:
    """Raise an InputError when jobs that work in `folder` are in the queue already.

    They are those of a run whose Snakemake was killed: Slurm goes on with its jobs, and a new
    run would submit them a second time, to write the same files.
    """
    listing = _ask("squeue", "--me", "--noheader", "--states=PD,R,S,CF,CG", "--format=%A|%Z")
    jobs = jobs_in(folder, listing)
    if jobs:
        ids = " ".join(jobs)
        raise InputError(
            folder,
            f"{len(jobs)} jobs of an earlier run still wait or work here (Slurm jobs {ids})",
            f"Let them end, or stop them with: scancel {ids}",
        )


def jobs_in(folder: Path, listing: str) -> Sequence[str]:
    """Return the numbers of the jobs in a listing (lines ``number|folder``) that work in `folder`.

    Examples
    --------
    >>> jobs_in(Path("/data/out"), "7|/data/out\\n8|/data/out2\\n7|/data/out\\n")
    ['7']
    """
    lines = (line.partition("|") for line in listing.splitlines())
    found = (number.strip() for number, _, place in lines if Path(place).resolve() == folder)
    return list(dict.fromkeys(found))


def _seconds(text: str) -> int:
    """Read a number of seconds such as ``300 sec``; 0 when there is none."""
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise InputError(
            command[0],
            f"Slurm does not answer here ({said.strip()})",
            "Start the run on a login node of the cluster",
        ) from error
    return done.stdout
