"""Add a skull-strip method, a quality measure and a path setting as the docs say, and use them.

    PYTHONPATH=scripts:. python tests/bench/extending.py

Works in a scratch copy of the checkout: runs the workflow on a phantom of 8 mm and prints which
files each addition touched, and what the run then wrote about it.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ecdysis.files import read_json
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

ROOT = Path(__file__).parents[2]
PARTS = ("config", "docs", "envs", "profiles", "report", "rules", "scripts", "Snakefile")
METHOD = '''\
"""The brightest half of an image; for tests."""

import nibabel as nib
import numpy as np

from ecdysis.skullstrip import external_program
from ecdysis.skullstrip.method import Method


def find(head):
    image = nib.load(head)
    values = np.asanyarray(image.dataobj)
    bright = (values > np.median(values)).astype(np.uint8)
    nib.save(nib.Nifti1Image(bright, image.affine), "mask.nii")
    return "mask.nii"


METHOD = Method(
    sentence="Voxels above the median were taken for brain [@nibabel].",
    require=lambda settings: None,
    strip=lambda task: external_program.strip(task.image, task.mask, find),
    any_contrast=True,
)
'''
MEASURE = "brightest\tBrightest\t1\t-\t1\town measure\tLargest intensity in the brain mask\n"


def copy_checkout(target: Path) -> Path:
    """Copy what the workflow needs to run."""
    for name in PARTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        target.mkdir(exist_ok=True)
        copy(ROOT / name, target / name)
    return target


def add_method(copy: Path) -> list[str]:
    """Add the method ``toy``; return the files that were touched."""
    module, schema = "scripts/ecdysis/skullstrip/methods/toy.py", "config/schema.yaml"
    (copy / module).write_text(METHOD)
    _replace(copy / schema, "method: {enum: [ants, ", "method: {enum: [toy, ants, ")
    return [module, schema]


def add_measure(copy: Path) -> list[str]:
    """Add the measure ``brightest``; return the files that were touched."""
    formula, dictionary, script = (
        "scripts/ecdysis/quality/tissue.py",
        "scripts/ecdysis/quality/measures.tsv",
        "scripts/measure.py",
    )
    text = (copy / formula).read_text()
    (copy / formula).write_text(f"{text}\n\ndef brightest(values):\n    return values.max()\n")
    with (copy / dictionary).open("a", encoding="utf-8") as table:
        table.write(MEASURE)
    _replace(
        copy / script,
        '    sheet.fill(["inu_blocks"]',
        '    sheet.fill(["brightest"], lambda: [tissue.brightest(image.values[image.inside])])\n'
        '    sheet.fill(["inu_blocks"]',
    )
    return [formula, dictionary, script]


def add_path_setting(copy: Path) -> list[str]:
    """Add the path setting ``extra``; return the files that were touched."""
    schema, defaults = "config/schema.yaml", "config/config.yaml"
    _replace(copy / schema, "\n  deface:", '\n  extra: {$ref: "#/$defs/path"}\n  deface:')
    text = (copy / defaults).read_text()
    (copy / defaults).write_text(f"{text}\n# A file that nothing reads.\nextra: null\n")
    return [schema, defaults]


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if text.count(old) != 1:
        sys.exit(f"{path}: {old!r} is there {text.count(old)} times")
    path.write_text(text.replace(old, new))


def main() -> None:
    """Add all three, run, and print what came of them."""
    with tempfile.TemporaryDirectory() as folder:
        copy, study = copy_checkout(Path(folder) / "copy"), Path(folder) / "study"
        for add in (add_method, add_measure, add_path_setting):
            print(f"{add.__name__}: {', '.join(add(copy))}")
        write_bids(study, 1, settings=HeadSettings(spacing_mm=(8.0, 8.0, 8.0)))
        settings = [f"bids_dir={study}", "skullstrip={method: toy}", "extra=patient_x/file"]
        command = [sys.executable, "-m", "snakemake", "--snakefile", copy / "Snakefile"]
        # The mask of this method fails the self-check, so that the run ends as failed.
        subprocess.run(
            [*command, "--cores", "1", "--config", *settings], check=False, capture_output=True
        )
        output = study / "derivatives/ecdysis"
        text = (output / "methods.md").read_text()
        print("methods.md:", next(line for line in text.splitlines() if "median" in line))
        with (output / "participants_qc.tsv").open() as stream:
            print("participants_qc.tsv:", next(csv.DictReader(stream, delimiter="\t"))["brightest"])
        manifest = (output / ".ecdysis/manifest.json").read_text()
        shown = read_json(output / ".ecdysis/manifest.json")["settings"].get("extra", "left out")
        print("extra in manifest.json:", shown, "| path:", "patient_x" in manifest)


if __name__ == "__main__":
    main()
