"""Participant and session labels: counted, mapped, remembered."""

from pathlib import Path

import pytest
from ecdysis.dicom.index import index
from ecdysis.errors import InputError
from ecdysis.key import Key
from ecdysis.planning.labels import Labels, assign
from ecdysis.planning.participants_map import read_map
from ecdysis.planning.series import group_series

from tests.dicom_builder import uid, write_series

KEY = Key(bytes(range(32)))


def labelled(folder: Path, table: str | None = None, key: Key = KEY) -> Labels:
    found = index(folder / "scans", folder / "private" / "index.json")
    given = folder / "map.tsv"
    if table is not None:
        given.write_text(table)
    return assign(
        group_series(found, key),
        key,
        folder / "private" / "labels.tsv",
        folder / "bids",
        None if table is None else given,
    )


def scan(
    folder: Path, patient: str, study: str, date: str = "20200101", issuer: str | None = None
) -> None:
    write_series(
        folder / "scans" / study,
        patient,
        study,
        slices=1,
        StudyDate=date,
        IssuerOfPatientID=issuer,
    )


def named(labels: Labels) -> dict[tuple[str, str], str]:
    studies = ("a", "b", "c", "d", "e", *(f"P{number:02d}" for number in range(12)))
    words = {uid("study", word): word for word in studies}
    return {
        (patient[1], words[study]): person + (f"/{session}" if session else "")
        for (patient, study), (person, session) in labels.sessions.items()
    }


def test_labels_do_not_follow_the_order_of_the_identifiers(tmp_path: Path) -> None:
    patients = [f"P{number:02d}" for number in range(12)]
    for patient in patients:
        scan(tmp_path, patient, patient)
    given = named(labelled(tmp_path))
    labels = [given[patient, patient] for patient in patients]
    assert sorted(labels) == [f"{number:02d}" for number in range(1, 13)]
    assert labels not in (sorted(labels), sorted(labels, reverse=True))
    (tmp_path / "private" / "labels.tsv").unlink()
    assert named(labelled(tmp_path)) == given


def test_later_patients_do_not_change_labels(tmp_path: Path) -> None:
    scan(tmp_path, "B", "b")
    assert named(labelled(tmp_path)) == {("B", "b"): "01"}
    scan(tmp_path, "A", "a")
    assert named(labelled(tmp_path)) == {("B", "b"): "01", ("A", "a"): "02"}


def test_labels_of_the_dataset_are_not_given_to_others(tmp_path: Path) -> None:
    (tmp_path / "bids" / "sub-01").mkdir(parents=True)
    scan(tmp_path, "A", "a")
    assert named(labelled(tmp_path)) == {("A", "a"): "02"}
    (tmp_path / "bids" / "sub-02").mkdir()
    assert named(labelled(tmp_path)) == {("A", "a"): "02"}


def test_several_studies_become_sessions_by_date(tmp_path: Path) -> None:
    scan(tmp_path, "A", "a", "20210101")
    scan(tmp_path, "A", "b", "20200101")
    assert named(labelled(tmp_path)) == {("A", "b"): "01/01", ("A", "a"): "01/02"}
    scan(tmp_path, "A", "c", "20190101")
    assert named(labelled(tmp_path))["A", "c"] == "01/03"


def test_a_later_second_study_does_not_rename_the_first(tmp_path: Path) -> None:
    scan(tmp_path, "A", "a")
    labelled(tmp_path)
    scan(tmp_path, "A", "b", "20210101")
    labels = labelled(tmp_path)
    assert named(labels) == {("A", "a"): "01", ("A", "b"): "01/02"}
    assert "ses-02" in labels.notices[0]
    labels = labelled(tmp_path)
    assert named(labels) == {("A", "a"): "01", ("A", "b"): "01/02"}
    assert labels.notices == ()


def test_the_labels_of_a_removed_study_are_kept(tmp_path: Path) -> None:
    scan(tmp_path, "A", "a")
    labelled(tmp_path)
    (tmp_path / "scans").rename(tmp_path / "first delivery")
    scan(tmp_path, "A", "b")
    assert named(labelled(tmp_path)) == {("A", "b"): "01/02"}


def test_patients_without_identifier_are_not_one_patient(tmp_path: Path) -> None:
    scan(tmp_path, "", "a")
    scan(tmp_path, "", "b")
    assert sorted(named(labelled(tmp_path)).values()) == ["01", "02"]


def test_the_stored_labels_have_no_identifier(tmp_path: Path) -> None:
    scan(tmp_path, "Lovelace", "a")
    labelled(tmp_path)
    text = (tmp_path / "private" / "labels.tsv").read_text()
    assert "Lovelace" not in text
    assert uid("study", "a") not in text


def test_stored_labels_of_another_key_are_refused(tmp_path: Path) -> None:
    scan(tmp_path, "A", "a")
    labelled(tmp_path)
    with pytest.raises(InputError, match="another key"):
        labelled(tmp_path, key=Key(bytes([9] * 32)))


def test_the_map_decides_and_leaves_out_other_patients(tmp_path: Path) -> None:
    for patient, study in (("A", "a"), ("B", "b"), ("C", "c")):
        scan(tmp_path, patient, study)
    labels = labelled(tmp_path, "patient_id\tparticipant_label\nA\tsub-ctl7\nB\tpat1\n")
    assert named(labels) == {("A", "a"): "ctl7", ("B", "b"): "pat1"}
    assert list(labels.unlisted.values()) == ["this patient is not in participants_map"]


def test_the_map_merges_a_patient_with_two_identifiers(tmp_path: Path) -> None:
    scan(tmp_path, "A", "a", "20200101")
    scan(tmp_path, "A-old", "b", "20190101")
    table = "patient_id\tparticipant_label\nA\t7\nA-old\t7\n"
    assert named(labelled(tmp_path, table)) == {("A-old", "b"): "7/01", ("A", "a"): "7/02"}


def test_the_map_names_sessions_by_date_or_study(tmp_path: Path) -> None:
    for study, date in (("a", "20200101"), ("b", "20200301"), ("c", "20200401")):
        scan(tmp_path, "A", study, date)
    table = (
        "patient_id\tparticipant_label\tstudy_date\tstudy_uid\tsession_label\n"
        "A\t1\t2020-01-01\t\tpre\n"
        f"A\t1\tn/a\t{uid('study', 'b')}\tses-post\n"
    )
    labels = labelled(tmp_path, table)
    assert named(labels) == {("A", "a"): "1/pre", ("A", "b"): "1/post"}
    assert "not this one" in next(iter(labels.unlisted.values()))


def test_the_map_does_not_rename_patients_in_the_dataset(tmp_path: Path) -> None:
    scan(tmp_path, "A", "a")
    labelled(tmp_path)
    table = "patient_id\tparticipant_label\nA\t7\n"
    assert named(labelled(tmp_path, table)) == {("A", "a"): "7"}
    (tmp_path / "bids" / "sub-7").mkdir(parents=True)
    with pytest.raises(InputError, match="sub-7 in the dataset"):
        labelled(tmp_path, "patient_id\tparticipant_label\nA\t8\n")


def test_the_map_distinguishes_issuers(tmp_path: Path) -> None:
    scan(tmp_path, "A", "a", issuer="North")
    scan(tmp_path, "A", "b", issuer="South")
    with pytest.raises(InputError, match="several issuers") as caught:
        labelled(tmp_path, "patient_id\tparticipant_label\nA\t1\n")
    assert "North" not in str(caught.value)
    table = "patient_id\tissuer\tparticipant_label\nA\tNorth\t1\nA\tSouth\t2\n"
    assert sorted(named(labelled(tmp_path, table)).values()) == ["1", "2"]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("patient_id,participant_label\nLovelace,1\n", "columns patient_id and participant_label"),
        ("patient_id\tparticipant_label\tsession_label\nLovelace\t1\tx\n", "column study_uid"),
        ("patient_id\tparticipant_label\nLovelace\ta_b\n", "line 2.*letters and digits"),
        ("patient_id\tparticipant_label\nLovelace\t../x\n", "line 2.*letters and digits"),
        ("patient_id\tparticipant_label\nLovelace\n", "line 2.*letters and digits"),
        ("patient_id\tparticipant_label\nLovelace\t1\nLovelace\t2\n", "line 3.*another"),
        ("patient_id\tparticipant_label\n\t1\n", "line 2.*patient_id is empty"),
        ("patient_id\tparticipant_label\nLovelace\tx\nB\tX\n", "case"),
        (
            "patient_id\tparticipant_label\tstudy_date\tsession_label\n"
            "Lovelace\t1\t20200101\t1\nLovelace\t1\t20200101\t2\n",
            "line 3.*another session_label",
        ),
        (
            "patient_id\tparticipant_label\tstudy_date\tsession_label\nLovelace\t1\t\t1\n",
            "line 2.*without study_uid",
        ),
    ],
)
def test_a_wrong_map_is_explained_without_naming_anyone(
    tmp_path: Path, table: str, problem: str
) -> None:
    (tmp_path / "map.tsv").write_text(table)
    with pytest.raises(InputError, match=problem) as caught:
        read_map(tmp_path / "map.tsv")
    assert "Lovelace" not in str(caught.value)


def test_a_map_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    content = "\ufeffpatient_id\tparticipant_label\r\nP 1\t01\r\n\r\n"
    (tmp_path / "map.tsv").write_bytes(content.encode())
    assert read_map(tmp_path / "map.tsv")["", "P 1"].participant == "01"
