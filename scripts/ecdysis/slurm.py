"""What would make a run on Slurm wait for ever, work twice or tell too much, found beforehand."""

import re
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from ecdysis.errors import InputError

LONGEST_PAUSE = 180
"""Seconds between two looks at the queue, at most; fixed in snakemake-executor-plugin-slurm
2.8.0 (``max_sleep_time``). A job that Slurm forgets in between is waited for without end."""
CHECKS_IN_MEMORY = 3
"""The plugin asks ``sacct`` after all where MinJobAge is below that many first pauses."""
SLACK = 20
"""Seconds that a busy controller may be late in answering."""
LOGS = Path(".snakemake", "slurm_logs")
"""Where the plugin lets jobs write their console text, by default."""
NUMBER_WIDTH, PATH_WIDTH = 20, 1000
"""Columns of ``squeue``; it cuts what is longer."""


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


def check_command(given: Collection[str]) -> None:
    """Raise an InputError when the command line's settings hold the place of identified DICOM.

    Each job's console text begins with the whole command, and Slurm keeps that of a failed job
    in the output directory.
    """
    if "dicom_dir" in given:
        raise InputError(
            "--config dicom_dir",
            "Slurm's logs, in the output directory, would tell the folder, whose name may identify",
            "Write dicom_dir into a file and give that with --configfile, or with the study, in "
            "code/ecdysis.yaml",
        )


def check_queue(output_dir: Path) -> None:
    """Raise an InputError when jobs that write into `output_dir` are in the queue already.

    They are those of a run whose Snakemake was killed: Slurm goes on with its jobs, and a new
    run would submit them a second time, to write the same files.
    """
    columns = f"--Format=JobID:{NUMBER_WIDTH},STDOUT:{PATH_WIDTH}"
    jobs = jobs_of(output_dir, _ask("squeue", "--me", "--noheader", columns))
    if jobs:
        ids = " ".join(jobs)
        raise InputError(
            output_dir,
            f"{len(jobs)} jobs of an earlier run still wait or work here (Slurm jobs {ids})",
            f"Let them end, or stop them with: scancel {ids}",
        )


def jobs_of(output_dir: Path, listing: str) -> list[str]:
    """Return the numbers of the jobs in a listing whose console text goes to `output_dir`.

    Parameters
    ----------
    output_dir : Path
        Absolute. Slurm's logs lie in `LOGS` there.
    listing : str
        A line a job: its number in `NUMBER_WIDTH` columns, then the file of its console text.
    """
    begins = f"{output_dir / LOGS}/"
    rows = ((line[:NUMBER_WIDTH].strip(), line[NUMBER_WIDTH:]) for line in listing.splitlines())
    return list(dict.fromkeys(number for number, log in rows if log.startswith(begins)))


def _seconds(text: str) -> int:
    """Read a number of seconds such as ``300 sec``; 0 when there is none."""
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise InputError(
            command[0],
            f"Slurm does not answer here ({said})",
            "Start the run on a login node of the cluster",
        ) from error
    return done.stdout
