"""Fetch the content of files that git-annex keeps elsewhere, with the program ``datalad``.

Without its content, such a file is a broken link into ``.git/annex/objects``, or a small text file
that begins with ``/annex/objects/`` (https://git-annex.branchable.com/internals/pointer_file).
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from ecdysis.bids.discovery import EXTENSIONS, Exclusion
from ecdysis.errors import InputError
from ecdysis.files import ANNEX_POINTER

LONGEST_POINTER = 32 * 1024
"""Bytes; larger files are never pointers (git-annex's own limit)."""
PATHS_AT_ONCE = 500
"""Paths given to one call of datalad, so that no command line gets too long."""


def is_pointer(path: Path) -> bool:
    """Return whether a file stands for content that git-annex keeps elsewhere."""
    if path.is_symlink() and not path.exists():
        return "annex/objects" in str(path.readlink())
    if not path.is_file() or path.stat().st_size > LONGEST_POINTER:
        return False
    with path.open("rb") as stream:
        return stream.read(len(ANNEX_POINTER)) == ANNEX_POINTER


def pointers_of(bids_dir: Path, exclusions: Iterable[Exclusion]) -> list[Path]:
    """Return the images that were excluded because their content is elsewhere, with sidecars."""
    names = [item.image for item in exclusions if item.image and item.fault]
    files = (bids_dir / f"{name}{end}" for name in names for end in (*EXTENSIONS, ".json"))
    return [file for file in files if is_pointer(file)]


def pointers_below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder whose content is elsewhere."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        yield from filter(is_pointer, (Path(parent, name) for name in names))


def fetch(paths: Iterable[Path], where: Path, setting: str) -> int:
    """Get the content of files; return their number.

    `where` is a folder of the DataLad dataset, and `setting` names it in messages.

    Raises
    ------
    InputError
        The program is missing, or it could not get all files.
    """
    wanted = list(paths)
    for first in range(0, len(wanted), PATHS_AT_ONCE):
        some = wanted[first : first + PATHS_AT_ONCE]
        program = shutil.which("datalad")
        if program is None:
            raise InputError(
                "datalad: get",
                "the program datalad is not on PATH",
                "Install DataLad and git-annex, or run datalad get yourself",
            )
        command = [program, "get", *(str(path) for path in some)]
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
        if done.returncode:
            # The output of datalad names files, and names of DICOM files may identify people.
            raise InputError(
                f"{setting} {where}",
                f"datalad get ended with exit status {done.returncode} for {len(some)} files",
                f"Run it there yourself and repair what it prints: cd {where} && datalad get .",
            )
    return len(wanted)
