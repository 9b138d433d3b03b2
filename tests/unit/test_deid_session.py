"""A session of files: what comes out, what is set aside, what is left behind."""

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from ecdysis.audit.session import audit
from ecdysis.deid import session as script
from ecdysis.deid.session import deidentify
from ecdysis.errors import InputError
from ecdysis.key import Key
from pydicom import Dataset, Sequence
from pydicom.valuerep import DA

from tests.canary.builder import Canaries, base, written

KEY = Key(bytes(range(32)))


def image(number: int, **values: Any) -> Dataset:
    ds = base(Canaries(100 * number))
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.3.6.1.4.1.55555.1", "1.3.6.1.4.1.55555.2"
    ds.PatientName, ds.PatientID = "Smith^Jo", "4711-08"
    for word, value in values.items():
        setattr(ds, word, value)
    return ds


def listing(folder: Path, files: dict[str, bytes], series: str = "ser-1") -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    path = folder / "list.json"
    content = {"session": "sub-01", "subject": "01",
               "series": {series: sorted(str(folder / name) for name in files)}}  # fmt: skip
    path.write_text(json.dumps(content))
    return path


def test_same_key_same_answer_in_any_company(tmp_path: Path) -> None:
    one, two = written(image(1)), written(image(2))
    both = listing(tmp_path / "both", {"a": one, "b": two})
    alone = listing(tmp_path / "alone", {"c": two})
    deidentify(both, tmp_path / "out1", KEY, {})
    deidentify(alone, tmp_path / "out2", KEY, {})
    first = {path.name: path.read_bytes() for path in (tmp_path / "out1/ser-1").iterdir()}
    [second] = (tmp_path / "out2/ser-1").iterdir()
    assert len(first) == 2
    assert first[second.name] == second.read_bytes()
    deidentify(alone, tmp_path / "out3", Key(b"x" * 32), {})
    [other] = (tmp_path / "out3/ser-1").iterdir()
    assert other.name not in first


def test_bad_files_are_set_aside_with_reasons(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = written(image(1))
    files = {"good": good, "copy": good, "cut": good[:-9], "text": b"x" * 999, "empty": b""}
    path = listing(tmp_path / "in", files)
    content = json.loads(path.read_text())
    content["series"]["ser-1"].append(str(tmp_path / "in" / "absent"))
    path.write_text(json.dumps(content))
    details = deidentify(path, tmp_path / "out", KEY, {})
    assert details["files"] == 1
    assert {item["reason"]: item["count"] for item in details["quarantined"]} == {
        "not DICOM": 2,
        "duplicate SOP instance UID": 1,
        "truncated": 1,
        "unreadable": 1,
    }
    assert "in/cut: truncated" in capfd.readouterr().out
    assert str(tmp_path) not in str(details)
    assert details["key_fingerprint"] == KEY.fingerprint


def test_nothing_is_left_when_no_file_passes(tmp_path: Path) -> None:
    path = listing(tmp_path / "in", {"a": written(image(1, BurnedInAnnotation="YES"))})
    with pytest.raises(InputError, match="1 burned-in annotation"):
        deidentify(path, tmp_path / "out", KEY, {})
    assert sorted(item.name for item in tmp_path.iterdir()) == ["in"]


def test_what_is_set_aside_can_be_admitted(tmp_path: Path) -> None:
    path = listing(tmp_path / "in", {"a": written(image(1, BurnedInAnnotation="YES"))})
    details = deidentify(path, tmp_path / "out", KEY, {"admit": ["burned-in_annotation"]})
    assert (details["files"], details["admitted"]) == (1, ["burned-in annotation"])


def test_a_rerun_replaces_the_folder(tmp_path: Path) -> None:
    path = listing(tmp_path / "in", {"a": written(image(1)), "b": written(image(2))})
    deidentify(path, tmp_path / "out", KEY, {})
    path = listing(tmp_path / "in", {"a": written(image(1))})
    deidentify(path, tmp_path / "out", KEY, {})
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 1
    assert sorted(item.name for item in tmp_path.iterdir()) == ["in", "out"]


def test_a_rerun_does_again_only_what_changed(tmp_path: Path) -> None:
    files = {"a": written(image(1)), "b": written(image(2)), "c": written(image(3))}
    ledger = tmp_path / "private" / "ledger.json"

    def run(**settings: Any) -> tuple[int, dict[str, int]]:
        path = listing(tmp_path / "in", files)
        details = deidentify(path, tmp_path / "out", KEY, settings, ledger)
        made = (tmp_path / "out").rglob("*.dcm")
        return details["taken_over"], {one.name: one.stat().st_ino for one in made}

    taken, first = run()
    assert (taken, len(first)) == (0, 3)
    assert ledger.stat().st_mode & 0o777 == 0o600
    files["b"] = written(image(4))
    for name in "ac":
        files.pop(name)
    (tmp_path / "in" / "d").write_bytes(written(image(5)))
    path = listing(tmp_path / "in", files)
    content = json.loads(path.read_text())
    content["series"]["ser-1"] = [str(tmp_path / "in" / name) for name in "abcd"]
    path.write_text(json.dumps(content))
    details = deidentify(path, tmp_path / "out", KEY, {}, ledger)
    second = {one.name: one.stat().st_ino for one in (tmp_path / "out").rglob("*.dcm")}
    assert (details["taken_over"], len(second)) == (2, 4)
    assert len(first.items() & second.items()) == 2

    details = deidentify(path, tmp_path / "out", KEY, {"options": ["retain_device"]}, ledger)
    assert details["taken_over"] == 0
    (tmp_path / "out" / "ser-1" / next(iter(second))).unlink()
    details = deidentify(path, tmp_path / "out", KEY, {"options": ["retain_device"]}, ledger)
    assert (details["taken_over"], details["files"]) == (3, 4)


def test_large_files_are_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "MAPPED_FROM", 1)
    path = listing(tmp_path / "in", {"a": written(image(1)), "b": b""})
    details = deidentify(path, tmp_path / "out", KEY, {})
    assert details["files"] == 1
    monkeypatch.undo()
    deidentify(path, tmp_path / "read", KEY, {})
    [mapped], [read] = (list((tmp_path / name).rglob("*.dcm")) for name in ("out", "read"))
    assert mapped.read_bytes() == read.read_bytes()


def test_relations_and_intervals_hold(tmp_path: Path) -> None:
    one = image(1, StudyDate="20200301", FrameOfReferenceUID="1.3.6.1.4.1.55555.3")
    item = Dataset()
    item.ReferencedSOPInstanceUID = one.SOPInstanceUID
    two = image(2, StudyDate="20210301", FrameOfReferenceUID="1.3.6.1.4.1.55555.3")
    two.ReferencedImageSequence = Sequence([item])
    path = listing(tmp_path / "in", {"a": written(one), "b": written(two)})
    deidentify(path, tmp_path / "out", KEY, {"options": ["retain_dates_modified"]})
    new = [pydicom.dcmread(file) for file in (tmp_path / "out").rglob("*.dcm")]
    first, second = sorted(new, key=lambda ds: str(ds.StudyDate))
    assert first.FrameOfReferenceUID == second.FrameOfReferenceUID != one.FrameOfReferenceUID
    assert second.ReferencedImageSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    days = [DA(ds.StudyDate) for ds in (first, second)]
    assert days[1] - days[0] == timedelta(days=365)
    assert days[0] - DA("20200301") == timedelta(days=KEY.day_shift("sub-01"))


def test_linkage_is_written_only_where_it_is_asked_for(tmp_path: Path) -> None:
    path = listing(tmp_path / "in", {"a": written(image(1))})
    deidentify(path, tmp_path / "out", KEY, {"linkage_dir": str(tmp_path / "links")})
    table = tmp_path / "links" / "sub-01.tsv"
    assert stat.S_IMODE(table.stat().st_mode) == 0o600
    rows = [line.split("\t") for line in table.read_text().splitlines()]
    assert ["PatientID", "4711-08", "sub-01"] in rows
    [file] = (tmp_path / "out").rglob("*.dcm")
    assert ["SOPInstanceUID", str(image(1).SOPInstanceUID), file.name] in rows


def test_only_regions_of_interest_stay_with_clean_graphics(tmp_path: Path) -> None:
    ds = image(1)
    for group, kind in ((0x6000, "R"), (0x6002, "G")):
        ds.add_new(group << 16 | 0x0010, "US", 8)
        ds.add_new(group << 16 | 0x0011, "US", 8)
        ds.add_new(group << 16 | 0x0040, "CS", kind)
        ds.add_new(group << 16 | 0x0100, "US", 1)
        ds.add_new(group << 16 | 0x3000, "OW", b"12345678")
    path = listing(tmp_path / "in", {"a": written(ds)})
    deidentify(path, tmp_path / "out", KEY, {"options": ["clean_graphics"]})
    [file] = (tmp_path / "out").rglob("*.dcm")
    new = pydicom.dcmread(file)
    assert (0x6000, 0x3000) in new
    assert not any(element.tag.group == 0x6002 for element in new)


def test_identity_of_other_sessions_is_removed_too(tmp_path: Path) -> None:
    options = {
        "options": ["clean_descriptors", "retain_dates_modified"],
        "words": ["Birch", "Weaver"],
    }
    later = tmp_path / "later"
    later.write_bytes(written(image(2, PatientName="Birch^Jo", OtherPatientIDs="ZX-118")))
    now = listing(
        tmp_path / "now", {"a": written(image(1, SeriesDescription="T1 Birch Weaver ZX-118"))}
    )
    deidentify(now, tmp_path / "alone", KEY, options)
    deidentify(now, tmp_path / "both", KEY, options, related=[later])
    text = [
        pydicom.dcmread(next((tmp_path / place).rglob("*.dcm"))).SeriesDescription
        for place in ("alone", "both")
    ]
    assert text == ["T1 Birch Weaver", "T1 Weaver"]
    with pytest.raises(InputError, match="SeriesDescription holds a word"):
        audit(now, tmp_path / "alone", [], options, related=[str(later)])
    audit(now, tmp_path / "both", [], options, related=[str(later)])


@pytest.mark.parametrize("options", [[], ["retain_dates_modified"], ["clean_descriptors"]])
def test_the_time_zone_goes(options: list[str], tmp_path: Path) -> None:
    data = written(image(1, TimezoneOffsetFromUTC="+0100"))
    deidentify(listing(tmp_path / "in", {"a": data}), tmp_path / "out", KEY, {"options": options})
    assert "TimezoneOffsetFromUTC" not in pydicom.dcmread(next((tmp_path / "out").rglob("*.dcm")))
