"""No planted value comes out, nothing breaks, and what must stay stays."""

import io
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from ecdysis.deid.instance import InstanceCleaner
from ecdysis.deid.profile import CODES
from ecdysis.dicom.elements import RefusedError
from ecdysis.dicom.tables import attributes
from ecdysis.key import Key
from pydicom.datadict import DicomDictionary, keyword_for_tag

from tests.canary.builder import PIXELS, ROOT, Case, leaks
from tests.canary.cases import suite, table_case

KEY = Key(bytes(range(32)))
DEFAULT = ["clean_descriptors", "retain_dates_modified", "retain_safe_private"]
OPTIONS = {
    "basic": [],
    "descriptors": ["clean_descriptors"],
    "default": DEFAULT,
    "most": [*DEFAULT, "clean_structured_content"],
    "institution": ["retain_institution"],
}
KEPT_ON_PURPOSE = {"clean_structured_content", "clean_graphics", "retain_device",
                   "retain_institution", "retain_patient", "retain_uids",
                   "retain_dates_full"}  # fmt: skip
"""Options that keep what Table E.1-1 lists for them. The other options clean or select."""

KEPT_VRS = {"retain_uids": {"UI"}, "retain_dates_full": {"DA", "DT", "TM"},
            "retain_dates_modified": {"TM"}}  # fmt: skip
"""Options that keep all values of a kind; times of day are kept where dates move."""

DENIED = {0x0010, 0x0012, 0x0014, 0x0032, 0x0038, 0x0072, 0x0088, 0x0100, 0x0400, 0x2100,
          0x4000, 0x4008, 0x4010}  # fmt: skip
"""Groups that hold persons and places: nothing in them stays."""

KINDS = ("Class", "TransferSyntax", "CodingScheme", "ContextUID", "MappingResource")
"""Parts of the keywords of UIDs that name a kind of thing."""


def planted_tags() -> dict[int, str]:
    """Every attribute of Table E.1-1, and every other that holds a name, a date or narrative."""
    tags = {tag: row.vr for tag, row in attributes().items() if tag >> 16 >= 8}
    tags |= {
        tag: entry[0]
        for tag, entry in DicomDictionary.items()
        if entry[0] in ("PN", "DA", "DT", "UT", "LT", "ST", "UR", "OB") and tag >> 16 >= 8
    }
    tags |= {tag: entry[0] for tag, entry in DicomDictionary.items() if tag >> 16 in DENIED}
    tags |= {
        tag: "UI"
        for tag, entry in DicomDictionary.items()
        if entry[0] == "UI" and tag >> 16 >= 8 and not any(kind in entry[4] for kind in KINDS)
    }
    stays = ["PatientSpeciesCodeSequence", "AnatomicalOrientationType", "URNCodeValue"]
    # Of these two the profile leaves the choice; they are kept, with new UIDs, and cleaned.
    stays += ["ReferencedImageSequence", "SourceImageSequence"]
    given = {0x00120062, 0x00120063, 0x00120064, 0x00280303, 0x00080018, 0x0020000D, 0x0020000E}
    return {
        tag: vr
        for tag, vr in sorted(tags.items())
        if tag not in given and len(vr) == 2 and keyword_for_tag(tag) not in stays
    }


def cases(name: str) -> list[Case]:
    found = suite(without_retained(planted_tags(), OPTIONS[name]))
    if "retain_dates_modified" in OPTIONS[name]:
        # A date may move to where another was planted; intervals are looked at elsewhere.
        for case in found:
            case.planted = [value for value in case.planted if not value.isdigit()]
    return found


def without_retained(tags: dict[int, str], options: list[str]) -> dict[int, str]:
    """Leave out the attributes that an option keeps on purpose."""
    rows, chosen = attributes(), KEPT_ON_PURPOSE & set(options)
    vrs = {vr for option in options for vr in KEPT_VRS.get(option, ())}
    return {
        tag: vr
        for tag, vr in tags.items()
        if vr not in vrs and not (tag in rows and chosen & rows[tag].options.keys())
    }


def outputs(name: str, found: list[Case]) -> Iterator[tuple[Case, str, bytes | None]]:
    cleaner = InstanceCleaner({"options": OPTIONS[name]}, KEY, "sub-01")
    for case in found:
        try:
            result = cleaner.clean(case.data)
        except RefusedError:
            yield case, "", None
        else:
            yield case, result.name, b"".join(result.chunks)


@pytest.mark.parametrize("name", OPTIONS)
def test_nothing_leaks_and_nothing_breaks(name: str) -> None:
    found = cases(name)
    assert sum(len(case.planted) for case in found) > 5000
    for case, file, data in outputs(name, found):
        assert (data is not None) == case.passes, case.name
        if data is None:
            continue
        assert leaks(data + file.encode(), case.planted) == [], case.name
        assert data[:128] == bytes(128)
        ds = pydicom.dcmread(io.BytesIO(data))
        for element in ds.iterall():
            assert element.VR
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
        assert (ds.PatientID, ds.PatientIdentityRemoved) == ("sub-01", "YES")
        if not case.kept:
            assert ds.PixelData == PIXELS
            assert (ds.EchoTime, ds.InstanceNumber, ds.Rows) == (30.5, 7, 8)
            assert ds.ImagePositionPatient == [-10.5, 20.25, 3]


@pytest.mark.parametrize("option", CODES)
def test_an_option_keeps_nothing_but_its_own(option: str) -> None:
    tags = without_retained(planted_tags(), [option])
    case = table_case(tags)
    own = [value for value in case.planted if not _is_kept(value, option)]
    assert len(own) > 500
    result = InstanceCleaner({"options": [option]}, KEY, "sub-01").clean(case.data)
    assert leaks(b"".join(result.chunks) + result.name.encode(), own) == []


def _is_kept(value: bytes, option: str) -> bool:
    """Whether a planted value is a UID that stays, or a date that another moved to."""
    if option == "retain_uids":
        return value.startswith(ROOT.encode())
    return option == "retain_dates_modified" and value.isdigit()


@pytest.mark.parametrize("name", ["descriptors", "most"])
def test_what_must_stay_stays(name: str) -> None:
    for case, _, data in outputs(name, cases(name)):
        if data is not None:
            assert [value for value in case.kept if value not in data] == [], case.name


def test_the_suite_is_planted() -> None:
    for case in filter(lambda case: case.passes, cases("basic")):
        assert len(leaks(case.data, case.planted)) == len(case.planted), case.name


def test_paths_are_pseudonyms(tmp_path: Path) -> None:
    from ecdysis.deid.session import deidentify
    from ecdysis.files import write_json

    source = tmp_path / "Vandermeulen_Jo"
    source.mkdir()
    found = cases("basic")
    for number, case in enumerate(found):
        (source / f"Vandermeulen {number}.dcm").write_bytes(case.data)
    paths = sorted(str(path) for path in source.iterdir())
    write_json(tmp_path / "list.json",
               {"session": "sub-01", "subject": "01", "series": {"ser-1": paths}})  # fmt: skip
    details = deidentify(tmp_path / "list.json", tmp_path / "out", KEY, {})
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert details["files"] == len(files) == sum(case.passes for case in found)
    assert sum(item["count"] for item in details["quarantined"]) == len(found) - len(files)
    assert not any("vander" in str(path.relative_to(tmp_path)).lower() for path in files)
    assert "Vandermeulen" not in str(details)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
