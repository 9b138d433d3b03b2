"""Keep failures that a retry would repeat, for the duration of a run.

Snakemake restarts every failed job (``retries``), whatever the reason, and removes the job's logs.
Therefore the status record and the log are also kept here; the next attempt restores them and
fails immediately.
"""

import shutil
from pathlib import Path
from typing import Any

from ecdysis.files import copy_file, read_json
from ecdysis.places import SETTLED


def settle(status: Path, log: Path) -> None:
    """Keep the status record and the log of a failure that a retry would repeat.

    Records outside the output directory would outlive the run, so they are not kept.
    """
    if not status.is_absolute():
        copy_file(log, _kept(log))
        copy_file(status, _kept(status))


def settled(status: Path, log: Path) -> dict[str, Any] | None:
    """Restore and return the record of an earlier failure in this run, if there is one."""
    if status.is_absolute() or not _kept(status).is_file():
        return None
    copy_file(_kept(log), log)
    copy_file(_kept(status), status)
    record: dict[str, Any] = read_json(status)
    return record


def is_settled(log: Path) -> bool:
    """Return whether the job with this log failed in this run in a way that a retry repeats."""
    return _kept(log).is_file()


def forget_settled(output_dir: Path) -> None:
    """Forget the failures of earlier runs, whose causes may have been repaired."""
    shutil.rmtree(output_dir / SETTLED, ignore_errors=True)


def _kept(path: Path) -> Path:
    """Return the path of the copy; copies of private files stay in the private directory."""
    return path.with_name(f".{path.name}.settled") if path.is_absolute() else SETTLED / path
