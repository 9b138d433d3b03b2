"""The header index of any folder tree: which files are DICOM images and what they say.

File names and extensions play no part. The index is kept in the private folder, so that a
later run opens only files that are new or changed.
"""

import os
import stat
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecdysis.dicom.header import Header, HeaderReader, Own, UnusableError
from ecdysis.errors import InputError
from ecdysis.files import read_json
from ecdysis.private_files import write_private_json

VERSION = 3
"""Increase it when the content of the index changes; older indexes are then made again."""

NOT_DICOM = ("not DICOM", "DICOMDIR")
"""Reasons that every scanner export causes; they are counted, not listed."""


@dataclass(frozen=True)
class Instance:
    """One DICOM file."""

    path: str
    """Relative to the indexed folder."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Nanoseconds since the epoch."""
    header: int
    """Which of the index's headers holds its shared facts."""
    own: Own
    """Values that differ between the instances of a series."""


@dataclass(frozen=True)
class Index:
    """The DICOM files below a folder."""

    root: Path
    """The indexed folder."""
    headers: list[Header]
    """Shared facts, see `ecdysis.dicom.header.SHARED`."""
    instances: list[Instance]
    """In the order of their paths."""
    skipped: dict[str, str]
    """Path of every other file, and of folders that were not entered -> reason."""
    opened: int
    """How many files this run had to open."""

    def counts(self) -> dict[str, int]:
        """Return the number of files for each reason to skip."""
        return dict(sorted(Counter(self.skipped.values()).items()))


def index(root: Path, cache: Path, leave_out: Iterable[Path] = ()) -> Index:
    """Index the DICOM files below `root`, reading only what `cache` does not know.

    Links below `root` are followed, and a folder is entered once. The `cache` is a JSON file in the
    private folder; it names files and patients. Folders to `leave_out` are not entered, such as
    this workflow's own outputs.

    Raises
    ------
    InputError
        `root` is not a folder.
    """
    import pydicom.config

    if not root.is_dir():
        raise InputError("dicom_dir", "it is not a folder", "Name the folder of scanner files")
    files, skipped = scan(root, leave_out)
    known = _load(cache, root)
    headers: list[Header] = known.get("headers", [])
    rows: dict[str, list[Any]] = known.get("files", {})
    reader = HeaderReader(headers)
    kept: dict[str, list[Any]] = {}
    opened = 0
    # A malformed value must neither stop the index nor be quoted in a warning.
    with pydicom.config.disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path, size, mtime_ns in files:
            row = rows.get(path)
            if row is None or row[:2] != [size, mtime_ns]:
                opened += 1
                row = [size, mtime_ns, *_row(reader, root / path, size)]
            kept[path] = row
    if opened or len(kept) != len(rows):
        headers = _used(headers, kept)
        content = {"version": VERSION, "root": str(root.resolve()), "headers": headers}
        write_private_json(cache, {**content, "files": kept})
    instances = []
    for path, (size, mtime_ns, header, *own) in kept.items():
        if isinstance(header, str):
            skipped[path] = header
        else:
            uid, number, acquired, positions = own
            owned = Own(uid, number, acquired, tuple(positions))
            instances.append(Instance(path, size, mtime_ns, header, owned))
    return Index(root, headers, instances, skipped, opened)


def scan(
    root: Path, leave_out: Iterable[Path] = ()
) -> tuple[list[tuple[str, int, int]], dict[str, str]]:
    """List the regular files below `root` in the order of their names.

    The result has relative path, bytes and modification time (ns) of each; and, with the reason,
    what was not entered or is no regular file. Hidden folders are among these: version control
    keeps second copies of the files there.
    """
    skipped: dict[str, str] = {}
    return list(walk(root, leave_out, skipped)), skipped


def walk(
    root: Path, leave_out: Iterable[Path], skipped: dict[str, str]
) -> Iterator[tuple[str, int, int]]:
    """Yield the files of `scan` while folders are read, and fill `skipped`."""
    outputs = {path.resolve() for path in leave_out}
    entered: set[tuple[int, int]] = set()
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            place = (root / folder).stat()
            if (place.st_dev, place.st_ino) in entered:
                skipped[folder] = "a folder that was already read under another name"
                continue
            entered.add((place.st_dev, place.st_ino))
            with os.scandir(root / folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            skipped[folder] = "the folder cannot be opened"
            continue
        below = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                status = entry.stat()
            except OSError:
                skipped[path] = "a link to a file that is not there"
                continue
            if stat.S_ISDIR(status.st_mode):
                if entry.name.startswith("."):
                    skipped[path] = "a hidden folder"
                elif Path(entry.path).resolve() not in outputs:
                    below.append(path)
            elif stat.S_ISREG(status.st_mode):
                yield path, status.st_size, status.st_mtime_ns
            else:
                skipped[path] = "not a regular file"
        folders += reversed(below)


def _row(reader: HeaderReader, path: Path, size: int) -> list[Any]:
    try:
        header, own = reader.read(path, size)
    except UnusableError as reason:
        return [str(reason)]
    return [header, own.uid, own.number, own.acquired, list(own.positions)]


def _used(headers: list[Header], rows: dict[str, list[Any]]) -> list[Header]:
    """Remove the headers of files that no longer exist, and renumber those in the rows."""
    used = sorted({row[2] for row in rows.values() if isinstance(row[2], int)})
    places = {old: new for new, old in enumerate(used)}
    for row in rows.values():
        row[2] = places.get(row[2], row[2])
    return [headers[at] for at in used]


def _load(cache: Path, root: Path) -> dict[str, Any]:
    """Return the kept index of `root`, or nothing if no kept index fits."""
    try:
        content = read_json(cache)
    except (OSError, ValueError):
        return {}
    fits = (
        isinstance(content, dict)
        and content.get("version") == VERSION
        and content.get("root") == str(root.resolve())
    )
    return content if fits else {}
