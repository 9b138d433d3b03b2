"""Where Snakemake's own log of a run lies: with the results, not where the run was started.

Snakemake opens it in the working directory, which may be the dataset, before it knows of the
output directory. In a run from DICOM it may hold a folder's telling name and goes to the
private directory.
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
    """Move the files that log handlers write to, and let them go on there.

    Parameters
    ----------
    handlers : mapping
        Snakemake's handlers and the paths of their files.
    folder : Path or None
        Where the files go; it is made. None: nothing is run, and all was said on the console.
    """
    for handler, path in list(handlers.items()):
        before = Path(path)
        if not isinstance(handler, FileHandler) or before.parent == folder:
            continue
        after = folder / before.name if folder else Path(os.devnull)
        handler.acquire()
        try:
            handler.close()
            _take(before, after)
            handler.baseFilename = handlers[handler] = str(after)
        except OSError:
            handler.baseFilename = str(before)
        finally:
            handler.release()
        _tell_once_of_a_full_disk(handler)
        for left in (before.parent, before.parent.parent):
            with suppress(OSError):
                left.rmdir()


def _take(before: Path, after: Path) -> None:
    if str(after) == os.devnull:
        before.unlink(missing_ok=True)
        return
    after.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(before, after)


def _tell_once_of_a_full_disk(handler: FileHandler) -> None:
    """Say in a sentence that the log lacks lines, where logging shows a traceback for each."""
    usual, told = handler.handleError, False

    def handle(record: LogRecord) -> None:
        nonlocal told
        error = sys.exc_info()[1]
        if not isinstance(error, OSError) or error.errno not in DISK:
            usual(record)
        elif not told:
            told = True
            print(f"{handler.baseFilename} lacks lines: {error.strerror}", file=sys.stderr)

    handler.handleError = handle  # type: ignore[method-assign]
