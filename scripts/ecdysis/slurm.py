"""Checks before a Slurm run: jobs that are waited for endlessly, duplicate jobs, leaked paths."""

import re
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from ecdysis.errors import InputError

LONGEST_PAUSE = 180
"""Maximum seconds between two queries of the queue; fixed in snakemake-executor-plugin-slurm
2.8.0 (``max_sleep_time``). If Slurm forgets a job in between, the run waits for it endlessly."""
CHECKS_IN_MEMORY = 3
"""The plugin uses ``sacct`` if MinJobAge is shorter than this number of first pauses."""
SLACK = 20
"""Seconds by which the answer of a busy controller may be late."""
LOGS = Path(".snakemake", "slurm_logs")
"""Default folder of the plugin for the console output of jobs."""
NUMBER_WIDTH, PATH_WIDTH = 20, 1000
"""Column widths of ``squeue``, which cuts longer values."""


def configuration() -> dict[str, str]:
    """Return the settings of the controller; raise an InputError if it does not answer."""
    text = _ask("scontrol", "show", "config")
    lines = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, equals, value in lines if equals}


def check_accounting(slurm: Mapping[str, str], status_command: str, first_pause: int) -> None:
    """Raise an InputError if the run could not notice the end of a job.

    `slurm` are the controller's settings, of which AccountingStorageType and MinJobAge are used.
    `status_command` is ``sacct`` or ``squeue``; `first_pause` are the seconds before the first
    query of the queue.
    """
    if slurm.get("AccountingStorageType", "accounting_storage/none") != "accounting_storage/none":
        return
    if status_command == "sacct":
        raise InputError(
            "--slurm-status-command sacct",
            "this Slurm keeps no accounts (AccountingStorageType is accounting_storage/none), so "
            "sacct knows no job and the run would wait endlessly",
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
            f"the queue is queried after {first_pause} s and then every {LONGEST_PAUSE} s, which "
            f"needs a MinJobAge of {needed} s",
            remedy,
        )


def check_command(given: Collection[str]) -> None:
    """Raise an InputError if the command line contains the path of identified DICOM.

    The console output of each job begins with the whole command, and Slurm keeps the output of a
    failed job in the output directory.
    """
    if "dicom_dir" in given:
        raise InputError(
            "--config dicom_dir",
            "Slurm's logs in the output directory would show this path, which may identify people",
            "Write dicom_dir into a file and give it with --configfile, or write it into "
            "code/ecdysis.yaml of the study",
        )


def check_queue(output_dir: Path) -> None:
    """Raise an InputError if jobs that write into `output_dir` are already in the queue.

    They belong to a run whose Snakemake was killed. Slurm continues its jobs, and a new run would
    submit them again, so that two jobs write the same files.
    """
    columns = f"--Format=JobID:{NUMBER_WIDTH},STDOUT:{PATH_WIDTH}"
    jobs = jobs_of(output_dir, _ask("squeue", "--me", "--noheader", columns))
    if jobs:
        ids = " ".join(jobs)
        raise InputError(
            output_dir,
            f"{len(jobs)} jobs of an earlier run still wait or run here (Slurm jobs {ids})",
            f"Wait until they have ended, or stop them with: scancel {ids}",
        )


def jobs_of(output_dir: Path, listing: str) -> list[str]:
    """Return the numbers of the jobs in a listing whose console output goes to `output_dir`.

    Slurm's logs are in `LOGS` below this absolute path. A line of the `listing` has the number of a
    job in `NUMBER_WIDTH` columns, then the file of its output.
    """
    begins = f"{output_dir / LOGS}/"
    rows = ((line[:NUMBER_WIDTH].strip(), line[NUMBER_WIDTH:]) for line in listing.splitlines())
    return list(dict.fromkeys(number for number, log in rows if log.startswith(begins)))


def _seconds(text: str) -> int:
    """Read a number of seconds such as ``300 sec``; 0 without a number."""
    number = re.match(r"\d+", text)
    return int(number[0]) if number else 0


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        answer = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise InputError(
            command[0],
            f"Slurm does not answer here ({answer})",
            "Start the run on a login node of the cluster",
        ) from error
    return done.stdout
