"""Move Snakemake's log from the directory where the run was started to the results.

Snakemake opens its log in the working directory, which may be the dataset, before the output
directory is known. In a run from DICOM the log may contain identifying folder names, so it goes to
the private directory.
"""

import os
import shutil
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from logging import FileHandler, LogRecord
from pathlib import Path
from typing import Any

from ecdysis.files import DISK


def move_log(handlers: MutableMapping[Any, str], folder: Path | None) -> None:
    """Move the files of log handlers; the handlers continue to write to the moved files.

    `handlers` are Snakemake's, with the paths of their files. The new `folder` is created; None
    discards the logs, since nothing is run.
    """
    for handler, path in list(handlers.items()):
        before = Path(path)
        if not isinstance(handler, FileHandler) or before.parent == folder:
            continue
        after = folder / before.name if folder else Path(os.devnull)
        handler.acquire()
        try:
            handler.close()
            _move(before, after)
            handler.baseFilename = handlers[handler] = str(after)
        except OSError:
            handler.baseFilename = str(before)
        finally:
            handler.release()
        _report_full_disk_once(handler)
        for left in (before.parent, before.parent.parent):
            with suppress(OSError):
                left.rmdir()


def _move(before: Path, after: Path) -> None:
    if str(after) == os.devnull:
        before.unlink(missing_ok=True)
        return
    after.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(before, after)


def _report_full_disk_once(handler: FileHandler) -> None:
    """Print one sentence if lines are missing from the log, instead of a traceback for each."""
    usual, reported = handler.handleError, False

    def handle(record: LogRecord) -> None:
        nonlocal reported
        error = sys.exc_info()[1]
        if not isinstance(error, OSError) or error.errno not in DISK:
            usual(record)
        elif not reported:
            reported = True
            print(f"{handler.baseFilename} lacks lines: {error.strerror}", file=sys.stderr)

    handler.handleError = handle  # type: ignore[method-assign]
