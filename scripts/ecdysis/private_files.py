"""Files of the private folder: only the owner may read them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ecdysis.files import atomic


def private_folder(path: Path) -> Path:
    """Make a folder with mode 700; one that is there keeps its mode. Return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def patient_files(private_dir: Path, subject: str) -> Path:
    """Return the list of one file of each series of a patient, in all sessions."""
    return private_dir / "patients" / f"{subject}.json"


def write_private(path: Path, text: str) -> bool:
    """Write a text with mode 600 unless the file already holds it; say whether it changed."""
    private_folder(path.parent)
    content = text.encode("utf-8", "surrogateescape")
    try:
        if path.read_bytes() == content:
            return False
    except OSError:
        pass
    with atomic(path) as partial:
        partial.touch(mode=0o600)
        partial.write_bytes(content)
    return True


def write_private_json(path: Path, content: Any) -> bool:
    """Write JSON as `write_private` does."""
    return write_private(path, json.dumps(content, separators=(",", ":")) + "\n")


def write_private_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bool:
    """Write a TSV as `write_private` does; a missing value is ``n/a``, as in BIDS."""
    lines = [columns, *([_cell(cell) for cell in row] for row in rows)]
    return write_private(path, "".join("\t".join(line) + "\n" for line in lines))


def _cell(value: Any) -> str:
    return " ".join(str(value).split()) or "n/a" if value is not None else "n/a"
