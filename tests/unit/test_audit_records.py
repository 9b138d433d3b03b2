"""The audit searches everything that is made of a session: sidecars, tables, records and images."""

import gzip
import json
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from ecdysis.audit.results import files_of
from ecdysis.errors import InputError

from tests.unit.audited_session import originals_with, run

RECORDS = [
    ("sub-01_T1w.json", '{"x": "zx-998877"}'),
    ("sub-01_T1w.json", '{"x": [{"y": "K\\u00e4the"}]}'),
    ("sub-01_T1w.json", '{"x": {"y": ["käthe"]}}'),
    ("sub-01_T1w.json", '{"x": 19500312}'),
    ("quality.status.json", '{"reason": "no brain in Vandermeulen"}'),
    ("convert.status.json", '{"details": {"warnings": ["KATHE was here"]}}'),
    ("sub-01_scans.tsv", "filename\tacq_time\na.nii.gz\t2019-03-04T10:00:00\n"),
    ("measures.tsv", "name\tvalue\nx\tKÄTHE\n"),
    ("benchmark.tsv", "s\th:m:s\n1\tVandermeulen\n"),
    ("skullstrip.log", "cannot read Kathe_Vandermeulen.dcm"),
    ("skullstrip.log", "cannot read Vandermeulen.dcm"),
    ("skullstrip.log", "cannot read 19500312.dcm"),
    ("skullstrip.log", "ID ZX-998877"),
    ("skullstrip.log", "UID 1.3.6.1.4.1.55555.1 sent by Saint Elsewhere"),
    ("notes.md", "scanned on 4 March 2019"),
    ("kathe-vandermeulen.txt", ""),
    ("kathe-vandermeulen.png", ""),
]


@pytest.mark.parametrize(("name", "content"), RECORDS)
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_secret_in_any_record_is_found(
    name: str, content: str, is_ours: bool, session: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match="audit found") as error:
        run(session, ours=[path]) if is_ours else run(session, path)
    assert name in str(error.value) or "vander" in name


HARMLESS = [
    ("a.json", '{"Vandermeulen": 1, "EchoTime": 0.03, "x": "ser-ab998877c"}'),
    ("quality.status.json", '{"started": "2019-03-04T10:00:00+00:00", "seconds": 20190304}'),
    ("a.tsv", "Vandermeulen\tvalue\nx\t0.1\n"),
    ("skullstrip.log", "2019-03-04 12:00:00 lib: Kathe iterations"),
    ("a.json", '{"ConversionSoftwareVersion": "v1.0.20190304"}'),
]


@pytest.mark.parametrize(("name", "content"), HARMLESS)
def test_keys_and_facts_of_the_run_are_no_leak(
    name: str, content: str, session: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    run(session, ours=[tmp_path / name])


@pytest.mark.parametrize("called", ["Image^Brain", "Given^Mask", "Department^Head"])
def test_records_may_hold_the_words_of_messages(
    called: str, session: tuple[Path, Path], tmp_path: Path
) -> None:
    originals_with(session, PatientName=called)
    record = tmp_path / "crop.status.json"
    text = "the mask that was given cuts the brain of the image"
    record.write_text(json.dumps({"reason": text, "dropped": ["InstitutionalDepartmentName"]}))
    run(session, ours=[record])
    record.write_text(json.dumps({"reason": called.replace("^", " ")}))
    with pytest.raises(InputError, match="audit found"):
        run(session, ours=[record])


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["Ømaskå", "Cannoté", "Ærecordé"])
def test_a_word_of_messages_inside_a_name_does_not_hide_the_name(
    name: str, form: Literal["NFC", "NFD"], session: tuple[Path, Path], tmp_path: Path
) -> None:
    originals_with(session, SpecificCharacterSet="ISO_IR 192", PatientName=f"{name}^Eva")
    record = tmp_path / "crop.status.json"
    record.write_text(json.dumps({"x": unicodedata.normalize(form, name)}))
    with pytest.raises(InputError, match="audit found"):
        run(session, ours=[record])


def test_the_header_of_an_image_is_searched_and_its_voxels_are_not(
    session: tuple[Path, Path], tmp_path: Path
) -> None:
    image = tmp_path / "a.nii.gz"
    header = (540).to_bytes(4, "little").ljust(148, b"\0") + b"TE=3;Time=101112".ljust(204, b"\0")
    image.write_bytes(gzip.compress(header + b"Vandermeulen"))
    run(session, image)
    image.write_bytes(gzip.compress(header.replace(b"TE=3", b"zx-998877")))
    with pytest.raises(InputError, match=r"NIfTI header holds an identifier"):
        run(session, image)


def test_all_files_about_a_subject_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {
        "sub-01/ses-1/anat/sub-01_ses-1_T1w.json",
        "sub-01/figures/a.png",
        ".ecdysis/sub-01/ses-1/anat/affine.mat",
        "logs/sub-01/ses-1/anat/sub-01_ses-1_T1w/skullstrip.log",
        "logs/sub-01_ses-1/deidentify.status.json",
        "benchmarks/sub-01_ses-1/audit.tsv",
    }
    others = {
        "index.html",
        "sub-010/anat/sub-010_T1w.json",
        "logs/sub-01_ses-2/audit.status.json",
        "sub-01/.77.half_written.json",
    }
    for name in listed | others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert {path.as_posix() for path in files_of("01", "sub-01_ses-1")} == listed
