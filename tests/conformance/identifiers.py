"""Give scanner files a patient whose ID and name are a number; compare as scanners.py does.

    python tests/conformance/identifiers.py DATA [--random 20]

Many sites number their patients. Such a number also stands by chance in geometry, times, UIDs and
vendors' elements. DATA holds unpacked scanner series. The exit code is 1 when de-identification
changes what dcm2niix makes, or when the audit stops a session.
"""

import argparse
import contextlib
import gzip
import io
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pydicom

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

MOST_FILES = 68
"""Files of a series that are used; a volume of the largest has 68 slices."""

NUMBERS = ("9980", "0008", "1000", "1111", "0000")
"""Numbers that once removed orientation, SOP class, position and times."""


def series(data: Path, name: str) -> list[Path]:
    """Return the files of a series of `SERIES`, not more than `MOST_FILES`."""
    return sorted(path for path in (data / SERIES[name]).iterdir() if path.is_file())[:MOST_FILES]


def faults(files: Sequence[Path], number: str, scratch: Path) -> Iterator[str]:
    """Yield what differs when the patient of some files has a number as ID and name."""
    originals = scratch / "originals"
    originals.mkdir(parents=True)
    for index, file in enumerate(files):
        with (gzip.open if file.suffix == ".gz" else open)(file, "rb") as stream:
            ds = pydicom.dcmread(stream)
        ds.PatientID = ds.PatientName = number
        ds.save_as(originals / f"{index:04d}")
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
    if not before or before.keys() != after.keys():
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
            with tempfile.TemporaryDirectory() as folder:
                found = list(faults(series(given.data, name), number, Path(folder)))
            failed += bool(found)
            for text in found:
                print(f"{name}, {number}: {text}", file=sys.stderr)
        print(f"| {name} | {len(numbers)} | {failed} |", flush=True)
        wrong += failed
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
