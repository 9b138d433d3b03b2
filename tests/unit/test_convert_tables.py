"""The tables that grow: rows are added, never changed, also by several jobs at once."""

from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from ecdysis.conversion.dataset import (
    acquisition_time,
    add_participant,
    add_scans,
)
from ecdysis.conversion.nifti import date_of, person_of


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "results" / "lock"


def test_rows_are_added_to_a_table_of_the_user(tmp_path: Path, lock: Path) -> None:
    table = tmp_path / "participants.tsv"
    mine = "group\tparticipant_id\tage\r\nb\tsub-9\t30\r\na\tsub-02\tn/a"
    table.write_bytes(mine.encode())
    add_participant(tmp_path, "sub-01", {"sex": "F", "age": "41"}, lock)
    add_participant(tmp_path, "sub-02", {"age": "50"}, lock)
    assert table.read_bytes().decode() == mine + "\nn/a\tsub-01\t41\n"
    assert not (tmp_path / "participants.json").exists()


def test_a_new_table_has_the_participants_of_the_dataset(tmp_path: Path, lock: Path) -> None:
    (tmp_path / "sub-07").mkdir()
    add_participant(tmp_path, "sub-01", {"sex": "F"}, lock)
    assert (tmp_path / "participants.tsv").read_text() == (
        "participant_id\tsex\nsub-07\tn/a\nsub-01\tF\n"
    )
    assert (tmp_path / "participants.json").is_file()


def test_participants_still_to_convert_get_their_row_later(tmp_path: Path, lock: Path) -> None:
    for label in ("sub-07", "sub-02"):
        (tmp_path / label).mkdir()
    add_participant(tmp_path, "sub-01", {"age": "30"}, lock, {"sub-02"})
    add_participant(tmp_path, "sub-02", {"age": "40"}, lock, {"sub-02"})
    assert (tmp_path / "participants.tsv").read_text().splitlines() == [
        "participant_id\tage", "sub-07\tn/a", "sub-01\t30", "sub-02\t40",
    ]  # fmt: skip


def _add(folder: str, number: int) -> None:
    add_participant(Path(folder), f"sub-{number:02d}", {}, Path(folder, "lock"))


def test_parallel_jobs_lose_no_row(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(_add, [str(tmp_path)] * 24, list(range(24))))
    lines = (tmp_path / "participants.tsv").read_text().splitlines()
    assert sorted(lines[1:]) == [f"sub-{number:02d}" for number in range(24)]


def test_scans_are_listed_once(tmp_path: Path, lock: Path) -> None:
    table = tmp_path / "sub-01" / "sub-01_scans.tsv"
    table.parent.mkdir()
    for _ in range(2):
        add_scans(table, {"anat/b": "2001-01-01T00:00:00", "anat/a": "x"}, lock)
    add_scans(table, {}, lock)
    assert table.read_text().splitlines() == [
        "filename\tacq_time", "anat/a\tx", "anat/b\t2001-01-01T00:00:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "person"),
    [
        ({}, {}),
        ({"PatientAge": "034Y", "PatientSex": "F"}, {"age": "34", "sex": "F"}),
        ({"PatientAge": "090Y"}, {"age": "89"}),
        ({"PatientAge": "018M", "PatientSex": ""}, {"age": "1"}),
        ({"PatientAge": "old", "PatientSex": "Lovelace"}, {}),
    ],
)
def test_age_and_sex_are_read_from_the_header(
    header: dict[str, str], person: dict[str, str]
) -> None:
    assert person_of(header) == person


def test_a_time_needs_a_date() -> None:
    time = {"AcquisitionTime": "10:20:00.5"}
    date_of_header = date_of({"AcquisitionDate": "20100203"})
    assert acquisition_time(date_of_header, time, moved=False) == "2010-02-03T10:20:00.5"
    assert acquisition_time(date_of({}), time, moved=True) is None
    assert acquisition_time(date_of({"SeriesDate": "2010"}), time, moved=True) is None
    assert acquisition_time(date_of_header, {}, moved=True) is None


def test_moved_dates_lie_before_1925_and_keep_their_intervals() -> None:
    time = {"AcquisitionTime": "1"}
    times = [
        acquisition_time(day, time, moved=True) or ""
        for day in ("20191231", "20240229", "20240301")
    ]
    days = [date.fromisoformat(moment.partition("T")[0]) for moment in times]
    assert all(day.year < 1925 for day in days)
    assert [(later - days[0]).days for later in days] == [0, 1521, 1522]
