"""Add new files and table rows to the dataset; existing ones are never changed.

Rows of ``participants.tsv`` and ``scans.tsv`` are added under a lock, because sessions are
converted in parallel. BIDS 1.10, "Data summary files".
"""

import errno
import os
import shutil
from collections.abc import Container, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from filelock import FileLock

from ecdysis.conversion.nifti import OLDEST, SEXES, NiftiSeries
from ecdysis.files import read_json, write_json, write_text
from ecdysis.places import MANIFEST, converted_file

LOCK = Path(".ecdysis") / "tables.lock"
"""The lock file of the tables, relative to the output directory, where jobs run."""
CENTURIES_BACK = 400
"""Shifted dates are written this many years earlier; the calendar repeats after 400 years."""
MOVED_DATES = "retain_dates_modified"
"""The de-identification option that keeps shifted dates."""
COLUMNS: dict[str, dict[str, Any]] = {
    "participant_id": {"Description": "Unique label of the participant"},
    "age": {
        "Description": f"Age at the first session; {OLDEST} stands for {OLDEST} and above",
        "Units": "year",
    },
    "sex": {"Description": "Sex, as the scanner recorded it", "Levels": SEXES},
}
"""Possible columns of ``participants.tsv`` with their entries in ``participants.json``."""


def place_new(source: Path, target: Path) -> bool:
    """Link or copy a finished file into the dataset; return False if the target exists.

    The target appears with its whole content at once, because a hard link fails if its name exists.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
    copy = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        shutil.copyfile(source, copy)
        return _link(copy, target)
    finally:
        copy.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    return True


def keep_dicom(dicom: Path, sourcedata: Path) -> list[str]:
    """Copy the de-identified series that `sourcedata` lacks; return their names."""
    folder = sourcedata.joinpath(*dicom.name.split("_"))
    copied = []
    for series in sorted(path for path in dicom.iterdir() if path.is_dir()):
        target = folder / series.name
        if not target.exists():
            partial = folder / f".{series.name}"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(series, partial)
            partial.rename(target)
            copied.append(series.name)
    return copied


def add_to_tables(
    bids_dir: Path,
    images: Sequence[tuple[NiftiSeries, Path]],
    options: Sequence[str] = (),
    lock: Path = LOCK,
) -> dict[str, str]:
    """Add a participant, and the images of a session, to the tables of the dataset.

    `images` are each series with its image in the dataset, beside which its sidecar lies. The
    `options` of the de-identification decide how dates are written. The file `lock` is locked
    meanwhile. The result is the ``acq_time`` of each image, by its path relative to the session.
    """
    to_convert = _participants_to_convert()
    times = {}
    for series, image in images:
        label, *session = image.relative_to(bids_dir).parts[:-2]
        folder = bids_dir.joinpath(label, *session)
        add_participant(bids_dir, label, series.person, lock, to_convert)
        sidecar = read_json(image.with_name(image.name.replace(".nii.gz", ".json")))
        if time := acquisition_time(series.date, sidecar, moved=MOVED_DATES in options):
            path = image.relative_to(folder).as_posix()
            times[path] = time
            name = "_".join([label, *session, "scans.tsv"])
            add_scans(folder / name, {path: time}, lock)
    return times


def deid_options() -> list[str]:
    """Return the options of this run's de-identification, from its manifest."""
    settings = read_json(MANIFEST)["settings"] if MANIFEST.is_file() else {}
    return list(settings.get("deid", {}).get("options", ()))


def _participants_to_convert() -> set[str]:
    """Return the participants who have images still to be converted, from the run's manifest."""
    if not MANIFEST.is_file():
        return set()
    plan = read_json(MANIFEST)["plan"]
    waiting = [
        series
        for series in plan["others"]
        if not Path(converted_file(series["dicom_session"])).exists()
    ]
    return {f"sub-{item['subject']}" for item in [*plan["images"], *waiting]}


def acquisition_time(date: str, sidecar: Mapping[str, Any], *, moved: bool) -> str | None:
    """Return when an image was acquired, in the format of BIDS; None without a date or time.

    The sidecar's ``AcquisitionTime`` is the time of the first slice. A date that de-identification
    moved gets a year before 1925, as BIDS asks ("Scans file", ``acq_time``). All dates of a patient
    are shifted by the same time, so the intervals between them are correct.
    """
    time = str(sidecar.get("AcquisitionTime") or "")
    if not date or not time:
        return None
    year = int(date[:4]) - (CENTURIES_BACK if moved else 0)
    return f"{year:04d}-{date[4:6]}-{date[6:]}T{time}"


def add_participant(
    bids_dir: Path,
    label: str,
    person: Mapping[str, str],
    lock: Path,
    to_convert: Container[str] = (),
) -> None:
    """Add a row to ``participants.tsv`` unless the participant, such as ``sub-01``, has one.

    A new table gets a row for each participant in the dataset except those `to_convert`, who get
    theirs from other jobs, and columns for what is known of this person. ``participants.json``
    describes the columns. The file `lock` is locked meanwhile.
    """
    table = bids_dir / "participants.tsv"
    columns = ["participant_id", *(key for key in COLUMNS if key in person)]
    row = {"participant_id": label, **person}
    with locked(lock):
        if not table.exists():
            others = sorted(
                path.name
                for path in bids_dir.glob("sub-*")
                if path.is_dir() and path.name != label and path.name not in to_convert
            )
            write_text(table, "\t".join(columns) + "\n")
            _append(table, [{"participant_id": other} for other in others], "participant_id")
            description = bids_dir / "participants.json"
            if not description.exists():
                write_json(description, {key: COLUMNS[key] for key in columns})
        _append(table, [row], "participant_id")


def add_scans(table: Path, times: Mapping[str, str], lock: Path) -> None:
    """Add images to the ``scans.tsv`` of a session: path relative to the table -> ``acq_time``."""
    if times:
        with locked(lock):
            if not table.exists():
                write_text(table, "filename\tacq_time\n")
            rows = [{"filename": name, "acq_time": time} for name, time in sorted(times.items())]
            _append(table, rows, "filename")


def drop_scans(table: Path, images: Container[str], lock: Path = LOCK) -> None:
    """Remove images (paths relative to the table) from a ``scans.tsv``; drop the table if empty."""
    with locked(lock):
        header, *rows = table.read_text(encoding="utf-8").splitlines()
        kept = [row for row in rows if row.split("\t")[0] not in images]
        if kept:
            write_text(table, "".join(f"{line}\n" for line in (header, *kept)))
        else:
            table.unlink()


def locked(path: Path) -> AbstractContextManager[Any]:
    """Hold an exclusive lock within the block; other jobs wait for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)


def _append(table: Path, rows: list[dict[str, str]], key: str) -> None:
    """Add the rows whose `key` is new at the end of a table; its existing text stays."""
    text = table.read_bytes().decode("utf-8-sig")
    lines = text.splitlines()
    columns = lines[0].split("\t") if lines else []
    if key not in columns:
        return
    place = columns.index(key)
    known = {cells[place] for line in lines[1:] if len(cells := line.split("\t")) > place}
    new = [row for row in rows if row[key] not in known]
    if new:
        end = "" if text.endswith("\n") else "\n"
        added = ["\t".join(row.get(name, "n/a") for name in columns) + "\n" for row in new]
        write_text(table, text + end + "".join(added))
