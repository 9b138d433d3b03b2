"""The log, the number of threads and the status record of every job.

A script ends with

    if "snakemake" in globals():
        from ecdysis.job import recorded

        with recorded(globals()["snakemake"], "convert") as details:
            details.update(convert(...))

and its rule declares one ``log:``. The status record is next to the log. The rule does not declare
it, so Snakemake keeps it when the job fails, and the report can read it.
"""

import logging
import os
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecdysis.console import SHORT
from ecdysis.errors import InputError
from ecdysis.files import needing_room, read_remembered, write_json
from ecdysis.memory import lacked_memory
from ecdysis.places import MANIFEST, record_file
from ecdysis.run_lock import working
from ecdysis.settled import settle, settled

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)


@contextmanager
def recorded(
    job: Any, stage: str, *, unit: str | None = None, private: bool = False
) -> Iterator[dict[str, Any]]:
    """Run the block as `stage` of a Snakemake job; write its log and its status record.

    The record has the state ``running``, then ``done``, or ``failed`` with the reason. A killed job
    leaves ``running``, which the report shows as interrupted. The log gets the output of the block
    and of its programs. After an error the console shows the reason, and the exit status is 1.

    `job` is the script's ``snakemake``, with one file as ``log``. `stage` is the name of the stage
    in the report, and `unit` that of the record, which by default is next to the log. A `private`
    log may contain identifying text and is not in the outputs; the record then gives only the type
    of an unexpected error. The yielded dict is written to the record as ``details``.
    """
    log = Path(str(job.log))
    status = record_file(unit or "", stage)
    status = status if unit else log.with_name(status.name)
    _stop_where_settled(status, log, stage)
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(job.threads)))
    os.environ.setdefault("NIPYPE_NO_ET", "1")
    began, already = time.monotonic(), _cpu_seconds()
    record = _new_record(job, stage, None if private else log)
    details: dict[str, Any] = {}
    reason, again, recorded_it = None, True, False
    try:
        with needing_room("disk"):
            write_json(status, record)
            with working(), _output_to(log):
                try:
                    yield details
                except Exception:
                    traceback.print_exc()
                    raise
        record["state"] = "done"
    except Exception as error:
        reason, again = _reason(error, private=private), lacked_memory(error)
    finally:
        reason = reason and _without_places(reason, job.input)
        if record["state"] == "running":
            record |= {"state": "failed", "reason": reason or "the job was interrupted"}
        seconds = round(time.monotonic() - began, 3)
        record |= {"seconds": seconds, **_usage(already), "details": details}
        with suppress(OSError):
            write_json(status, record)
            recorded_it = True
            if not again:
                settle(status, log)
    if reason is not None:
        _end_as_failed(f"{stage} failed: {reason} (log: {log})", known=recorded_it)


def _new_record(job: Any, stage: str, log: Path | None) -> dict[str, Any]:
    return {
        "stage": stage,
        **{key: str(value) for key, value in job.wildcards.items()},
        "state": "running",
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "log": log and str(log),
    }


def optional(files: Any, name: str) -> Path | None:
    """Return the file that a rule calls `name`, or None when it has no such file."""
    file = files.get(name)
    return Path(file) if file else None


def _reason(error: Exception, *, private: bool) -> str:
    """Return why a job failed: the text of an InputError, the type and text of any other error."""
    kind = type(error).__name__
    if lacked_memory(error):
        kind = f"memory ran out ({kind})"
    elif isinstance(error, InputError):
        return str(error)
    return f"{kind}; its text is in the private log" if private else f"{kind}: {error}"


def _without_places(reason: str, files: Any) -> str:
    """Replace paths by those within the dataset or the results, and temporary files by raw ones.

    A rule that reads a reoriented image calls it ``<name>`` and its raw image ``raw_<name>``.
    """
    for name in ("image", "t1w"):
        if (temporary := optional(files, name)) and (raw := optional(files, f"raw_{name}")):
            reason = reason.replace(str(temporary), str(raw))
    places = [read_remembered(MANIFEST).get("bids_dir"), str(Path.cwd())]
    for place in filter(None, places):
        reason = reason.replace(f"{place}/", "")
    return reason


def _stop_where_settled(status: Path, log: Path, stage: str) -> None:
    """Exit if an earlier attempt in this run failed for a reason that a retry does not change."""
    record = settled(status, log)
    if record is not None:
        _end_as_failed(f"{stage} is not tried again: {record['reason']}", known=True)


def _end_as_failed(sentence: str, *, known: bool) -> None:
    """Exit with status 1; print the sentence unless the console of the run reports it.

    The console knows the reason from the record, which cannot be written on a full disk.
    """
    if not (known and os.environ.get(SHORT)):
        print(sentence, file=sys.stderr)
    sys.exit(1)


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Append standard output and error of Python and of child processes to the file `log`.

    Snakemake removes the log of an earlier attempt.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = [os.dup(1), os.dup(2)]
    with log.open("a", encoding="utf-8", buffering=1) as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
        style = "%(asctime)s %(name)s: %(message)s"
        logging.basicConfig(stream=stream, level=logging.INFO, format=style, force=True)
        try:
            with redirect_stdout(stream), redirect_stderr(stream):
                yield
        finally:
            logging.basicConfig(handlers=[logging.NullHandler()], force=True)
            for descriptor, saved in zip((1, 2), kept, strict=True):
                os.dup2(saved, descriptor)
                os.close(saved)


def _usage(already: float) -> dict[str, float]:
    """Return the CPU seconds of a stage and of the time before it (start and imports).

    Both include child processes; the peak memory, in MB, is that of the largest process.
    """
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "cpu_seconds": round(_cpu_seconds() - already, 3),
        "cpu_seconds_before": round(already, 3),
        "peak_memory_mb": round(max(use.ru_maxrss for use in usages) / 1024, 1),
    }


def _cpu_seconds() -> float:
    """Return the CPU seconds of this process and its finished children."""
    return sum(os.times()[:4])
