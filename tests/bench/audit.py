"""Count what the audit misses and where it is wrong, on invented people and on real scanners.

    python tests/bench/audit.py [--people 10000] [--scanners FOLDER] [--results FOLDER]

SCANNERS holds unpacked DICOM, a series in a folder; RESULTS is a folder of results whose sidecars
and records must raise no alarm for any of the people. A file of each person is de-identified with
the default options and audited; then a text that identifies the person is put back into it.
"""

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pydicom
import yaml

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from ecdysis.audit import results  # noqa: E402
from ecdysis.audit.search import Searcher  # noqa: E402
from ecdysis.audit.secrets import kinds_searched  # noqa: E402
from ecdysis.audit.session import Originals, audit  # noqa: E402
from ecdysis.deid.session import deidentify  # noqa: E402
from ecdysis.errors import InputError  # noqa: E402
from ecdysis.key import Key  # noqa: E402

from tests.canary.people import MAKERS, scans  # noqa: E402

KEY = Key(bytes(range(32)))
SETTINGS = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["deid"]
PLACES = ("SeriesDescription", "ProtocolName", "SequenceName", "SoftwareVersions")
KINDS = {".json", ".tsv", ".log", ".txt", ".md"}


def session(folder: Path, paths: Iterable[Path]) -> Path:
    """Write the list of files of a session and de-identify it; return the list."""
    listing = folder / "list.json"
    series = {"ser-1": [str(path) for path in paths]}
    listing.write_text(json.dumps({"session": "sub-01", "subject": "01", "series": series}))
    with contextlib.redirect_stdout(io.StringIO()):
        deidentify(listing, folder / "out", KEY, SETTINGS)
    return listing


def complaint(listing: Path, out: Path) -> str:
    """Return what the audit says of a session."""
    try:
        audit(listing, out, [], SETTINGS)
    except InputError as error:
        return error.problem
    return ""


def people(count: int, pages: list[Path]) -> None:
    """Audit invented people: as the cleaner leaves them, and with a text put back."""
    alarms, missed, wrong_records = 0, 0, 0
    for number, scan in enumerate(scans(count)):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "a").write_bytes(scan.data)
            listing = session(folder, [folder / "a"])
            if text := complaint(listing, folder / "out"):
                alarms += 1
                print(f"alarm: {text[:300]}", file=sys.stderr)
            path = next((folder / "out").rglob("*.dcm"))
            ds = pydicom.dcmread(path)
            leak = scan.leaks[number % len(scan.leaks)]
            setattr(ds, PLACES[number % len(PLACES)], f"T1 {leak}")
            ds.save_as(path)
            if not complaint(listing, folder / "out"):
                missed += 1
                print(f"missed: {leak}", file=sys.stderr)
            wrong_records += records_with_alarm(folder / "a", pages)
    print(f"| invented people | {count} | {alarms} | {missed} of {count} |")
    if pages:
        print(f"| records, searched for each of them | {len(pages)} | {wrong_records} | - |")


def records_with_alarm(original: Path, pages: list[Path]) -> int:
    """Return in how many records of other people something of one person is found."""
    kinds = kinds_searched(SETTINGS["options"])
    originals = Originals({"": [str(original)]}, kinds)
    # The records are of other scanners, whose models are no names of stations.
    models = {*originals.models, *(model for _, model in MAKERS)}
    searcher = Searcher(originals.secrets, "sub-99", models, kinds)
    count = 0
    for path in pages:
        if found := results.in_file(path, searcher, ours=True):
            print(f"alarm: {found[0]}", file=sys.stderr)
            count += 1
    return count


def scanners(root: Path) -> None:
    """Audit every series of a folder."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in sorted(root.rglob("*")):
        if path.is_file() and pydicom.misc.is_dicom(path):
            folders[path.parent].append(path)
    alarms = used = 0
    cleaning = auditing = 0.0
    for folder, paths in folders.items():
        with tempfile.TemporaryDirectory() as name:
            began = time.process_time()
            try:
                listing = session(Path(name), paths)
            except InputError:
                continue
            cleaned = time.process_time()
            used += 1
            if text := complaint(listing, Path(name) / "out"):
                alarms += 1
                print(f"alarm: {folder.relative_to(root)}: {text[:400]}", file=sys.stderr)
            cleaning += cleaned - began
            auditing += time.process_time() - cleaned
    print(f"| series of scanners | {used} | {alarms} | - |")
    print(f"\nCleaning took {cleaning:.0f} CPU s, the audit {auditing:.0f}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--scanners", type=Path)
    parser.add_argument("--results", type=Path)
    given = parser.parse_args()
    found = sorted(given.results.rglob("*")) if given.results else []
    about_a_subject = (path for path in found if "sub-" in str(path.parent))
    pages = [path for path in about_a_subject if path.suffix in KINDS and path.is_file()]
    print("| what | number | false alarms | missed |\n|---|---|---|---|")
    people(given.people, pages)
    if given.scanners:
        scanners(given.scanners)


if __name__ == "__main__":
    main()
