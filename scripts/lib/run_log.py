"""Where Snakemake's own log of a run lies: with the results, not where the run was started.

Snakemake opens it in the working directory, which may be the dataset, before it knows of the
output directory. In a run from DICOM it may hold a folder's telling name and goes to the
private directory.
"""

import shutil
from collections.abc import MutableMapping
from contextlib import suppress
from logging import FileHandler
from pathlib import Path
from typing import Any


def move_log(handlers: MutableMapping[Any, str], folder: Path) -> None:
    """Move the files that log handlers write to, and let them go on there.

    Parameters
    ----------
    handlers : mapping
        Snakemake's handlers and the paths of their files.
    folder : Path
        Where the files go; it is made.
    """
    for handler, path in list(handlers.items()):
        before = Path(path)
        if not isinstance(handler, FileHandler) or before.parent == folder:
            continue
        handler.acquire()
        try:
            handler.close()
            folder.mkdir(parents=True, exist_ok=True)
            shutil.move(before, folder / before.name)
            handler.baseFilename = handlers[handler] = str(folder / before.name)
        except OSError:
            handler.baseFilename = str(before)
        finally:
            handler.release()
        for left in (before.parent, before.parent.parent):
            with suppress(OSError):
                left.rmdir()
