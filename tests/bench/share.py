"""Share a study of real heads with planted identifiers, and look for these and for faces.

    python tests/bench/share.py KEPT OUT [HEAD...] [--data DIR] [--dicom DIR]

KEPT is the folder that ``masks.py --keep`` filled: masks and registrations of this workflow. The
study is made in OUT; each head is one participant. Then `snakemake share` runs as a user runs it.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import deface
from ecdysis.bids.discovery import Image
from ecdysis.files import write_json
from ecdysis.places import TEMPLATE_FOLDER, record_file
from ecdysis.settings import resolve
from ecdysis.share.scan import scan_faces
from ecdysis.study import Study
from masks import DATA, find

ROOT = Path(__file__).parents[2]
PLANTED = {
    "PatientName": "Zimmermann^Hildegard",
    "PatientID": "MRN-4711-0815",
    "AcquisitionDateTime": "1954-03-21T10:11:12",
    "InstitutionName": "Charite Mitte",
}
WORDS = ("zimmermann", "hildegard", "4711-0815", "1954-03-21", "charite")


def add(head: Path, kept: Path, template: Path, root: Path, number: int, output: Path) -> Image:
    """Add a head to the study, with identifiers, and what the workflow leaves of it."""
    label = f"{number:02d}"
    folder = f"sub-{label}/anat"
    raw = root / folder / f"sub-{label}_T1w.nii.gz"
    image = Image(folder, f"sub-{label}", "T1w", label, None, str(raw))
    stored = nib.load(head)
    stored.header["descrip"], stored.header["db_name"] = b"Zimmermann", b"MRN-4711-0815"
    raw.parent.mkdir(parents=True)
    nib.save(stored, raw)
    write_json(raw.with_name(f"sub-{label}_T1w.json"), {**PLANTED, "EchoTime": 0.003})
    for name in (image.undefaced, image.mask):
        (output / name).parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.as_closest_canonical(nib.load(head)), output / image.undefaced)
    mask = nib.as_closest_canonical(nib.load(kept / "mask.nii.gz"))
    nib.save(mask, output / image.mask)
    (output / image.affine).write_bytes((kept / "affine.mat").read_bytes())
    write_json((output / image.undefaced).with_name(f"sub-{label}_desc-preproc_T1w.json"), {})
    given = deface.Inputs(
        output / image.undefaced, output / image.mask, template, (output / image.affine,)
    )
    made = deface.Outputs(output / image.defaced, output / image.defacemask)
    details = deface.deface(given, made, sources=[])
    print(f"{head.name}: {json.dumps(details['ResidualFace'])}")
    for stage in ("reorient", "skullstrip", "crop", "deface"):
        facts = {"check": {"verdict": "ok"}} if stage == "skullstrip" else {}
        facts = details if stage == "deface" else facts
        write_json(output / record_file(image.name, stage), {"state": "done", "details": facts})
    return image


def words_in(folder: Path) -> list[str]:
    """Return the planted words that occur in a folder, with their files."""
    found = []
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        content += gzip.decompress(content) if path.suffix == ".gz" else b""
        text = f"{path.name}{content.decode('latin-1')}".casefold()
        found += [f"{path.name}: {word}" for word in WORDS if word in text]
    return found


def main() -> None:
    """Make the study, share it, and print what is found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kept", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("heads", nargs="*", default=["asl_t1", "s1", "colin27"])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--dicom", type=Path)
    given = parser.parse_args()
    root = given.out / "study"
    root.mkdir(parents=True)
    facts = {"Name": "Real heads", "BIDSVersion": "1.10.1", "DatasetType": "raw"}
    write_json(root / "dataset_description.json", facts)
    settings = resolve({"bids_dir": str(root), "deface": True}, root)
    output = Path(settings["output_dir"])
    template = output / TEMPLATE_FOLDER / "brain_mask.nii.gz"
    template.parent.mkdir(parents=True)
    template.write_bytes((given.kept / "template" / "brain_mask.nii.gz").read_bytes())
    images = []
    for name in given.heads:
        with tempfile.TemporaryDirectory() as folder:
            head = find(name, given.data, given.dicom, Path(folder))
            if head and (given.kept / name).is_dir():
                number = len(images) + 1
                images.append(add(head.image, given.kept / name, template, root, number, output))
    Study(settings, images).save()
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    began = time.monotonic()
    command += ["--cores", "1", "share", "--config", f"bids_dir={root}"]
    status = subprocess.run(command, cwd=given.out, check=False).returncode
    seconds = time.monotonic() - began
    shared = Path(settings["share_dir"])
    faces = dict(scan_faces(shared))
    print(f"exit status {status}, {len(images)} heads, {seconds:.0f} s")
    print(
        f"planted words in the study {len(words_in(root))}, in the shared folder {words_in(shared)}"
    )
    print(
        f"images of heads {len(faces)}, with a face {[name for name, why in faces.items() if why]}"
    )


if __name__ == "__main__":
    main()
