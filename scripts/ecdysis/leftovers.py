"""Remove files that a run leaves behind and that are not results.

A killed process leaves files without their final name: ``.<process>.<name>`` (see
`ecdysis.files.atomic`). A failed job leaves sidecars and tables of images that Snakemake removed.
"""

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ecdysis.image.sidecar import sidecar_of

PARTIAL = re.compile(r"\.\d+\..+")
DESCRIBED = (".nii", ".nii.gz", "_xfm.h5", "_xfm.txt")
"""Endings of the names of files that have sidecars."""


def sweep(folder: Path) -> int:
    """Remove partial files below a folder that no run works in; return their number.

    Links to folders are not followed.
    """
    removed = []
    for place, folders, files in os.walk(folder):
        removed += [Path(place, name) for name in (*folders, *files) if PARTIAL.fullmatch(name)]
        folders[:] = [name for name in folders if not PARTIAL.fullmatch(name)]
    for path in removed:
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    return len(removed)


def drop_descriptions(images: Iterable[Path]) -> None:
    """Remove the sidecars and tables of the images and transforms that do not exist."""
    for image in images:
        if image.name.endswith(DESCRIBED) and not image.exists():
            sidecar = sidecar_of(image)
            for described in (sidecar, sidecar.with_suffix(".tsv")):
                described.unlink(missing_ok=True)
