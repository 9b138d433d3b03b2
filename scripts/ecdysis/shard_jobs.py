"""Submit the shards of a large study to Slurm, one job each, and a job that joins their reports.

A shard is one Slurm job in which Snakemake runs its steps on the cores of one node. This avoids the
start of Snakemake for every image, and a job graph of the whole study.
"""

import subprocess
from collections.abc import Sequence

from ecdysis.errors import InputError

NUMBER = "@SHARD@"
"""Stands for the number of the shard until Slurm sets it."""
QUOTE = """'"'"'"""
"""A single quote within single quotes of a shell."""
VARIABLE = "SLURM_ARRAY_TASK_ID"
MEMORY_PER_CORE = 2000
"""MB; the largest request of a rule is 2000 for one core (docs/cluster.md)."""


def submit(
    count: int, cores: int, run: Sequence[str], join: Sequence[str], options: Sequence[str] = ()
) -> tuple[str, str]:
    """Submit a study in `count` shards; return the numbers of the array and of the joining job.

    Each shard has `cores` cores. `run` and `join` are the Snakemake commands of a shard, with
    `NUMBER` for its number, and of the joined report. `options` are further options of ``sbatch``,
    such as ``--account=A``.

    Raises
    ------
    InputError
        Slurm does not accept a job.
    """
    size = [f"--cpus-per-task={cores}", f"--mem-per-cpu={MEMORY_PER_CORE}"]
    array = _sbatch("ecdysis", [*size, f"--array=1-{count}", *options], run)
    # A shard with a failed image ends as failed, and its results are joined all the same.
    after = [f"--dependency=afterany:{array}", "--cpus-per-task=1", "--mem=4000"]
    return array, _sbatch("ecdysis-join", [*after, *options], join)


def _sbatch(name: str, options: Sequence[str], command: Sequence[str]) -> str:
    fixed = ["--parsable", f"--job-name={name}", f"--output={name}-%j.log"]
    try:
        done = subprocess.run(
            ["sbatch", *fixed, *options],
            input=script_of(command),
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        answer = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise InputError(
            "sbatch",
            f"Slurm did not accept the job ({answer})",
            "Start on a login node, and correct --sbatch, such as --sbatch='--account=A'",
        ) from error
    return done.stdout.strip().partition(";")[0]


def shard_commands(command: Sequence[str], count: int) -> tuple[list[str], list[str]]:
    """Return the Snakemake commands of a shard, one of `count`, and of the joined report.

    `command` runs the whole study; it has ``output_dir=...`` after ``--config``.
    """
    place = next(word for word in command if word.startswith("output_dir="))
    shard = f"{place}-shard-{NUMBER}of{count}"
    run = [shard if word == place else word for word in command]
    run.insert(run.index(shard), f"shard={NUMBER}/{count}")
    shards = f'shards=["{place.removeprefix("output_dir=")}-shard-*of{count}"]'
    program = command[: command.index("--cores")]
    dataset = next(word for word in command if word.startswith("bids_dir="))
    target = ["report", "--cores", "1", "--config", dataset, place, shards]
    return run, [*program[:-1], *target]


def script_of(command: Sequence[str]) -> str:
    """Return a job's script; every word is quoted, and `NUMBER` becomes Slurm's variable."""
    words = " ".join("'" + word.replace("'", QUOTE) + "'" for word in command)
    return f"#!/bin/bash\nexec {words}\n".replace(NUMBER, f"'\"${VARIABLE}\"'")
