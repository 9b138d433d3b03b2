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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecdysis.deid.instance import InstanceCleaner, instance_cleaner
from ecdysis.deid.ledger import Ledger
from ecdysis.dicom.archives import GZIP, opened
from ecdysis.dicom.elements import Buffer
from ecdysis.dicom.refusals import DUPLICATE, MALFORMED, UNREADABLE, RefusedError
from ecdysis.errors import InputError
from ecdysis.files import atomic, read_json
from ecdysis.key import Key

MAPPED_FROM = 64 << 20
"""Bytes from which a file is mapped into memory instead of read."""

MAPPED_TO_LEARN_FROM = 256 << 10
"""The same when only the header is looked at."""


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

    The folder appears under its name when it is complete. What an earlier run put there is
    taken over for the files that have not changed since, as the ledger knows.

    Parameters
    ----------
    listing : Path
        JSON with ``session``, ``subject`` and ``series``, which maps the name of each series
        to the paths of its files.
    output : Path
        Folder that is made, or brought up to date.
    key : Key
        The study's key.
    settings : mapping
        ``profile``, ``options``, ``admit``, ``edits`` and ``linkage_dir`` of the
        configuration's ``deid``.
    ledger : Path, optional
        Where the outcome of each file is remembered; in the private folder.
    code : str
        Hash of the code; another hash makes everything anew.
    related : iterable of Path
        Other files of the same patient, such as those of other sessions. The names and
        identifiers in them are removed too.

    Returns
    -------
    dict
        Counts, reasons and settings, and how many files were ``taken_over``; nothing that
        identifies.

    Raises
    ------
    InputError
        No file of the session can be used, or the settings are wrong.
    """
    content = read_json(listing)
    cleaner = instance_cleaner(settings, key, f"sub-{content['subject']}")
    own = [Path(path) for paths in content["series"].values() for path in paths]
    _learn(cleaner, dict.fromkeys([*own, *related]))
    rules = [Path(edit).read_text() for edit in settings.get("edits", ()) if isinstance(edit, str)]
    identity = key.token("identity", repr(cleaner.searched()), 16)
    basis = json.dumps([settings, rules, key.fingerprint, content["subject"], code, identity])
    # The linkage names every file of the run, so every file is done again for it.
    known = Ledger(ledger if cleaner.links is None else None, basis)
    partial = output.with_name(f".{os.getpid()}.{output.name}")
    taken_over = 0
    aside: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        for series, paths in content["series"].items():
            folder = partial / series
            folder.mkdir(parents=True)
            for path in map(Path, sorted(paths)):
                name = known.name(path) if path.exists() else None
                if name and _linked(output / series / name, folder / name):
                    taken_over += 1
                else:
                    name, reason = _one_file(path, folder, cleaner)
                    if reason:
                        print(f"set aside: {path}: {reason}")
                        aside[reason] += 1
                if name:
                    known.note(path, name)
                    passed[series] += 1
        if not passed:
            raise InputError(
                content["session"],
                f"none of its {aside.total()} DICOM files can be used ({_listed(aside)})",
                "See the private log for the names of the files",
            )
        shutil.rmtree(output, ignore_errors=True)
        partial.rename(output)
        known.write()
        if cleaner.links is not None:
            _write_links(Path(settings["linkage_dir"]), content["session"], cleaner.links)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {
        "files": passed.total(),
        "taken_over": taken_over,
        "series": dict(passed),
        "quarantined": [
            {"reason": reason, "count": count} for reason, count in aside.most_common()
        ],
        "key_fingerprint": key.fingerprint,
        **cleaner.summary(),
    }


def _learn(cleaner: InstanceCleaner, paths: Iterable[Path]) -> None:
    """Collect what identifies the patient from all files, before any of them is changed."""
    for path in paths:
        try:
            with _content(path, MAPPED_TO_LEARN_FROM) as data:
                cleaner.learn(data)
        except (RefusedError, OSError, ValueError, LookupError, TypeError, ArithmeticError):
            continue  # The file is set aside with its reason when it is de-identified.


def _linked(before: Path, now: Path) -> bool:
    """Link what an earlier run made into the new folder; say whether that could be done."""
    try:
        os.link(before, now)
    except OSError:
        return False
    return True


def _one_file(
    path: Path, folder: Path, cleaner: InstanceCleaner
) -> tuple[str, None] | tuple[None, str]:
    """De-identify a file into a folder; return its new name, or why it is set aside."""
    try:
        with _content(path) as data:
            result = cleaner.clean(data)
            reason = _write(folder / result.name, result.chunks)
            return (None, reason) if reason else (result.name, None)
    except RefusedError as refused:
        return None, refused.reason
    except OSError as error:
        print(f"{path}: {error}")
        return None, UNREADABLE
    except (ValueError, LookupError, TypeError, ArithmeticError, MemoryError):
        # A file that nobody foresaw must neither pass nor stop the others.
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
