"""Where Snakemake's own log of a run lies: with the results, not where the run was started.

Snakemake opens it in the working directory, which may be the dataset, before it knows of the
output directory. In a run from DICOM it may hold a folder's telling name and goes to the
private directory.
"""

import os
import shutil
from collections.abc import MutableMapping
from contextlib import suppress
from logging import FileHandler
from pathlib import Path
from typing import Any


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
        for left in (before.parent, before.parent.parent):
            with suppress(OSError):
                left.rmdir()


def _take(before: Path, after: Path) -> None:
    if str(after) == os.devnull:
        before.unlink()
        return
    after.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(before, after)
