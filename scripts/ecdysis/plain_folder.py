"""Folders whose path is safe in a shell.

nipype puts file names into shell commands without quoting, so a blank, a quote or ``$()`` in the
path of a study would break a command or run another one. Its interfaces therefore work in a
temporary folder with a plain path, which has links with plain names to all other files.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecdysis.errors import InputError

PLAIN = re.compile(r"[A-Za-z0-9_./+=:@%,-]+")


@contextmanager
def plain_folder() -> Iterator[Path]:
    """Yield a temporary folder in ``TMPDIR``; it is removed when the block ends.

    Raises
    ------
    InputError
        The path of ``TMPDIR`` itself is not plain.
    """
    if not PLAIN.fullmatch(tempfile.gettempdir()):
        raise InputError(
            "TMPDIR",
            f"{tempfile.gettempdir()!r} has characters that a shell takes for its own",
            "Set TMPDIR to a folder whose path has letters, digits and _ . / - only",
        )
    with tempfile.TemporaryDirectory(prefix="ecdysis-") as folder:
        yield Path(folder)


def linked(target: Path, folder: Path, name: str) -> Path:
    """Link `target` as `name` into `folder`, with its extension; return the link.

    Examples
    --------
    >>> with plain_folder() as folder:
    ...     linked(Path("a b.nii.gz"), folder, "image").name
    'image.nii.gz'
    """
    suffix = "".join(part for part in target.suffixes[-2:] if part in (".nii", ".gz"))
    link = folder / f"{name}{suffix}"
    link.symlink_to(target.absolute())
    return link
