"""De-identify the DICOM files of one session (DICOM PS3.15, Annex E).

One process handles a session: each header is rewritten, pixels are passed on as they are.
A file that cannot be read, or whose pixels or text cannot be vouched for, is set aside with
a reason and never copied. See ``docs/deidentification.md``.
"""

import json
import mmap
import os
import shutil
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecdysis.deid.instance import InstanceCleaner
from ecdysis.dicom.elements import MALFORMED, UNREADABLE, Buffer, RefusedError
from ecdysis.dicom.part10 import Part10
from ecdysis.dicom.reading import GZIP, opened
from ecdysis.errors import InputError
from ecdysis.files import atomic, read_json, read_remembered
from ecdysis.key import Key
from ecdysis.private_files import write_private_json

DUPLICATE = "duplicate SOP instance UID"
"""A reason to set a file aside."""

MAPPED_FROM = 64 << 20
"""Bytes from which a file is mapped into memory instead of read."""

MAPPED_TO_LEARN_FROM = 256 << 10
"""The same when only the header is looked at."""

LARGEST_KEPT = 64 << 20
"""Bytes of files that are kept in memory from the search for identity to de-identification."""


class Ledger:
    """Remembers the original of each de-identified file. It names originals, so it is private.

    It is kept at `path`; None remembers nothing. The `basis` is what every file depends on beside
    its original: the settings, the key's fingerprint, the code. What was noted on another basis is
    forgotten.
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


def deidentify(
    listing: Path,
    output: Path,
    key: Key,
    settings: Mapping[str, Any],
    ledger: Path | None = None,
    code: str = "",
    related: Iterable[Path] = (),
) -> dict[str, Any]:
    """De-identify the files of a session into ``output/<series>/<pseudonym>.dcm``.

    The folder gets its name when it is complete. Results of an earlier run are kept for files that
    have not changed since, as recorded in the ledger.

    `listing` is a JSON file with ``session``, ``subject`` and ``series``, the paths of the files of
    each series. `settings` are the section ``deid``. The `ledger`, in the private folder, records
    the outcome of each file; after a change of `code`, a hash of the code, all files are processed
    again. `related` are other files of the patient; the names and identifiers in them are removed
    too. The result has counts, reasons and settings, without identifying values.

    Raises
    ------
    InputError
        No file of the session can be used, or the settings are wrong.
    """
    content = read_json(listing)
    cleaner = InstanceCleaner(settings, key, f"sub-{content['subject']}")
    own = {Path(path) for paths in content["series"].values() for path in paths}
    files = _learn(cleaner, own, related)
    basis = _basis(settings, key, cleaner, content["subject"], code)
    # The linkage names every file of the run, so every file is done again for it.
    known = Ledger(ledger if cleaner.links is None else None, basis)
    partial = output.with_name(f".{os.getpid()}.{output.name}")
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = _all_files(content["series"], output, partial, known, cleaner, files)
        if not done.passed:
            problem = f"none of its {done.aside.total()} DICOM files can be used"
            remedy = "See the private log for the names of the files"
            raise InputError(content["session"], f"{problem} ({_listed(done.aside)})", remedy)
        shutil.rmtree(output, ignore_errors=True)
        partial.rename(output)
        known.write()
        if cleaner.links is not None:
            _write_links(Path(settings["linkage_dir"]), content["session"], cleaner.links)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {**done.facts(), "key_fingerprint": key.fingerprint, **cleaner.summary()}


def _basis(
    settings: Mapping[str, Any], key: Key, cleaner: InstanceCleaner, subject: str, code: str
) -> str:
    """Return a text of everything, besides a file, that its de-identified form depends on."""
    rules = [Path(edit).read_text() for edit in settings.get("edits", ()) if isinstance(edit, str)]
    identity = key.token("identity", repr(cleaner.searched()), 16)
    return json.dumps([settings, rules, key.fingerprint, subject, code, identity])


@dataclass
class _Done:
    """Numbers of de-identified files by series, and of files set aside by reason."""

    passed: Counter[str] = field(default_factory=Counter)
    aside: Counter[str] = field(default_factory=Counter)
    taken_over: int = 0

    def facts(self) -> dict[str, Any]:
        """Return the numbers for the report."""
        return {
            "files": self.passed.total(),
            "taken_over": self.taken_over,
            "series": dict(self.passed),
            "quarantined": [
                {"reason": reason, "count": count} for reason, count in self.aside.most_common()
            ],
        }


def _all_files(
    files_of_series: Mapping[str, Sequence[str]],
    output: Path,
    partial: Path,
    known: Ledger,
    cleaner: InstanceCleaner,
    files: Mapping[Path, Part10],
) -> _Done:
    """De-identify files into `partial`; link the results in `output` of unchanged files."""
    done = _Done()
    for series, paths in files_of_series.items():
        folder = partial / series
        folder.mkdir(parents=True)
        for path in map(Path, sorted(paths)):
            name = known.name(path) if path.exists() else None
            if name and _linked(output / series / name, folder / name):
                done.taken_over += 1
            else:
                name, reason = _one_file(path, folder, cleaner, files.get(path))
                if reason:
                    print(f"set aside: {path}: {reason}")
                    done.aside[reason] += 1
            if name:
                known.note(path, name)
                done.passed[series] += 1
    return done


def _learn(
    cleaner: InstanceCleaner, own: Iterable[Path], related: Iterable[Path]
) -> dict[Path, Part10]:
    """Collect what identifies the patient from all files, before any of them is changed.

    The result is the first of the files `own`, so that they need not be read again.
    """
    files: dict[Path, Part10] = {}
    room = LARGEST_KEPT
    for path in dict.fromkeys([*sorted(own), *related]):
        try:
            with _content(path, MAPPED_TO_LEARN_FROM) as data:
                content = cleaner.learn(data)
        except (RefusedError, OSError, ValueError, LookupError, TypeError, ArithmeticError):
            continue  # The file is set aside with its reason when it is de-identified.
        if isinstance(data, bytes) and path in own and len(data) <= room:
            files[path] = content
            room -= len(data)
    return files


def _linked(before: Path, now: Path) -> bool:
    """Link what an earlier run made into the new folder; say whether that could be done."""
    try:
        os.link(before, now)
    except OSError:
        return False
    return True


def _one_file(
    path: Path, folder: Path, cleaner: InstanceCleaner, file: Part10 | None
) -> tuple[str, None] | tuple[None, str]:
    """De-identify a file into a folder; return its new name, or why it is set aside."""
    try:
        with nullcontext(file) if file else _content(path) as content:
            result = cleaner.clean(content)
            reason = _write(folder / result.name, result.chunks)
            return (None, reason) if reason else (result.name, None)
    except RefusedError as refused:
        return None, refused.reason
    except OSError as error:
        print(f"{path}: {error}")
        return None, UNREADABLE
    except (ValueError, LookupError, TypeError, ArithmeticError, MemoryError):
        # A file that causes an unexpected error must neither pass nor stop the others.
        traceback.print_exc()
        return None, MALFORMED


@contextmanager
def _content(path: Path, mapped_from: int = MAPPED_FROM) -> Iterator[Buffer]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        size = os.fstat(descriptor).st_size
        if size < mapped_from:
            data = os.read(descriptor, size)
            if data.startswith(GZIP):
                with opened(path) as stream:
                    data = stream.read()
            yield data
            return
        # Parts of the result point into the map, which goes when the last of them does.
        yield memoryview(mmap.mmap(descriptor, size, access=mmap.ACCESS_READ))
    finally:
        os.close(descriptor)


def _write(path: Path, chunks: list[Buffer]) -> str | None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return DUPLICATE
    try:
        total, written = sum(map(len, chunks)), os.writev(descriptor, chunks)
        if written < total:
            rest = memoryview(b"".join(chunks))[written:]
            while rest:
                rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)
    return None


def _write_links(folder: Path, session: str, links: Mapping[tuple[str, str], str]) -> None:
    """Write which original stands behind which pseudonym, for the owner's eyes only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = [f"{kind}\t{original}\t{new}\n" for (kind, original), new in sorted(links.items())]
    with atomic(folder / f"{session}.tsv") as partial:
        partial.touch(mode=0o600)
        partial.write_text("attribute\toriginal\tpseudonym\n" + "".join(lines), encoding="utf-8")


def _listed(reasons: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
