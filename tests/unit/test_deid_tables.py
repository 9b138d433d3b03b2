"""The table of facts against another reading of the standard, and the profile made of it."""

import pytest
from ecdysis.deid.profile import CODES, Profile, checked_options
from ecdysis.dicom.tables import attributes, private_elements, sop_classes, types
from ecdysis.errors import InputError
from pydicom.datadict import DicomDictionary, keyword_for_tag, tag_for_keyword

WORDS = {"X": "remove", "Z": "empty", "D": "dummy", "U": "uid"}


def test_table_agrees_with_another_reading_of_the_standard() -> None:
    module = pytest.importorskip("dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c")
    theirs = {}
    for name in dir(module):
        rows = getattr(module, name)
        if name.endswith("_TAGS") and name != "ALL_TAGS":
            letters = [part.rstrip("S") for part in name.removesuffix("_TAGS").split("_")]
            for row in rows:
                if len(row) == 2:
                    theirs[row[0] << 16 | row[1]] = {
                        WORDS[part] for part in letters if part in WORDS
                    }
    ours = {tag: set(row.actions) for tag, row in attributes().items()}
    assert len(theirs) > 600
    assert {f"{tag:08x}" for tag in theirs.keys() ^ ours.keys()} == set()
    assert {f"{tag:08x}" for tag in ours if theirs[tag] != ours[tag]} == set()


def test_vrs_and_keywords_agree_with_the_dictionary() -> None:
    known = {tag: row for tag, row in attributes().items() if tag in DicomDictionary}
    assert len(known) > 600
    assert [row.keyword for tag, row in known.items() if keyword_for_tag(tag) != row.keyword] == []
    assert [row.keyword for tag, row in known.items() if DicomDictionary[tag][0] != row.vr] == []


def test_tables_name_only_what_exists() -> None:
    assert {option for row in attributes().values() for option in row.options} <= CODES.keys()
    assert {how for row in attributes().values() for how in row.options.values()} == {
        "keep",
        "clean",
    }
    groups = {entry.objects for entry in sop_classes().values()} - {"-"}
    assert {objects for objects, _ in types()} == groups
    assert {tag for _, tag in types()} <= attributes().keys()
    assert all(group & 1 for _, group, _ in private_elements())


@pytest.mark.parametrize(
    ("keyword", "classic", "enhanced", "unknown"),
    [
        ("ContentDate", "empty", "dummy", "dummy"),
        ("AcquisitionDateTime", "remove", "dummy", "dummy"),
        ("DeviceSerialNumber", "remove", "dummy", "dummy"),
        ("AcquisitionContextSequence", "empty", "empty", "empty"),
        ("StationName", "remove", "remove", "dummy"),
        ("PatientBirthDate", "empty", "empty", "empty"),
        ("AccessionNumber", "empty", "empty", "empty"),
        ("ReferencedImageSequence", "items", "items", "items"),
        ("StudyInstanceUID", "uid", "uid", "uid"),
        ("PatientID", "label", "label", "label"),
    ],
)
def test_types_decide(keyword: str, classic: str, enhanced: str, unknown: str) -> None:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    vr, profile = DicomDictionary[tag][0], Profile()
    found = [profile.action(tag, vr, objects) for objects in ("classic", "enhanced", "")]
    assert found == [classic, enhanced, unknown]


@pytest.mark.parametrize(
    ("option", "keyword", "action"),
    [
        ("retain_uids", "SOPInstanceUID", "keep"),
        ("retain_device", "StationName", "keep"),
        ("retain_device", "StationAETitle", "title"),
        ("retain_institution", "InstitutionName", "keep"),
        ("retain_institution", "InstitutionCodeSequence", "items"),
        ("retain_patient", "PatientAge", "age"),
        ("retain_patient", "PatientSex", "keep"),
        ("retain_patient", "PatientBirthDate", "empty"),
        ("retain_dates_full", "StudyDate", "keep"),
        ("retain_dates_modified", "StudyDate", "shift"),
        ("retain_dates_modified", "StudyTime", "keep"),
        ("retain_dates_modified", "CertifiedTimestamp", "remove"),
        ("clean_descriptors", "SeriesDescription", "words"),
        ("clean_descriptors", "RequestAttributesSequence", "remove"),
        ("clean_structured_content", "AcquisitionContextSequence", "items"),
        ("clean_graphics", "GraphicAnnotationSequence", "items"),
    ],
)
def test_options_change_the_table(option: str, keyword: str, action: str) -> None:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    vr = DicomDictionary[tag][0]
    assert Profile("basic", [option]).action(tag, vr, "classic") == action
    assert Profile().action(tag, vr, "classic") != action or action in ("items", "empty", "remove")


def test_nothing_outside_the_dictionary_stays() -> None:
    profile = Profile()
    for tag in (0x00080000, 0x00186677, 0x00191010, 0x50002000, 0x60000010, 0x00000002, 0x00041220):
        assert profile.action(tag, "LO", "classic") == "remove", f"{tag:08x}"


def test_wrong_options_are_explained() -> None:
    with pytest.raises(InputError, match="retain_device"):
        checked_options(["retain_devices"])
    with pytest.raises(InputError, match="exclude"):
        checked_options(["retain_dates_full", "retain_dates_modified"])
