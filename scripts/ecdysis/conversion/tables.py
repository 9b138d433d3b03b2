"""The tables of a dataset that grow: ``participants.tsv`` and ``scans.tsv``.

Rows are added under a lock, since sessions convert in parallel; a row that is there is never
changed, and the order stays. BIDS 1.10, "Data summary files".
"""

import fcntl
import json
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecdysis.files import atomic

LOCK = Path(".ecdysis") / "tables.lock"
"""In the output directory, where jobs run."""

CENTURIES_BACK = 400
"""Years by which moved dates are put back; the calendar repeats after as many."""

OLDEST = 89
"""Greater ages are written as this one (BIDS 1.11, "Participants file")."""

COLUMNS: dict[str, dict[str, Any]] = {
    "participant_id": {"Description": "Unique label of the participant"},
    "age": {
        "Description": f"Age at the first session; {OLDEST} stands for {OLDEST} and above",
        "Units": "year",
    },
    "sex": {
        "Description": "Sex, as the scanner recorded it",
        "Levels": {"F": "female", "M": "male", "O": "other"},
    },
}
"""Columns that may be written, with what ``participants.json`` says of them."""


def person_of(header: Any) -> dict[str, str]:
    """Return age and sex, as far as a de-identified header (pydicom Dataset) retains them."""
    person = {}
    age = str(header.get("PatientAge") or "")
    if age[:-1].isdecimal() and age[-1:] in "DWMY":
        years = int(age[:-1]) // {"D": 365, "W": 52, "M": 12, "Y": 1}[age[-1]]
        person["age"] = str(min(years, OLDEST))
    sex = str(header.get("PatientSex") or "")
    if sex in COLUMNS["sex"]["Levels"]:
        person["sex"] = sex
    return person


def date_of(header: Any) -> str:
    """Return the date of acquisition as ``20200131``; empty when the header retains none."""
    date = str(header.get("AcquisitionDate") or header.get("SeriesDate") or "")
    return date if len(date) == 8 and date.isdecimal() else ""


def acquisition_time(date: str, sidecar: Mapping[str, Any], *, moved: bool) -> str | None:
    """Return when an image was acquired, as BIDS writes it; None when no date was retained.

    A date that was moved gets a year before 1925, by which BIDS marks it ("Scans file",
    ``acq_time``); all dates of a patient are moved by the same time, so that intervals stay.

    Parameters
    ----------
    date : str
        See `date_of`.
    sidecar : dict
        Its ``AcquisitionTime`` is that of the first slice.
    moved : bool
        Whether de-identification moved the date.
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
    coming: Container[str] = (),
) -> None:
    """Give a participant its row in ``participants.tsv``, unless it has one.

    A new table begins with those who are in the dataset already, and with the columns that
    are known of this one; ``participants.json`` describes them.

    Parameters
    ----------
    label : str
        As ``sub-01``.
    person : dict
        ``age`` and ``sex``, where known.
    lock : Path
        File that is locked meanwhile.
    coming : container of str
        Those who will be given a row by their own jobs.
    """
    table = bids_dir / "participants.tsv"
    columns = ["participant_id", *(key for key in COLUMNS if key in person)]
    row = {"participant_id": label, **person}
    with locked(lock):
        if not table.exists():
            others = sorted(
                path.name
                for path in bids_dir.glob("sub-*")
                if path.is_dir() and path.name != label and path.name not in coming
            )
            _write(table, "\t".join(columns) + "\n")
            _append(table, [{"participant_id": other} for other in others], "participant_id")
            about = {key: COLUMNS[key] for key in columns}
            description = bids_dir / "participants.json"
            if not description.exists():
                _write(description, json.dumps(about, indent=2) + "\n")
        _append(table, [row], "participant_id")


def add_scans(table: Path, times: Mapping[str, str], lock: Path) -> None:
    """Give images their rows in the ``scans.tsv`` of a session.

    Parameters
    ----------
    times : dict
        Path relative to the table -> ``acq_time``.
    """
    if times:
        with locked(lock):
            if not table.exists():
                _write(table, "filename\tacq_time\n")
            rows = [{"filename": name, "acq_time": time} for name, time in sorted(times.items())]
            _append(table, rows, "filename")


def drop_scans(table: Path, images: Container[str], lock: Path = LOCK) -> None:
    """Remove the rows of images from the ``scans.tsv`` of a session, and a table without rows.

    Parameters
    ----------
    images : container of str
        Paths relative to the table.
    """
    with locked(lock):
        header, *rows = table.read_text(encoding="utf-8").splitlines()
        kept = [row for row in rows if row.split("\t")[0] not in images]
        if kept:
            _write(table, "".join(f"{line}\n" for line in (header, *kept)))
        else:
            table.unlink()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that other jobs wait for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _append(table: Path, rows: list[dict[str, str]], key: str) -> None:
    """Add the rows whose `key` is new below what stands there, which is not touched."""
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
        _write(table, text + end + "".join(added))


def _write(path: Path, text: str) -> None:
    with atomic(path) as partial:
        partial.write_bytes(text.encode())
