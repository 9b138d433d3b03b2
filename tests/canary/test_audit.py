"""The audit passes every clean file of the suite, and notices when a rule of the cleaner is off."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from ecdysis.audit.session import audit
from ecdysis.dicom.elements import RefusedError
from ecdysis.errors import InputError

from tests.canary.builder import Case
from tests.canary.people import scans
from tests.canary.test_canary import OPTIONS, cases
from tests.canary.test_mutation import OFF, built, cleaner_of

UNSEEN = {
    "burned-in annotation is set aside",
    "kinds of objects are set aside",
    "overlays in pixels are set aside",
    "texts about the scanner keep known words",
}
"""Rules that refuse a file as a whole, which are not read from the header, and one that removes
words of which no element of the file says that they identify."""


def complaint(case: Case, data: bytes, name: str, options: list[str], place: Path) -> str:
    """Return what the audit says of an original and the file that was made of it."""
    folder = place / "out" / "ser-1"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    (place / "original").write_bytes(case.data)
    (folder / name).write_bytes(data)
    listing = place / "list.json"
    series = {"ser-1": [str(place / "original")]}
    listing.write_text(json.dumps({"session": "sub-01", "subject": "01", "series": series}))
    try:
        audit(listing, place / "out", [], {"options": options})
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", OPTIONS)
def test_every_clean_file_passes(name: str, tmp_path: Path) -> None:
    cleaner = cleaner_of(name)
    for case in cases(name):
        if case.passes:
            result = cleaner.clean(case.data)
            data = b"".join(result.chunks)
            assert complaint(case, data, result.name, OPTIONS[name], tmp_path) == "", case.name


def complaints(options: str, place: Path) -> Iterator[str]:
    """Yield what the audit says of each file of the suite."""
    cleaner = cleaner_of(options)
    for case in built(options):
        try:
            result = cleaner.clean(case.data)
        except RefusedError:
            continue
        data = b"".join(result.chunks)
        if text := complaint(case, data, result.name, OPTIONS[options], place):
            yield text


@pytest.mark.parametrize("name", sorted(OFF.keys() - UNSEEN))
def test_every_rule_is_watched(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options, switch = OFF[name]
    switch(monkeypatch)
    assert next(complaints(options, tmp_path), None), f"the audit does not notice: {name}"


def test_people_with_everyday_names(tmp_path: Path) -> None:
    cleaner = cleaner_of("default")
    for number, scan in enumerate(scans(120)):
        case = Case("a person", scan.data, [])
        result = cleaner.clean(scan.data)
        data = b"".join(result.chunks)
        assert complaint(case, data, result.name, OPTIONS["default"], tmp_path) == ""
        ds = pydicom.dcmread(io.BytesIO(data))
        ds.SeriesDescription = f"T1 {scan.leaks[number % len(scan.leaks)]}"
        stream = io.BytesIO()
        ds.save_as(stream)
        text = complaint(case, stream.getvalue(), result.name, OPTIONS["default"], tmp_path)
        assert "SeriesDescription holds" in text, ds.SeriesDescription
