"""Give scanner files a patient whose ID and name are a number; compare as scanners.py does.

    python tests/conformance/identifiers.py DATA [--random 20]

Many sites number their patients. Such a number also stands by chance in geometry, times, UIDs and
vendors' elements. The files are written in three encodings in turn. DATA holds unpacked scanner
series. The exit code is 1 when de-identification changes what dcm2niix makes, or when the audit
stops a session.
"""

import argparse
import contextlib
import gzip
import io
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pydicom
from pydicom import DataElement, Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from ecdysis.audit.session import audit  # noqa: E402
from ecdysis.deid.session import deidentify  # noqa: E402
from ecdysis.errors import InputError  # noqa: E402
from ecdysis.key import Key  # noqa: E402

from tests.conformance.scanners import converted, default_deid, differences  # noqa: E402

SERIES = {
    "GE": "dcm_qa_fmap/In/GE/6_CV_Neuro",
    "Philips, classic": "dcm_qa_philips/In/Vanderbilt_2018/601_WIP_dti_ax",
    "Philips, enhanced": "dcm_qa_enh/In/Philips",
    "Siemens VE11": "dcm_qa_fmap/In/Siemens/4_gre_field_ph",
    "Siemens XA10": "dcm_qa_enh/In/Siemens/XA10",
    "Siemens XA30": "dcm_qa_xa30/In/28_asl_2d_tra",
    "Siemens XA30, classic": "dcm_qa_xa30i/In/10001_gre_field_mapping",
    "UIH": "dcm_qa_uih/In/DTI_134434/dti_tra_dir16_AP_SaveBySlc__140028",
}
"""One small series of each kind of scanner."""

MOST_FILES = 34
"""Files of a series that are used: two slices of the 17 volumes of the largest."""

NUMBERS = ("9980", "0008", "1000", "1111", "0000")
"""Numbers that once removed orientation, SOP class, position and times."""


def series(data: Path, name: str) -> list[Path]:
    """Return the files of a series of `SERIES`, not more than `MOST_FILES`."""
    return sorted(path for path in (data / SERIES[name]).iterdir() if path.is_file())[:MOST_FILES]


Save = Callable[[Dataset, Path], None]
"""Writes a data set to a file in one of the encodings that archives use."""


def as_it_is(ds: Dataset, path: Path) -> None:
    """Write in the encoding of the scanner."""
    ds.save_as(path)


def in_implicit_vr(ds: Dataset, path: Path) -> None:
    """Write in implicit VR little endian."""
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    ds.save_as(path, implicit_vr=True, little_endian=True)


def with_unknown_vrs(ds: Dataset, path: Path) -> None:
    """Write all private elements with the VR UN, sequences among them (PS3.5, section 6.2.2)."""
    ahead = [ds]
    while ahead:
        level = ahead.pop()
        for element in list(level):
            if element.VR == "SQ":
                ahead += element.value
            if element.tag.is_private and not element.tag.is_private_creator:
                level[element.tag] = DataElement(element.tag, "UN", _value(element))
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(path, implicit_vr=False, little_endian=True)


def _value(element: DataElement) -> bytes:
    """Return the bytes of a value in implicit VR, all lengths defined."""
    if element.VR == "SQ":
        element.is_undefined_length = False
        for item in element.value:
            item.is_undefined_length_sequence_item = False
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = True, True
    write_data_element(stream, element)
    return bytes(stream.getvalue()[8:])


SAVES = (as_it_is, in_implicit_vr, with_unknown_vrs)


def faults(
    files: Sequence[Path], number: str, scratch: Path, save: Save = as_it_is
) -> Iterator[str]:
    """Yield what differs when the patient of some files has a number as ID and name."""
    originals = scratch / "originals"
    originals.mkdir(parents=True)
    for index, file in enumerate(files):
        with (gzip.open if file.suffix == ".gz" else open)(file, "rb") as stream:
            ds = pydicom.dcmread(stream)
        ds.PatientID = ds.PatientName = number
        save(ds, originals / f"{index:04d}")
    paths = sorted(originals.iterdir())
    listing, out = scratch / "list.json", scratch / "out"
    named = {"ser-1": [str(path) for path in paths]}
    listing.write_text(json.dumps({"session": "sub-01", "subject": "01", "series": named}))
    settings = default_deid()
    with contextlib.redirect_stdout(io.StringIO()):
        deidentify(listing, out, Key(b"k" * 32), settings, scratch / "ledger.json")
    try:
        audit(listing, out, [], settings)
    except InputError as error:
        yield f"audit: {error.problem}"
    passed = json.loads((scratch / "ledger.json").read_text())["files"]
    before = converted([path for path in paths if str(path) in passed], scratch / "before")
    after = converted(sorted(out.rglob("*.dcm")), scratch / "after")
    # dcm2niix does not read each object in each encoding.
    is_read = bool(before) or save is not as_it_is
    if not is_read or (before and before.keys() != after.keys()):
        yield f"images {sorted(before)} -> {sorted(after)}"
    for image in before.keys() & after.keys():
        yield from differences(before[image], after[image])


def main() -> int:
    """Compare all series with all numbers, and print a row for each series."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--random", type=int, default=20, help="so many more numbers, by chance")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    numbers = [*NUMBERS, *(f"{chance.randrange(10_000):04d}" for _ in range(given.random))]
    wrong = 0
    print("| series | numbers | with differences |\n|---|---|---|")
    for name in SERIES:
        failed = 0
        for number in numbers:
            save = SAVES[numbers.index(number) % len(SAVES)]
            with tempfile.TemporaryDirectory() as folder:
                found = list(faults(series(given.data, name), number, Path(folder), save))
            failed += bool(found)
            for text in found:
                print(f"{name}, {number}: {text}", file=sys.stderr)
        print(f"| {name} | {len(numbers)} | {failed} |", flush=True)
        wrong += failed
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
