"""A session whose audit passes: three originals, and their de-identified files."""

import json
from collections.abc import Sequence
from pathlib import Path

import pydicom
from ecdysis.audit.session import audit
from ecdysis.deid.session import deidentify
from ecdysis.key import Key
from pydicom import Dataset

from tests.canary.builder import Canaries, base, written

KEY = Key(bytes(range(32)))


def original(number: int) -> Dataset:
    ds = base(Canaries(10 * number))
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.3.6.1.4.1.55555.1", "1.3.6.1.4.1.55555.2"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = (
        "Vandermeulen^Käthe",
        "ZX-998877",
        "19500312",
    )
    ds.InstitutionName, ds.StudyDate, ds.SeriesDate = "Saint Elsewhere", "20190304", "20190305"
    ds.InstanceNumber, ds.AcquisitionTime = str(number), "101112.5"
    ds.PixelData = bytes([number]) * 128
    return ds


def made_session(folder: Path) -> tuple[Path, Path]:
    paths = []
    for number in range(3):
        path = folder / f"original{number}"
        path.write_bytes(written(original(number)))
        paths.append(str(path))
    listing = folder / "list.json"
    content = {"session": "sub-01", "subject": "01", "series": {"ser-1": paths}}
    listing.write_text(json.dumps(content))
    deidentify(listing, folder / "out", KEY, {"options": ["retain_dates_modified"]})
    return listing, folder / "out"


def run(
    session: tuple[Path, Path],
    *converted: Path,
    ours: Sequence[Path] = (),
    accept: Sequence[str] = (),
    edits: Sequence[object] = (),
) -> dict[str, object]:
    settings = {"options": ["retain_dates_modified"], "accept": accept, "edits": edits}
    return audit(*session, converted, settings, ours=ours)


def originals_with(session: tuple[Path, Path], **values: object) -> None:
    """Change every original, as if it had been scanned so."""
    for path in json.loads(session[0].read_text())["series"]["ser-1"]:
        ds = pydicom.dcmread(path)
        for keyword, value in values.items():
            setattr(ds, keyword, value)
        ds.save_as(path)
