"""De-identify the DICOM files of one session (DICOM PS3.15, Annex E).

One process handles a session: each header is rewritten, pixels are passed on as they are.
A file that cannot be read, or whose pixels or text cannot be vouched for, is set aside with
a reason and never copied. See ``docs/deidentification.md``.
"""

import mmap
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lib.deid.build import instance_cleaner
from lib.deid.instance import InstanceCleaner
from lib.deid.key import Key
from lib.deid.parse import Buffer
from lib.deid.quarantine import DUPLICATE, UNREADABLE, RefusedError
from lib.errors import InputError
from lib.files import read_json

MAPPED_FROM = 64 << 20
"""Bytes from which a file is mapped into memory instead of read."""


def deidentify(
    listing: Path, output: Path, key: Key, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """De-identify the files of a session into ``output/<series>/<pseudonym>.dcm``.

    The folder appears under its name when it is complete.

    Parameters
    ----------
    listing : Path
        JSON with ``session``, ``subject`` and ``series``, which maps the name of each series
        to the paths of its files.
    output : Path
        Folder that is made, or replaced.
    key : Key
        The study's key.
    settings : mapping
        ``profile``, ``options``, ``admit`` and ``edits`` of the configuration's ``deid``.

    Returns
    -------
    dict
        Counts, reasons and settings; nothing that identifies.

    Raises
    ------
    InputError
        No file of the session can be used, or the settings are wrong.
    """
    content = read_json(listing)
    cleaner = instance_cleaner(settings, key, f"sub-{content['subject']}")
    partial = output.with_name(f".{os.getpid()}.{output.name}")
    aside: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        for series, paths in content["series"].items():
            folder = partial / series
            folder.mkdir(parents=True)
            for path in sorted(paths):
                reason = _one_file(Path(path), folder, cleaner)
                if reason:
                    print(f"set aside: {path}: {reason}")
                    aside[reason] += 1
                else:
                    passed[series] += 1
        if not passed:
            raise InputError(
                content["session"],
                f"none of its {aside.total()} DICOM files can be used ({_listed(aside)})",
                "See the private log for the names of the files",
            )
        shutil.rmtree(output, ignore_errors=True)
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {
        "files": passed.total(),
        "series": dict(passed),
        "quarantined": [
            {"reason": reason, "count": count} for reason, count in aside.most_common()
        ],
        "key_fingerprint": key.fingerprint,
        **cleaner.summary(),
    }


def _one_file(path: Path, folder: Path, cleaner: InstanceCleaner) -> str | None:
    """De-identify a file into a folder; return why it is set aside, if it is."""
    try:
        with _content(path) as data:
            result = cleaner.clean(data)
            return _write(folder / result.name, result.chunks)
    except RefusedError as refused:
        return refused.reason
    except OSError as error:
        print(f"{path}: {error}")
        return UNREADABLE


@contextmanager
def _content(path: Path) -> Iterator[Buffer]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        size = os.fstat(descriptor).st_size
        if size < MAPPED_FROM:
            yield os.read(descriptor, size)
            return
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as mapped:
            view = memoryview(mapped)
            try:
                yield view
            finally:
                view.release()
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


def _listed(reasons: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())


if "snakemake" in globals():
    from lib.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "deidentify", private=True) as details:
        details.update(
            deidentify(
                Path(job.input.files),
                Path(job.output.dicom),
                Key.load(Path(job.params.key_file)),
                job.params.deid,
            )
        )
