"""Read and write small files; files get their final name only when they are complete."""

import csv
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.places import MANIFEST

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of a full or read-only disk."""
ANNEX_POINTER = b"/annex/objects/"
"""Beginning of a file whose content git-annex keeps elsewhere."""


@contextmanager
def needing_room(where: str) -> Iterator[None]:
    """Within the block, raise an InputError with the remedy for a full or read-only disk.

    The error names `where`. Other errors are not changed.
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
    """Yield a temporary path next to `path`; rename it to `path` if the block succeeds.

    The temporary name keeps the extension of `path`, because nibabel and ANTs choose the
    format by it. After an error the temporary file is removed and `path` is untouched.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    partial = final.with_name(f".{os.getpid()}.{final.name}")
    try:
        yield partial
        # After a power cut the final name must not exist without its content.
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(final)
    finally:
        partial.unlink(missing_ok=True)


def read_json(path: str | PathLike[str]) -> Any:
    """Read one JSON document."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_manifest(output_dir: Path) -> dict[str, Any]:
    """Read the manifest of a run; raise an InputError if it cannot be read."""
    try:
        return dict(read_json(output_dir / MANIFEST))
    except (OSError, ValueError) as error:
        raise InputError(
            output_dir / MANIFEST,
            f"the manifest of a run cannot be read ({type(error).__name__})",
            "Give the output directory of a run that was started",
        ) from error


def read_remembered(path: str | PathLike[str]) -> dict[str, Any]:
    """Read a cache of an earlier run; an empty dict if it is missing or damaged."""
    try:
        content = read_json(path)
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def write_text(path: str | PathLike[str], text: str) -> None:
    """Write a text in UTF-8, atomically."""
    with atomic(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | PathLike[str], content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def copy_file(source: str | PathLike[str], target: str | PathLike[str]) -> None:
    """Copy the content of a file, atomically."""
    with atomic(target) as partial:
        shutil.copyfile(source, partial)


def sha256(path: str | PathLike[str]) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def table_rows(path: Path) -> list[list[str]]:
    """Return the cells of a table of this program, without comments and without column names."""
    lines = path.read_text(encoding="utf-8").splitlines()
    _, *rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return rows


def tsv_text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Return a table as TSV; missing cells become ``n/a``."""
    lines = [columns, *([row.get(name, "n/a") for name in columns] for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines)


@dataclass(frozen=True)
class Table:
    """A TSV file."""

    columns: list[str]
    """The names in the first line."""
    rows: list[dict[str, str]]
    """The cells of each row by column, without empty ones and ``n/a``. Blank lines are skipped."""
    lines: list[int]
    """The line number of each row."""
    ragged: list[int]
    """The line numbers of the rows that have more or fewer cells than the first line."""

    def require(self, columns: Iterable[str], where: str | PathLike[str], remedy: str) -> None:
        """Raise an InputError that names the columns that are missing."""
        if missing := [name for name in columns if name not in self.columns]:
            lacking = "column {} is" if len(missing) == 1 else "columns {} are"
            names = " and ".join(missing)
            problem = f"{lacking.format(names)} missing; columns are separated by tabs"
            raise InputError(where, problem, remedy)


def read_tsv(path: str | PathLike[str], where: str | None = None) -> Table:
    """Read a table in UTF-8 of cells separated by tabs, without quoting; cells are stripped.

    Errors name the file as `where`, by default its path.

    Raises
    ------
    InputError
        The file cannot be read as UTF-8 text with tabs.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    except FileNotFoundError as error:
        raise InputError(where or path, "the file does not exist", "Correct the path") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            where or path, "it cannot be read as UTF-8 text", "Save it as a TSV file in UTF-8"
        ) from error
    columns = [name.strip() for name in lines[0]] if lines else []
    table = Table(columns, [], [], [])
    for number, cells in enumerate(lines[1:], start=2):
        named = {
            name: cell.strip()
            for name, cell in zip(columns, cells, strict=False)
            if cell.strip() not in ("", "n/a")
        }
        if not any(cell.strip() for cell in cells):
            continue
        table.rows.append(named)
        table.lines.append(number)
        if len(cells) != len(columns):
            table.ragged.append(number)
    return table
