"""Convert scanner files before and after de-identification, and compare what dcm2niix makes.

    python tests/conformance/scanners.py DATA [--only TEXT]

DATA holds the archives of public scanner series, or folders of DICOM files. Each series is
converted by dcm2niix as the workflow does, from the original and from the de-identified files
under the default options. Voxels, affine, b-values and b-vectors must be equal, and so must the
sidecars in every field outside `IDENTIFYING` and `DESCRIPTIONS`. The exit code is 1 when a
series differs.
"""

import argparse
import gzip
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import pydicom
import yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from ecdysis.deid.session import deidentify  # noqa: E402
from ecdysis.errors import InputError  # noqa: E402
from ecdysis.key import Key  # noqa: E402

ARCHIVES = ("scanners.tar.xz", "dcm_qa_nih.tar.xz")

IDENTIFYING = {
    "AccessionNumber": "number of the order",
    "AcquisitionDateTime": "date, moved",
    "DeidentificationMethod": "written by de-identification",
    "DeidentificationMethodCodeSequence": "written by de-identification",
    "DeviceSerialNumber": "names the scanner",
    "ImageComments": "free text",
    "InstitutionAddress": "place",
    "InstitutionName": "place",
    "InstitutionalDepartmentName": "place",
    "PatientAge": "the person",
    "PatientBirthDate": "the person",
    "PatientID": "becomes the label",
    "PatientName": "becomes the label",
    "PatientSex": "the person",
    "PatientSize": "the person",
    "PatientWeight": "the person",
    "PerformedProcedureStepDescription": "free text",
    "ProcedureStepDescription": "free text",
    "ReferringPhysicianName": "a person",
    "SeriesInstanceUID": "becomes a pseudonym",
    "StationName": "names the scanner",
    "StudyDescription": "free text",
    "StudyID": "number of the study",
    "StudyInstanceUID": "becomes a pseudonym",
    "WipMemBlock": "free text of who programmed the sequence",
}
"""Fields of a sidecar that may differ, each with its reason."""

DESCRIPTIONS = ("ProtocolName", "SeriesDescription", "SequenceName", "PulseSequenceName")
"""Fields of which known words stay; the words that are left must be among the original's."""


class Outcome(NamedTuple):
    """The comparison of one series: its vendor and name, and every difference.

    `aside` counts the files that were set aside, such as truncated ones; they are left out on
    both sides.
    """

    vendor: str
    name: str
    files: int
    aside: int
    images: int
    differences: list[str]


def default_deid() -> dict[str, Any]:
    """Return the section ``deid`` of the default configuration."""
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    return dict(config["deid"])


def unpacked(data: Path, folder: Path) -> list[Path]:
    """Return the folders of scanner files in `data`, unpacking its archives into `folder`."""
    for name in ARCHIVES:
        if (data / name).is_file():
            with tarfile.open(data / name) as archive:
                archive.extractall(folder / name.split(".")[0], filter="data")
    parents = [folder / name.split(".")[0] for name in ARCHIVES if (data / name).is_file()]
    return parents or [data]


def series_of(folder: Path, scratch: Path) -> dict[str, dict[str, list[Path]]]:
    """Return patient -> series -> files; gzipped files are unpacked into `scratch`."""
    found: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        file = path
        if path.suffix == ".gz":
            file = scratch / f"{path.relative_to(folder)}".replace("/", "_").removesuffix(".gz")
            file.write_bytes(gzip.decompress(path.read_bytes()))
        try:
            head = pydicom.dcmread(
                file, stop_before_pixels=True, specific_tags=["SeriesInstanceUID", "PatientID"]
            )
        except (pydicom.errors.InvalidDicomError, OSError, EOFError):
            continue
        place = path.parent.relative_to(folder)
        patient = f"{place.parts[0] if place.parts else ''} {head.get('PatientID')}"
        found[patient][f"{place} {head.get('SeriesInstanceUID')}"].append(file)
    return found


def converted(files: list[Path], target: Path) -> dict[str, Path]:
    """Return the images that dcm2niix makes of files, by name."""
    source, out = target / "in", target / "out"
    source.mkdir(parents=True)
    out.mkdir()
    for number, file in enumerate(files):
        (source / f"{number:05d}.dcm").symlink_to(file.absolute())
    program = Path(sys.executable).with_name("dcm2niix")
    options = ["-g", "i", "-c", "", "-ba", "n", "-m", "2", "-z", "n", "-f", "image"]
    subprocess.run([program, *options, "-o", out, source], check=False, capture_output=True)
    return {path.name: path for path in sorted(out.glob("*.nii"))}


def differences(before: Path, after: Path) -> Iterator[str]:
    """Yield what differs between two images and the files beside them."""
    one, two = nib.load(before), nib.load(after)
    if one.shape != two.shape or not np.array_equal(one.dataobj, two.dataobj, equal_nan=True):
        yield "voxels"
    if not np.array_equal(one.affine, two.affine):
        yield "affine"
    if not np.array_equal(one.header.get_zooms(), two.header.get_zooms()):
        yield "zooms"
    for ending in (".bval", ".bvec"):
        texts = [path.with_suffix(ending) for path in (before, after)]
        if len({path.read_text() if path.exists() else "" for path in texts}) > 1:
            yield ending
    sidecars = [path.with_suffix(".json") for path in (before, after)]
    old, new = (json.loads(path.read_text()) if path.exists() else {} for path in sidecars)
    described = set().union(*(words(old.get(field)) for field in DESCRIPTIONS))
    for field in sorted(old.keys() | new.keys()):
        if field in DESCRIPTIONS:
            if not words(new.get(field)) <= described:
                yield f"{field}: {old.get(field)!r} -> {new.get(field)!r}"
        elif field not in IDENTIFYING and old.get(field) != new.get(field):
            yield f"{field}: {str(old.get(field))[:70]} -> {str(new.get(field))[:70]}"


def words(value: Any) -> set[str]:
    """Return the runs of letters and of digits in a description."""
    return set(re.findall(r"[A-Za-z]+|\d+", str(value or "")))


def compared(
    name: str, files: list[Path], passed: list[Path], clean: Path, scratch: Path
) -> Outcome:
    """Compare what dcm2niix makes of the files of a series and of their de-identified form."""
    found: list[str] = []
    cleaned = sorted(clean.glob("*.dcm")) if clean.is_dir() else []
    if len(passed) != len(cleaned):
        found.append(f"{len(passed)} files passed, {len(cleaned)} are there")
    before, after = converted(passed, scratch / "before"), converted(cleaned, scratch / "after")
    if before.keys() != after.keys():
        found.append(f"images {sorted(before)} -> {sorted(after)}")
    for image in before.keys() & after.keys():
        found += [f"{image}: {text}" for text in differences(before[image], after[image])]
    head = pydicom.dcmread(files[0], stop_before_pixels=True)
    vendor = str(head.get("Manufacturer", "unknown")).strip().split(" ")[0].split("_")[0].title()
    aside = len(files) - len(passed)
    return Outcome(vendor, name, len(files), aside, len(before), found)


def outcomes(folder: Path, only: str = "") -> Iterator[Outcome]:
    """Compare every series below a folder; `only` is a part of the names of those wanted."""
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        (scratch / "unpacked").mkdir()
        patients = series_of(folder, scratch / "unpacked")
        for number, series in enumerate(patients.values()):
            chosen = {name: files for name, files in series.items() if only in name}
            if not chosen:
                continue
            place = scratch / str(number)
            place.mkdir()
            numbered = {f"ser-{index}": files for index, files in enumerate(chosen.values())}
            listing = {"session": "sub-01", "subject": "01"}
            named = {word: [str(file) for file in files] for word, files in numbered.items()}
            (place / "list.json").write_text(json.dumps({**listing, "series": named}))
            ledger, clean = place / "ledger.json", place / "clean"
            try:
                deidentify(place / "list.json", clean, Key(b"k" * 32), default_deid(), ledger)
                passed = json.loads(ledger.read_text())["files"]
            except InputError:
                passed = []
            for name, (word, files) in zip(chosen, numbered.items(), strict=True):
                kept = [file for file in files if str(file) in passed]
                yield compared(name, files, kept, clean / word, place / f"{word}-converted")


def table(results: list[Outcome]) -> str:
    """Return the results by vendor, in Markdown."""
    lines = ["| vendor | series | files | set aside | images | series with differences |"]
    lines.append("|---|---|---|---|---|---|")
    for vendor in sorted({result.vendor for result in results}):
        own = [result for result in results if result.vendor == vendor]
        wrong = sum(bool(result.differences) for result in own)
        files, aside, images = (sum(part) for part in zip(*[row[2:5] for row in own], strict=True))
        lines.append(f"| {vendor} | {len(own)} | {files} | {aside} | {images} | {wrong} |")
    return "\n".join(lines)


def main() -> int:
    """Compare all series and print the differences and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", default="", help="a part of the names of the wanted series")
    given = parser.parse_args()
    results: list[Outcome] = []
    with tempfile.TemporaryDirectory() as temporary:
        for folder in unpacked(given.data, Path(temporary)):
            for result in outcomes(folder, given.only):
                results.append(result)
                for difference in result.differences:
                    print(f"{result.name}: {difference}", flush=True)
    if not results:
        sys.exit(f"There is no series in {given.data}; expected one of {', '.join(ARCHIVES)}")
    print(table(results))
    return int(any(result.differences for result in results))


if __name__ == "__main__":
    sys.exit(main())
