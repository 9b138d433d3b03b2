"""Declarative edits: what they select, what they do, what they refuse."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from ecdysis.deid.instance import InstanceCleaner
from ecdysis.dicom.elements import RefusedError
from ecdysis.errors import InputError
from ecdysis.key import Key
from pydicom import Dataset, Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless

from tests.canary.builder import PIXELS, Canaries, base, written

KEY = Key(bytes(range(32)))


def image() -> Dataset:
    ds = base(Canaries())
    ds.StudyDate, ds.PatientBirthDate, ds.PatientAge = "20200229", "19500101", "063Y"
    ds.PatientName, ds.PatientID, ds.StationName = "Smith^Jo", "4711-08", "MR1"
    ds.ProtocolName = "t1 mprage sag"
    item = Dataset()
    item.ReferencedSOPInstanceUID, item.ReferencedSOPClassUID = "1.2.3.4", "1.2.840.10008.1.1"
    other = Dataset()
    other.ReferencedSOPInstanceUID, other.StudyDate = "1.2.3.5", "20200301"
    ds.ReferencedImageSequence = Sequence([item, other])
    block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "1000")
    block.add_new(0x0E, "FD", [0.5, 0.25, 0.125])
    return ds


def edit(
    *rules: dict[str, Any],
    profile: str = "basic",
    options: list[str] | None = None,
    ds: Dataset | None = None,
    syntax: pydicom.uid.UID = ExplicitVRLittleEndian,
) -> Dataset:
    settings = {"profile": profile, "options": options or [], "edits": list(rules)}
    cleaner = InstanceCleaner(settings, KEY, "sub-01")
    data = b"".join(cleaner.clean(written(ds or image(), syntax)).chunks)
    return pydicom.dcmread(io.BytesIO(data))


def test_replace_set_add_remove_empty() -> None:
    ds = edit(
        {"select": "SliceThickness", "action": "replace", "value": 2.5},
        {"select": "StudyDescription", "action": "replace", "value": "absent"},
        {"select": "SeriesDescription", "action": "set", "value": "T1w"},
        {"select": "(0018,0015)", "action": "add", "value": "BRAIN"},
        {"select": "Manufacturer", "action": "add", "value": "other"},
        {"select": "RepetitionTime", "action": "empty"},
        {"select": "EchoTime", "action": "remove"},
        {"select": "Rows", "action": "replace", "value": 9},
        options=["clean_pixel_data"],
    )
    assert (ds.SliceThickness, ds.SeriesDescription, ds.BodyPartExamined) == (2.5, "T1w", "BRAIN")
    assert (ds.Manufacturer, ds.RepetitionTime, ds.Rows) == ("ACME", None, 9)
    assert "StudyDescription" not in ds
    assert "EchoTime" not in ds


def test_numbers_follow_the_byte_order() -> None:
    ds = edit({"select": "Rows", "action": "set", "value": 258}, syntax=ExplicitVRBigEndian)
    assert ds.Rows == 258


def test_later_rules_win() -> None:
    one = {"select": "SliceThickness", "action": "replace", "value": 1}
    two = {"select": "Slice*", "action": "remove"}
    assert "SliceThickness" not in edit(one, two)
    assert edit(two, one).SliceThickness == 1


def test_nested_paths_items_and_any_depth() -> None:
    uid = "ReferencedImageSequence[{}].ReferencedSOPInstanceUID"
    for index, first, second in (("1", False, True), ("*", True, True)):
        ds = edit({"select": uid.format(index), "action": "replace", "value": "1.9"})
        items = ds.ReferencedImageSequence
        assert (items[0].ReferencedSOPInstanceUID == "1.9") == first
        assert (items[1].ReferencedSOPInstanceUID == "1.9") == second
    rule = {"select": "**.StudyDate", "action": "set", "value": "19990101"}
    with pytest.raises(InputError, match="single place"):
        edit(rule)
    ds = edit({**rule, "action": "replace"})
    assert (ds.StudyDate, ds.ReferencedImageSequence[1].StudyDate) == ("19990101", "19990101")
    ds = edit({"select": "StudyDate", "action": "replace", "value": "19990101"})
    assert ds.ReferencedImageSequence[1].StudyDate == ""
    ds = edit({"select": "ReferencedImageSequence[0].CodeMeaning", "action": "add", "value": "new"})
    assert ds.ReferencedImageSequence[0].CodeMeaning == "new"
    assert "CodeMeaning" not in ds.ReferencedImageSequence[1]


def test_private_by_creator_needs_override() -> None:
    rule = {"select": "(0019,SIEMENS MR HEADER,0C)", "action": "keep"}
    with pytest.raises(InputError, match="override: true"):
        edit(rule)
    ds = edit({**rule, "override": True})
    assert ds.private_block(0x0019, "SIEMENS MR HEADER")[0x0C].value == 1000
    assert (0x0019, 0x100E) not in ds
    rule["select"] = "(0019,OTHER,0C)"
    assert (0x0019, 0x100C) not in edit({**rule, "override": True})


@pytest.mark.parametrize("select", ["StudyDate", "**.StudyDate", "Study*", "(0008,0020)",
                                    "(0019,xxxx)", "(0019,100C)", "PatientName"])  # fmt: skip
def test_what_the_profile_removes_comes_back_only_with_override(select: str) -> None:
    with pytest.raises(InputError, match="override"):
        edit({"select": select, "action": "keep"})
    edit({"select": select, "action": "keep", "override": True})


def test_override_is_reported() -> None:
    rule = {"select": "ProtocolName", "action": "keep", "override": True}
    cleaner = InstanceCleaner({"edits": [rule]}, KEY, "sub-01")
    assert cleaner.summary()["overrides"] == [{"select": "ProtocolName", "action": "keep"}]
    assert edit(rule).ProtocolName == "t1 mprage sag"


def test_keyed_actions() -> None:
    ds = edit(
        {"select": "StationName", "action": "hash"},
        {"select": "StudyDate", "action": "shift_date", "override": True},
        {"select": "PatientAge", "action": "round_age", "override": True, "years": 10},
        {"select": "ProtocolName", "action": "regex", "pattern": "^(t1).*", "replacement": r"\1w",
         "override": True},
        {"select": "PatientID", "action": "set", "value": "X7"},
    )  # fmt: skip
    assert ds.StationName == KEY.token("value", "MR1", 16)
    assert ds.StudyDate < "20200229"
    assert (ds.PatientAge, ds.ProtocolName, ds.PatientID) == ("060Y", "t1w", "X7")
    assert ds.PatientName == "sub-01"


def test_conditions() -> None:
    rule = {"select": "EchoTime", "action": "remove"}
    assert "EchoTime" not in edit({**rule, "when": {"Modality": "MR", "Manufacturer": "ac*"}})
    assert "EchoTime" in edit({**rule, "when": {"Modality": "MR", "Manufacturer": "Other*"}})
    assert "EchoTime" in edit({**rule, "when": {"BodyPartExamined": "*"}})
    with pytest.raises(RefusedError, match="edit"):
        edit({"action": "quarantine", "when": {"StationName": "MR1"}})


def test_blank_pixels_changes_the_rectangle_only() -> None:
    rule = {"action": "blank_pixels", "rectangles": [[2, 1, 3, 2], [7, 7, 99, 99]]}
    before = np.frombuffer(PIXELS, "<u2").reshape(8, 8) & 0xFFF
    after = edit(rule).pixel_array.copy()
    assert not after[1:3, 2:5].any()
    assert after[7, 7] == 0
    after[1:3, 2:5], after[7, 7] = before[1:3, 2:5], before[7, 7]
    assert (before == after).all()
    ds = image()
    ds.PixelData = pydicom.encaps.encapsulate([b"ab" * 10])
    ds["PixelData"].is_undefined_length = True
    with pytest.raises(RefusedError, match="blank_pixels"):
        edit(rule, ds=ds, syntax=RLELossless)


def test_burned_in_text_passes_once_it_is_blanked() -> None:
    ds = image()
    ds.BurnedInAnnotation = "YES"
    rule = {"action": "blank_pixels", "rectangles": [[0, 0, 8, 1]]}
    assert edit(rule, ds=ds, options=["clean_pixel_data"]).pixel_array[0].sum() == 0
    with pytest.raises(RefusedError, match="burned-in"):
        edit(rule, ds=ds)


def test_profile_none_changes_only_what_is_edited() -> None:
    before = image()
    ds = edit({"select": "PatientName", "action": "replace", "value": "X"}, profile="none")
    assert (ds.PatientName, ds.PatientID, ds.SOPInstanceUID) == (
        "X",
        "4711-08",
        before.SOPInstanceUID,
    )
    assert ds.PixelData == PIXELS
    assert ds.private_block(0x0019, "SIEMENS MR HEADER")[0x0E].value == [0.5, 0.25, 0.125]
    del before.PatientName, ds.PatientName
    assert sorted(before.keys()) == list(ds.keys())


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"select": "PatientNmae", "action": "remove"}, "Did you mean PatientName"),
        ({"select": "(0010,00", "action": "remove"}, "no selector"),
        ({"select": "(0018,ACME,01)", "action": "remove"}, "groups are odd"),
        ({"select": "PatientName", "action": "delete"}, "unknown action 'delete'"),
        ({"select": "PatientName", "action": "replace"}, "needs 'value'"),
        ({"select": "PatientName", "action": "remove", "whn": {}}, "unknown key 'whn'"),
        ({"select": "Rows", "action": "regex", "pattern": "("}, "pattern"),
        ({"action": "remove"}, "selects nothing"),
        ({"action": "blank_pixels", "rectangles": [[1, 2]]}, "rectangle"),
        ({"select": "Patient*", "action": "add", "value": "x"}, "single place"),
        ({"select": "Rows", "action": "set", "value": "many"}, "no value of VR US"),
    ],
)
def test_faults_are_explained(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        edit(rule)


def test_rules_come_from_files(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("- {select: EchoTime, action: remove}\n")
    cleaner = InstanceCleaner({"edits": [str(file)]}, KEY, "sub-01")
    assert [rule.action for rule in cleaner.edits] == ["remove"]
    file.write_text("EchoTime: remove\n")
    with pytest.raises(InputError, match="not hold a list of rules"):
        InstanceCleaner({"edits": [str(file)]}, KEY, "sub-01")


def test_shipped_examples_are_valid() -> None:
    examples = sorted((Path(__file__).parents[2] / "config" / "edits").glob("*.yaml"))
    assert len(examples) >= 3
    for example in examples:
        InstanceCleaner({"edits": [str(example)]}, KEY, "sub-01")
