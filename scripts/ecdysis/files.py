"""Writing files so that a final name never holds half a file."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of a disk that is full or not to be written to."""


@contextmanager
def needing_room(where: str) -> Iterator[None]:
    """Say what to do when a disk is full, or not to be written to, within the block.

    Parameters
    ----------
    where : str
        What the error is to name.

    Raises
    ------
    InputError
        For such an error; other errors of the system stay as they are.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK:
            raise
        problem, remedy = os.strerror(error.errno), "Make room, or give another output_dir"
        raise InputError(where, problem, remedy) from error


@contextmanager
def atomic(path: str | PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well.

    The temporary name keeps the extension of `path`, since nibabel and ANTs choose the
    format by it. After an error the temporary file is removed and `path` is untouched.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    partial = final.with_name(f".{os.getpid()}.{final.name}")
    try:
        yield partial
        # A power cut must not leave the name without the bytes.
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(final)
    finally:
        partial.unlink(missing_ok=True)


def read_json(path: str | PathLike[str]) -> Any:
    """Read one JSON document."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_remembered(path: str | PathLike[str]) -> dict[str, Any]:
    """Read what an earlier run kept to save work; nothing when that is missing or broken."""
    try:
        content = read_json(path)
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: str | PathLike[str], content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    with atomic(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
