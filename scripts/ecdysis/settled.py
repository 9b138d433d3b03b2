"""Failures that a second attempt would only repeat, remembered for as long as a run lasts.

Snakemake starts every failed job again (``retries``), whatever it failed of, and removes the
job's logs before. So its status record and its log are kept here as well, and the next attempt
puts them back in place of working in vain.
"""

import shutil
from pathlib import Path
from typing import Any

from ecdysis.files import atomic, read_json
from ecdysis.places import SETTLED


def settle(status: Path, log: Path) -> None:
    """Keep the status record and the log of a failure that would recur.

    A record outside the output directory would outlive the run, so it is not kept.
    """
    if not status.is_absolute():
        _copy(log, _kept(log))
        _copy(status, _kept(status))


def settled(status: Path, log: Path) -> dict[str, Any] | None:
    """Put back and return the record of a failure that was met in this run, if there was one."""
    if status.is_absolute() or not _kept(status).is_file():
        return None
    _copy(_kept(log), log)
    _copy(_kept(status), status)
    record: dict[str, Any] = read_json(status)
    return record


def forget_settled(output_dir: Path) -> None:
    """Begin anew: what failed in an earlier run may have been repaired since."""
    shutil.rmtree(output_dir / SETTLED, ignore_errors=True)


def _kept(path: Path) -> Path:
    """Return the place of a copy; what lies in the private directory does not leave it."""
    return path.with_name(f".{path.name}.settled") if path.is_absolute() else SETTLED / path


def _copy(source: Path, target: Path) -> None:
    with atomic(target) as partial:
        shutil.copyfile(source, partial)
