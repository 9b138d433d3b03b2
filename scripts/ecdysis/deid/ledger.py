"""The names that an earlier run gave to the files of a session, so no file is made twice."""

from pathlib import Path
from typing import Any

from ecdysis.files import read_remembered
from ecdysis.private_files import write_private_json


class Ledger:
    """Remembers the original of each de-identified file. It names originals, so it is private.

    Parameters
    ----------
    path : Path or None
        Where it is kept; None remembers nothing.
    basis : str
        What every file depends on beside its original: the settings, the key's fingerprint,
        the code. What was noted on another basis is forgotten.
    """

    def __init__(self, path: Path | None, basis: str) -> None:
        self._path, self._basis = path, basis
        kept = read_remembered(path) if path else {}
        self._before: dict[str, Any] = kept["files"] if kept.get("basis") == basis else {}
        self._now: dict[str, Any] = {}

    def name(self, original: Path) -> str | None:
        """Return the name of the de-identified file, if the original has not changed since."""
        entry = self._before.get(str(original))
        return entry["name"] if entry and entry["stat"] == _stat(original) else None

    def note(self, original: Path, name: str) -> None:
        """Remember the name of what was made of a file."""
        self._now[str(original)] = {"stat": _stat(original), "name": name}

    def write(self) -> None:
        """Save the names for the next run."""
        if self._path:
            write_private_json(self._path, {"basis": self._basis, "files": self._now})


def _stat(file: Path) -> list[int]:
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns]
