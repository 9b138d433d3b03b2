"""The plan: every file is an image, unmapped or excluded, and nobody is named."""

import json
import os
import stat
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from ecdysis.errors import InputError
from ecdysis.key import Key
from ecdysis.planning.decision import PlanOptions
from ecdysis.planning.entries import Exclusion, Plan, read_entry
from ecdysis.planning.plan import Sources, plan

from tests.dicom_builder import EPI, MPRAGE, SPIN_ECHO, T2, uid, write_series

KEY = Key(bytes(range(32)))
NOT_NORMALISED = ["ORIGINAL", "PRIMARY", "M", "ND"]


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    return tmp_path / "scans"


def planned(
    scans: Path, *suffixes: str, table: str | None = None, others: bool = False
) -> dict[str, Any]:
    root = scans.parent
    given = root / "map.tsv" if table else None
    if given:
        given.write_text(table)
    sources = Sources(scans, root / "private", KEY, given)
    return asdict(plan(sources, root / "bids", PlanOptions(suffixes or ("T1w",), others)))


def names(items: Sequence[dict[str, Any]]) -> list[str]:
    return [f"{item['folder']}/{item['entities']}_{item['suffix']}" for item in items]


def tsv(*rows: Sequence[str]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def make(scans: Path, image: dict[str, Any]) -> None:
    path = scans.parent / "bids" / f"{names([image])[0]}.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_the_manifest_keeps_the_whole_plan(scans: Path) -> None:
    write_series(scans / "t1")
    write_series(scans / "bold", series="bold", header=EPI, volumes=12, SeriesNumber=2)
    write_series(scans / "scout", series="scout", slices=3, SeriesNumber=3)
    sources = Sources(scans, scans.parent / "private", KEY)
    result = plan(sources, scans.parent / "bids", PlanOptions(others=True))
    assert [len(result.images), len(result.others), len(result.unmapped)] == [1, 1, 1]
    assert read_entry(Plan, json.loads(json.dumps(asdict(result)))) == result


def test_one_patient_with_one_t1(scans: Path) -> None:
    files = write_series(scans / "x")
    made = planned(scans)
    series = "ser-" + KEY.digest("series", uid("series", "first", "t1")).hex()[:8]
    (image,), (session,) = made["images"], made["sessions"]
    assert names([image]) == ["sub-01/anat/sub-01_T1w"]
    assert (image["subject"], image["session"], image["series"]) == ("01", None, series)
    assert image["dicom_session"] == session["session"] == "sub-01"
    assert (session["subject"], session["label"]) == ("01", None)
    file = Path(session["files"])
    assert json.loads(file.read_text())["series"] == {series: [str(path) for path in files]}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_sessions_and_repeats_have_their_entities(scans: Path) -> None:
    write_series(scans / "1", study="one")
    write_series(scans / "2", study="one", series="again", SeriesNumber=9)
    write_series(scans / "3", study="two", StudyDate="20210101")
    assert names(planned(scans)["images"]) == [
        "sub-01/ses-01/anat/sub-01_ses-01_run-1_T1w",
        "sub-01/ses-01/anat/sub-01_ses-01_run-2_T1w",
        "sub-01/ses-02/anat/sub-01_ses-02_T1w",
    ]


def test_a_repeat_that_comes_later_renames_nothing(scans: Path) -> None:
    write_series(scans / "1", SeriesNumber=5)
    first = planned(scans)["images"]
    write_series(scans / "2", series="earlier", SeriesNumber=1)
    assert names(planned(scans)["images"]) == [
        "sub-01/anat/sub-01_run-2_T1w",
        "sub-01/anat/sub-01_T1w",
    ]
    make(scans, first[0])
    again = planned(scans)
    assert names(again["present"]) == ["sub-01/anat/sub-01_T1w"]
    assert names(again["images"]) == ["sub-01/anat/sub-01_run-2_T1w"]


def test_nothing_disappears(scans: Path) -> None:
    write_series(scans / "t1")
    write_series(scans / "t2", series="t2", header=T2)
    write_series(scans / "bold", series="bold", header=EPI, slices=2, volumes=12)
    write_series(scans / "scout", series="scout", SeriesDescription="localizer", slices=3)
    write_series(scans / "report", series="report", header={"Modality": "SR"}, slices=1)
    cut = write_series(scans / "cut", series="cut", slices=2)
    for path in cut:
        path.write_bytes(path.read_bytes()[:-9])
    write_series(scans / "bare", "B", "other", header=T2)
    (scans / "readme").write_text("hello")
    made = planned(scans)
    assert names(made["images"]) == ["sub-01/anat/sub-01_T1w"]
    reasons = {entry["series"]: entry["reason"] for entry in made["unmapped"]}
    assert len(reasons) == 5
    for text in ("recognised as T2w", "recognised as bold", "named as a localizer", "not an MR"):
        assert any(text in reason for reason in reasons.values())
    assert made["excluded"] == [
        asdict(Exclusion(2, "the file is cut short")),
        asdict(Exclusion(12, "no T1w among its 1 series", "sub-02", "02")),
    ]
    assert made["counts"] == {"dicom": 64, "not DICOM": 1}
    listed = (scans.parent / "private" / "series.tsv").read_text().splitlines()
    assert len(listed) == 1 + 6
    assert "IM00001" in (scans.parent / "private" / "skipped.tsv").read_text()


def test_other_suffixes_on_request(scans: Path) -> None:
    write_series(scans / "t1")
    write_series(scans / "t2", series="t2", header=T2)
    made = planned(scans, "T2w", "T1w")
    assert {image["suffix"] for image in made["images"]} == {"T1w", "T2w"}
    content = json.loads(Path(made["sessions"][0]["files"]).read_text())
    assert len(content["series"]) == 2


def test_a_derived_copy_is_left_out_if_there_is_an_original(scans: Path) -> None:
    derived = {**MPRAGE, "ImageType": ["DERIVED", "PRIMARY", "M"]}
    write_series(scans / "d", series="derived", header=derived, SeriesNumber=1)
    assert names(planned(scans)["images"]) == ["sub-01/anat/sub-01_T1w"]
    write_series(scans / "o", "B", "two", "original")
    write_series(scans / "p", "B", "two", "derived", header=derived)
    made = planned(scans)
    assert len(made["images"]) == 2
    assert [entry["reason"] for entry in made["unmapped"]] == [
        "derived, and the session has an original T1w"
    ]


ECHOES = [{"EchoTime": time, "EchoNumbers": at} for at, time in ((1, 1.69), (2, 3.55))]
PARTS = [{"ImageType": ["ORIGINAL", "PRIMARY", part, "ND"]} for part in ("M", "P")]
COMBINED = {**MPRAGE, "ImageType": ["DERIVED", "PRIMARY", "M", "ND", "NORM"]}


def test_each_echo_and_their_combination_become_images(scans: Path) -> None:
    write_series(scans / "e", volumes=2, by_volume=ECHOES)
    write_series(scans / "c", series="rms", SeriesNumber=3, header=COMBINED)
    made = planned(scans)
    assert names(made["images"]) == [
        "sub-01/anat/sub-01_echo-1_T1w",
        "sub-01/anat/sub-01_echo-2_T1w",
        "sub-01/anat/sub-01_rec-combined_T1w",
    ]
    assert made["unmapped"] == []
    outputs = [[one["echo"] for one in series["outputs"]] for series in made["mapped"]]
    assert outputs == [[1.69, 3.55], [None]]
    make(scans, made["images"][0])
    later = planned(scans)
    assert names(later["present"]) == ["sub-01/anat/sub-01_echo-1_T1w"]
    assert names(later["images"]) == names(made["images"])[1:]


def test_the_phase_is_converted_and_the_magnitude_processed(scans: Path) -> None:
    write_series(scans / "p", volumes=2, by_volume=PARTS)
    made = planned(scans, others=True)
    assert names(made["images"]) == ["sub-01/anat/sub-01_part-mag_T1w"]
    (other,) = made["others"]
    assert names(other["outputs"]) == ["sub-01/anat/sub-01_part-phase_T1w"]
    assert names(other["apart"]) == names(made["images"])


def test_files_of_two_patients_under_one_series_are_not_mixed(scans: Path) -> None:
    write_series(scans / "a", "A", "one")
    write_series(scans / "b", "B", "one")
    made = planned(scans)
    assert made["images"] == []
    assert {entry["reason"] for entry in made["excluded"] if entry["series"]} == {
        "files of different patients have its SeriesInstanceUID"
    }


def test_two_identifiers_of_one_patient_are_merged_by_the_map(scans: Path) -> None:
    write_series(scans / "a", "A", "one")
    write_series(scans / "b", "B", "one")
    columns = ("patient_id", "participant_label", "study_date", "session_label")
    rows = (columns, *((patient, "x", "20200101", "1") for patient in "AB"))
    made = planned(scans, table=tsv(*rows))
    assert names(made["images"]) == ["sub-x/ses-1/anat/sub-x_ses-1_T1w"]
    assert [entry["reason"] for entry in made["excluded"]] == [
        "a second copy of a series of this session"
    ]


def test_patients_who_are_not_in_the_map_are_counted(scans: Path) -> None:
    write_series(scans / "a", "A", "one")
    write_series(scans / "b", "B", "two")
    made = planned(scans, table=tsv(("patient_id", "participant_label"), ("A", "x")))
    assert names(made["images"]) == ["sub-x/anat/sub-x_T1w"]
    assert made["excluded"] == [asdict(Exclusion(12, "this patient is not in participants_map"))]


def test_the_same_scans_give_the_same_plan_and_touch_no_file(scans: Path) -> None:
    write_series(scans / "a")
    write_series(scans / "b", "B", "two")
    first = planned(scans)
    private = scans.parent / "private"
    times = {path: path.stat().st_mtime_ns for path in private.rglob("*")}
    assert planned(scans) == first
    assert {path: path.stat().st_mtime_ns for path in private.rglob("*")} == times


def test_only_the_changed_session_is_written_again(scans: Path) -> None:
    write_series(scans / "a")
    write_series(scans / "b", "B", "two")

    def states() -> list[tuple[int, str]]:
        files = [Path(session["files"]) for session in planned(scans)["sessions"]]
        return [(file.stat().st_mtime_ns, json.loads(file.read_text())["state"]) for file in files]

    before = states()
    more = write_series(scans / "c", "B", "two", "again")
    after = states()
    os.utime(more[0], (5, 5))
    now = states()
    assert before[0] == after[0] == now[0]
    assert before[1][0] != after[1][0]
    assert after[1][1] != now[1][1]


def test_a_changed_export_of_a_finished_image_is_reported(scans: Path) -> None:
    write_series(scans / "a", slices=12)
    make(scans, planned(scans)["images"][0])
    assert planned(scans)["notices"] == []
    write_series(scans / "a", slices=14)
    made = planned(scans)
    assert made["images"] == []
    assert "have changed" in made["notices"][0]


def test_the_plan_names_nobody(scans: Path) -> None:
    secret = dict.fromkeys(("patient", "IssuerOfPatientID", "ProtocolName"), "Lovelace")
    secret["StudyDate"] = "20190807"
    write_series(scans / "Lovelace", **secret, SeriesDescription="Lovelace T1 mprage")
    write_series(scans / "x", **secret, series="x", SeriesDescription="Lovelace", slices=3)
    made = planned(scans)
    assert names(made["images"]) == ["sub-01/anat/sub-01_T1w"]
    text = json.dumps(made)
    assert not any(word in text for word in ("Lovelace", "20190807", uid("study", "first")))


def test_an_issuer_that_some_series_lack_does_not_split_a_study(scans: Path) -> None:
    write_series(scans / "a", IssuerOfPatientID="Clinic")
    write_series(scans / "b", series="again", SeriesNumber=3)
    assert names(planned(scans)["images"]) == [
        "sub-01/anat/sub-01_run-1_T1w",
        "sub-01/anat/sub-01_run-2_T1w",
    ]


@pytest.mark.parametrize("text", ["../../etc", "a/b", 'a"b', "a\tb", "ÄÖ", "a b", "-", "n/a"])
def test_no_header_text_reaches_a_path(scans: Path, text: str) -> None:
    write_series(scans, text, SeriesDescription=f"{text} mprage", SpecificCharacterSet="ISO_IR 192")
    made = planned(scans)
    assert names(made["images"]) == ["sub-01/anat/sub-01_T1w"]
    assert planned(scans) == made


def listed(scans: Path) -> list[dict[str, str]]:
    table = (scans.parent / "private" / "series.tsv").read_text()
    columns, *rows = (line.split("\t") for line in table.splitlines())
    return [dict(zip(columns, row, strict=True)) for row in rows]


def rule(scans: Path, *rows: tuple[str, str]) -> None:
    (scans.parent / "private" / "plan.tsv").write_text(tsv(("series", "name"), *rows))


def test_the_table_has_every_series_with_the_reason(scans: Path) -> None:
    write_series(scans / "a", SeriesDescription="my\tT1")
    write_series(scans / "b", series="again")
    write_series(scans / "c", series="dti", header=EPI, SeriesDescription="dti")
    planned(scans)
    rows = listed(scans)
    assert sorted(row["name"] for row in rows) == ["n/a", "run-1_T1w", "run-2_T1w"]
    assert {row["description"] for row in rows} == {"my T1", "t1_mprage_sag", "dti"}
    assert any("recognised as dwi" in row["why"] for row in rows)


def test_names_in_plan_tsv_override_the_plan(scans: Path) -> None:
    write_series(scans / "a", SeriesNumber=1)
    write_series(scans / "b", series="other", SeriesNumber=2)
    write_series(scans / "c", series="odd", SeriesNumber=3, SeriesDescription="t2", slices=6)
    planned(scans)
    first, second, third = (row["series"] for row in listed(scans))
    rule(scans, (first, "n/a"), (second, "T1w"), (third, "acq-short_T1w"))
    made = planned(scans)
    assert names(made["images"]) == ["sub-01/anat/sub-01_T1w", "sub-01/anat/sub-01_acq-short_T1w"]
    assert [entry["reason"] for entry in made["unmapped"]] == ["left out by plan.tsv"]
    assert planned(scans) == made


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([("ser-1", "../x_T1w")], "line 2.*no MR image"),
        ([("ser-1", "T1W")], "line 2.*nearest is T1w"),
        ([("ser-1", "run-a_T1w")], "line 2.*run and echo must be a number"),
        ([("ser-1", "run-1_acq-x_T1w")], "line 2.*entities"),
        ([("ser-1", "bold")], "line 2.*needs task-"),
        ([("ser-1", "T1w"), ("ser-1", "T2w")], "line 3.*another name in a line above"),
    ],
)
def test_invalid_names_in_plan_tsv_are_explained(
    scans: Path, rows: list[tuple[str, str]], problem: str
) -> None:
    write_series(scans)
    planned(scans)
    rule(scans, *rows)
    with pytest.raises(InputError, match=problem):
        planned(scans)


def test_one_name_for_two_series_becomes_two_runs(scans: Path) -> None:
    write_series(scans / "a", AcquisitionTime="110000")
    write_series(scans / "b", series="again", AcquisitionTime="100000")
    planned(scans)
    t1w = [row["series"] for row in listed(scans) if "T1w" in row["name"]]
    rule(scans, *((series, "acq-x_T1w") for series in t1w))
    for _ in range(2):
        made = planned(scans)
        by_number = [item["image"].rpartition("/")[2] for item in made["mapped"]]
        # The series that was acquired first is run 1.
        assert by_number == ["sub-01_acq-x_run-1_T1w", "sub-01_acq-x_run-2_T1w"]


def test_equal_runs_for_two_series_leave_out_both_and_nothing_else(scans: Path) -> None:
    write_series(scans / "a")
    write_series(scans / "b", series="again")
    write_series(scans / "c", "Other", "other")
    planned(scans)
    twice = [row["series"] for row in listed(scans) if row["name"] != "T1w"]
    rule(scans, *((series, "run-1_T1w") for series in twice))
    made = planned(scans)
    assert len(made["images"]) == 1
    assert {item["series"] for item in made["unmapped"]} == set(twice)
    assert all("gives this name to another series" in row["why"] for row in listed(scans)
               if row["series"] in twice)  # fmt: skip


def test_a_plan_without_its_columns_is_refused(scans: Path) -> None:
    write_series(scans)
    planned(scans)
    (scans.parent / "private" / "plan.tsv").write_text("series,name\nser-1,T1w\n")
    with pytest.raises(InputError, match="name and series are missing"):
        planned(scans)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"ContrastBolusAgent": "Gd"}, ["T1w", "ce-agent_T1w"]),
        (
            {"header": SPIN_ECHO, "SeriesDescription": "t1", "EchoTime": 9, "RepetitionTime": 500},
            ["acq-3Dgrir_T1w", "acq-2Dse_T1w"],
        ),
        ({"PixelSpacing": [0.75, 0.75]}, ["acq-2x2x2mm_T1w", "acq-0p8x0p8x2mm_T1w"]),
        ({"ImageType": NOT_NORMALISED}, ["rec-norm_T1w", "T1w"]),
        ({"ImageType": NOT_NORMALISED, "AcquisitionTime": "113000"}, ["run-1_T1w", "run-2_T1w"]),
        ({}, ["run-1_T1w", "run-2_T1w"]),
    ],
)
def test_entities_show_how_images_differ(
    scans: Path, second: dict[str, Any], expected: list[str]
) -> None:
    write_series(scans / "a", SeriesNumber=1)
    write_series(scans / "b", series="second", SeriesNumber=2, **second)
    planned(scans)
    assert [row["name"] for row in listed(scans)] == expected


def test_a_later_image_of_another_kind_does_not_rename_the_first(scans: Path) -> None:
    write_series(scans / "a")
    planned(scans)
    write_series(scans / "b", series="fine", PixelSpacing=[0.75, 0.75])
    planned(scans)
    assert sorted(row["name"] for row in listed(scans)) == ["T1w", "acq-0p8x0p8x2mm_T1w"]
