"""The audit passes what is clean, and stops on each kind of fault without showing values."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from ecdysis.deid.session import deidentify
from ecdysis.errors import InputError
from pydicom import Dataset

from tests.unit.audited_session import KEY, originals_with, run

SECRETS = ("Vandermeulen", "Käthe", "ZX-998877", "19500312", "1.3.6.1.4.1.55555.7.77.1000001",
           "Saint Elsewhere", "20190304")  # fmt: skip


def test_clean_outputs_pass(session: tuple[Path, Path]) -> None:
    details = run(session)
    assert (details["files"], details["pairs"], details["hits"]) == (3, 3, 0)
    assert details["values"] > 8


def text_kept(ds: Dataset) -> None:
    ds.SeriesDescription = "T1 of Vandermeulen"


def accent_kept(ds: Dataset) -> None:
    ds.SeriesDescription = "T1 KATHE"


def uid_kept(ds: Dataset) -> None:
    ds.FrameOfReferenceUID = "1.3.6.1.4.1.55555.2"


def date_kept(ds: Dataset) -> None:
    ds.ContentDate = "20190304"


def wide_text(ds: Dataset) -> None:
    ds.ICCProfile = "zx-998877".encode("utf-16-le")


def behind_pixels(ds: Dataset) -> None:
    ds.PixelData = bytes(ds.PixelData) + b"VANDERMEULEN"


def private(ds: Dataset) -> None:
    ds.private_block(0x0011, "ACME", create=True).add_new(1, "LO", "x")


def other_pixels(ds: Dataset) -> None:
    ds.PixelData = b"\7" * 128


def other_uid(ds: Dataset) -> None:
    ds.StudyInstanceUID = "2.25.999999999999999"


def other_shift(ds: Dataset) -> None:
    ds.StudyDate = "20010101"


def person(ds: Dataset) -> None:
    ds.OperatorsName = "Somebody"


def birth_date(ds: Dataset) -> None:
    ds.PatientBirthDate = "20010101"


def preamble(ds: Dataset) -> None:
    ds.preamble = b"x" * 128


def sender(ds: Dataset) -> None:
    ds.file_meta.SourceApplicationEntityTitle = "PACS"


def label(ds: Dataset) -> None:
    ds.PatientID = "sub-02"


def lost_position(ds: Dataset) -> None:
    del ds.ImagePositionPatient


def other_spacing(ds: Dataset) -> None:
    ds.EchoTime = "30.6"


def lost_time(ds: Dataset) -> None:
    ds.AcquisitionTime = "101113"


def other_class(ds: Dataset) -> None:
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"


def number_is_date(ds: Dataset) -> None:
    ds.SeriesNumber = "20190304"


def number_is_epoch(ds: Dataset) -> None:
    ds.TriggerTime = "1551699127500"


def number_is_epoch_of_birth(ds: Dataset) -> None:
    ds.FrameReferenceTime = "-625100400"


FAULTS = [lost_position, other_spacing, lost_time, other_class, number_is_date,
          number_is_epoch, number_is_epoch_of_birth,
          text_kept, accent_kept, uid_kept, date_kept, wide_text, behind_pixels, private,
          other_pixels, other_uid, other_shift, person, birth_date, preamble, sender,
          label]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_stops_the_session_and_tells_no_value(
    session: tuple[Path, Path], fault: Callable[[Dataset], None]
) -> None:
    path = sorted(session[1].rglob("*.dcm"))[1]
    ds = pydicom.dcmread(path)
    fault(ds)
    ds.save_as(path)
    with pytest.raises(InputError, match="audit found") as error:
        run(session)
    assert not any(secret in str(error.value) for secret in SECRETS)


def changed(session: tuple[Path, Path], **values: object) -> str:
    """Change a de-identified file; return its name."""
    path = sorted(session[1].rglob("*.dcm"))[1]
    ds = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    ds.save_as(path)
    return f"{path.parent.name}/{path.name}"


def again(session: tuple[Path, Path], **values: object) -> None:
    """De-identify originals with other values and audit the result."""
    originals_with(session, **values)
    shutil.rmtree(session[1])
    deidentify(session[0], session[1], KEY, {"options": ["retain_dates_modified"]})
    run(session)


def test_a_number_of_the_patient_is_dropped_where_it_may_be(session: tuple[Path, Path]) -> None:
    again(session, TriggerTime="1551699127.5", FrameReferenceTime="-625100400",
          WindowCenter="19500312", EchoTime="20190304", InversionTime="1551699127")  # fmt: skip
    for path in session[1].rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        assert "EchoTime" not in ds
        assert "TriggerTime" not in ds
        assert ds.RepetitionTime == 2000


def test_what_an_earlier_text_left_behind_a_nul_is_no_loss(session: tuple[Path, Path]) -> None:
    again(session, Manufacturer="ACME\0Quist of Saint Elsewhere", PatientName="Weber\0Quist^Jo")
    for path in session[1].rglob("*.dcm"):
        assert pydicom.dcmread(path).Manufacturer == "ACME"


@pytest.mark.parametrize("keyword", ["SliceThickness", "ImagePositionPatient"])
def test_a_date_in_the_geometry_stops_the_session(session: tuple[Path, Path], keyword: str) -> None:
    number = "19500312" if keyword == "SliceThickness" else ["19500312", "0", "0"]
    with pytest.raises(InputError, match=f"add {keyword} to deid.accept"):
        again(session, **{keyword: number})
    run(session, accept=[keyword])


def test_the_message_names_element_file_reason_and_setting(session: tuple[Path, Path]) -> None:
    name = changed(session, SeriesDescription="T1 of Vandermeulen")
    with pytest.raises(InputError) as error:
        run(session)
    text = str(error.value)
    assert (
        "SeriesDescription holds a word of a person's name (PatientName of the originals)" in text
    )
    assert f"(in {name})" in text
    assert "deid.edits" in text
    assert "add SeriesDescription to deid.accept" in text
    assert "other sessions go on" in text


@pytest.mark.parametrize("accepted", ["SeriesDescription", "Series*", "seriesdescription"])
def test_a_finding_is_accepted_by_the_settings(
    accepted: str, session: tuple[Path, Path], tmp_path: Path
) -> None:
    changed(session, SeriesDescription="T1 of Vandermeulen")
    sidecar = tmp_path / "a.json"
    sidecar.write_text('{"SeriesDescription": "Vandermeulen"}')
    details = run(session, sidecar, accept=[accepted])
    assert details["accepted"] == ["SeriesDescription"]
    with pytest.raises(InputError, match="audit found"):
        run(session, accept=["StationName"])


def test_an_edit_may_change_what_is_kept(session: tuple[Path, Path]) -> None:
    changed(session, EchoTime="31")
    with pytest.raises(InputError, match=r"EchoTime was changed \(timing\)"):
        run(session)
    run(session, edits=[{"select": "**.EchoTime", "action": "set", "value": "31"}])
    run(session, edits=[{"select": "(0018,0081)", "action": "set", "value": "31"}])


def test_an_original_that_cannot_be_read_is_counted(session: tuple[Path, Path]) -> None:
    first = Path(json.loads(session[0].read_text())["series"]["ser-1"][0])
    first.write_bytes(first.read_bytes()[:-60])
    assert run(session)["unreadable_originals"] == 1


@pytest.mark.parametrize("keyword", ["InstanceCreationDate", "PatientBirthDate"])
def test_a_date_that_was_moved_to_another_date_of_the_original_is_no_leak(
    session: tuple[Path, Path], keyword: str
) -> None:
    moved = pydicom.dcmread(next(session[1].rglob("*.dcm"))).StudyDate
    originals_with(session, **{keyword: moved})
    run(session)


def test_of_coded_strings_only_those_with_an_unknown_word_may_be_emptied(
    session: tuple[Path, Path],
) -> None:
    for path in session[1].rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        ds.ImageType = ["DERIVED", "PRIMARY", "", "M"]
        ds.save_as(path)
    originals_with(session, ImageType=["DERIVED", "PRIMARY", "WEBER JONES", "M"])
    run(session)
    originals_with(session, ImageType=["DERIVED", "PRIMARY", "MOSAIC", "M"])
    with pytest.raises(InputError, match="ImageType was changed"):
        run(session)


def test_names_of_files_are_searched(session: tuple[Path, Path]) -> None:
    path = next(session[1].rglob("*.dcm"))
    path.rename(path.with_name("Vandermeulen.dcm"))
    with pytest.raises(InputError, match="a word of a person's name in its name"):
        run(session)


def test_the_audit_shares_nothing_with_the_cleaner() -> None:
    root = Path(__file__).parents[2] / "scripts"
    for path in (root / "ecdysis" / "audit").glob("*.py"):
        text = path.read_text()
        imported = re.findall(r"^(?:from|import) (ecdysis\.[\w.]+)", text, re.MULTILINE)
        allowed = ("ecdysis.audit", "ecdysis.errors", "ecdysis.files", "ecdysis.garbage",
                   "ecdysis.job", "ecdysis.places", "ecdysis.yaml_files")  # fmt: skip
        assert all(name.startswith(allowed) for name in imported), path.name
        assert "ps315" not in text.lower().replace("ps3.15", "")
