"""Share a study of phantoms and real heads with planted identifiers; look for these and for faces.

    python tests/bench/share.py OUT [HEAD...] [--phantoms 6] [--data DIR] [--dicom DIR] [--cores 1]

The study is made in OUT, each head as one participant, processed with `deface: true`, and shared
by `snakemake share`, as a user does it. Then every byte of the shared folder is searched. HEAD is
one of `masks.py`; `ms01` is a T1w, T2w and FLAIR. Ends with status 1 if anything planted is there.
"""

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from ecdysis.deface.residual import residual_face
from ecdysis.files import write_json
from ecdysis.phantom.head import HeadSettings, build_head
from masks import DATA, find

ROOT = Path(__file__).parents[2]
HEADS = ("s1", "ms01", "asl_t1")
SUFFIXES = ("T1w", "T2w", "FLAIR")
PLANTED = {
    "PatientName": "Zimmermann^Hildegard",
    "PatientID": "MRN-4711-0815",
    "PatientBirthDate": "1954-03-21",
    "AcquisitionDateTime": "2019-03-14T10:11:12",
    "InstitutionName": "Charite Mitte",
    "DeviceSerialNumber": "SN0099887",
    "OperatorsName": "White^Page",
    "Comments": "call h.zimmermann@example.org",
}
WORDS = (
    *("zimmermann", "hildegard", "4711-0815", "1954-03-21", "19540321", "2019-03-14"),
    *("charite", "sn0099887", "example.org"),
)
"""What must not be in the shared folder; White and Page are words of each report."""
COLUMNS = "participant_id\tage\tsex\tname\tbirth_date\n"
ROW = "{}\t93\tF\tHildegard Zimmermann\t1954-03-21\n"


def write_image(root: Path, label: str, suffix: str, image: nib.Nifti1Image) -> None:
    """Write an image with identifiers in its sidecar, header and gzip file."""
    path = root / f"sub-{label}" / "anat" / f"sub-{label}_{suffix}.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = nib.Nifti1Image(np.asanyarray(image.dataobj), image.affine, image.header)
    stored.header["descrip"], stored.header["db_name"] = b"Zimmermann", b"MRN-4711-0815"
    stored.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Hildegard"))
    with path.open("wb") as out, gzip.GzipFile("Zimmermann.nii", "wb", 1, out) as packed:
        packed.write(stored.to_bytes())
    write_json(path.with_name(f"sub-{label}_{suffix}.json"), {**PLANTED, "EchoTime": 0.003})
    (path.parent / "Zimmermann.txt").write_text("1954-03-21")


def make_study(root: Path, phantoms: int, heads: Sequence[str], data: Path, dicom: Path) -> int:
    """Write the study; return the number of participants."""
    count = 0
    for number in range(1, phantoms + 1):
        count += 1
        settings = HeadSettings((3.0,) * 3, seed=number, scan=number, neck_mm=40, deformation_mm=4)
        write_image(root, f"{count:02d}", "T1w", build_head(settings).image)
    for name in heads:
        names = (
            {suffix: f"ms01_{suffix}" for suffix in SUFFIXES} if name == "ms01" else {"T1w": name}
        )
        there = False
        for suffix, single in names.items():
            with tempfile.TemporaryDirectory() as folder:
                if head := find(single, data, dicom, Path(folder)):
                    count, there = count + (not there), True
                    write_image(root, f"{count:02d}", suffix, nib.load(head.image))
        print(f"{name}: {f'sub-{count:02d}' if there else 'its files are absent'}")
    facts = {"Name": "Brain of H. Zimmermann", "BIDSVersion": "1.10.1", "DatasetType": "raw"}
    write_json(root / "dataset_description.json", facts)
    rows = [ROW.format(f"sub-{number:02d}") for number in range(1, count + 1)]
    (root / "participants.tsv").write_text(COLUMNS + "".join(rows))
    (root / "README.md").write_text("Data of Hildegard Zimmermann, MRN-4711-0815\n")
    return count


def snakemake(root: Path, cores: int, *words: str) -> tuple[int, float]:
    """Run the workflow on the study; return exit status and seconds."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--cores", str(cores), *words]
    began = time.monotonic()
    environment = os.environ | {"NO_COLOR": "1"}
    status = subprocess.run(command, cwd=root.parent, env=environment, check=False).returncode
    return status, time.monotonic() - began


def words_in(folder: Path, words: Sequence[str] = WORDS) -> list[str]:
    """Return the words that occur in the names and bytes of a folder's files."""
    hits = []
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        content += gzip.decompress(content) if path.suffix == ".gz" else b""
        text = f"{path.name}{content.decode('latin-1')}".casefold()
        hits += [f"{path.name}: {word}" for word in words if word in text]
    return hits


def faces(folder: Path, shared: Path) -> Iterator[str]:
    """Yield a row of the table for each image of the study: the face before and after."""
    results = shared / "derivatives" / "ecdysis"
    for path in sorted(folder.glob("sub-*/anat/*.nii.gz")):
        place = path.relative_to(folder)
        stem, _, suffix = path.name.removesuffix(".nii.gz").rpartition("_")
        space = "" if suffix == "T1w" else f"_space-{suffix}"
        mask = results / place.parent / f"{stem}{space}_desc-brain_mask.nii.gz"
        if not (shared / place).is_file():
            yield f"| {stem}_{suffix} | left out | |"
            continue
        before, after = (
            residual_face(nib.load(file), nib.load(mask)).verdict for file in (path, shared / place)
        )
        yield f"| {stem}_{suffix} | {before} | {after} |{' WRONG' if after != 'none' else ''}"


def main() -> int:
    """Make the study, process and share it, and print what is found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("heads", nargs="*", default=HEADS)
    parser.add_argument("--phantoms", type=int, default=6)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--dicom", type=Path)
    parser.add_argument("--cores", type=int, default=1)
    given = parser.parse_args()
    root, shared = given.out.resolve() / "study", given.out.resolve() / "study-share"
    root.mkdir(parents=True)
    count = make_study(root, given.phantoms, given.heads, given.data, given.dicom)
    settings = ("--config", f"bids_dir={root}")
    chosen = (*settings, "deface=true", f"suffixes=[{', '.join(SUFFIXES)}]")
    print("processing: exit status {}, {:.0f} s".format(*snakemake(root, given.cores, *chosen)))
    print(
        "sharing: exit status {}, {:.0f} s".format(
            *snakemake(root, given.cores, "share", *settings)
        )
    )
    planted, left = words_in(root), words_in(shared, (*WORDS, str(given.out.resolve())))
    print(f"{count} participants; planted words in {len(planted)} places of the study")
    print(f"in the shared folder: {left or 'none'}\n\n| image | before | shared |\n|---|---|---|")
    rows = list(faces(root, shared))
    print("\n".join(rows))
    return 1 if left or not shared.is_dir() or any("WRONG" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
