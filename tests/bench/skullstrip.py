"""CPU, wall time, memory and agreement of skull stripping on one head of 1 mm.

    python tests/bench/skullstrip.py [--image HEAD] [--provider embedded] [--reference MASK]
    python tests/bench/skullstrip.py --provider system --published

The default head is Colin27 of Debian's package mricron-data. `--published` also runs
antsBrainExtraction.sh with the same template and programs (cross-correlation of radius 4 on T1
and Laplacian at full resolution; about 45 CPU minutes) and takes its mask as the reference.
Every row is a process of its own; memory is that of its largest process.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import template as template_script
from ecdysis.skullstrip.brain_recipe import RECIPE
from ecdysis.skullstrip.working_image import closed
from ecdysis.template import Prepared, embedded

SCRIPTS = Path(__file__).parents[2] / "scripts"
COLIN = Path("/usr/share/mricron/templates/ch2.nii.gz")

OWN = """
import json, sys
from pathlib import Path
import ecdysis.skullstrip.ants_recipe as method
from ecdysis.skullstrip.byproducts import Byproducts
from ecdysis.template import Prepared
given = json.loads(sys.argv[1])
folder = Path(given["folder"])
method.skullstrip(
    Path(given["image"]), Prepared(folder), Path(given["mask"]),
    byproducts=Byproducts(folder / "posteriors.nii.gz", folder / "f.nii.gz", folder / "a.mat"),
    transforms=(folder / "to.h5", folder / "from.h5"),
    provider=given["provider"], threads=given["threads"],
)
"""
PUBLISHED = """
import json, sys
from pathlib import Path
from ecdysis.bids.image_name import ImageName
from ecdysis.skullstrip.method import Task, load
given = json.loads(sys.argv[1])
folder = Path(given["folder"])
settings = {"t1w": str(folder / "full_T1w.nii.gz"), "brain_mask": str(folder / "full_mask.nii.gz")}
task = Task(Path(given["image"]), Path(given["mask"]), ImageName("sub-01/anat", "sub-01", "T1w"),
            {"template": settings}, given["threads"])
load("antsBrainExtraction").strip(task)
"""


def prepare(folder: Path) -> None:
    """Write the template as the workflow uses it, and at 1 mm with the same filled mask."""
    template_script.write({}, Prepared(folder))
    source = embedded()
    nib.save(nib.load(source.t1w), folder / "full_T1w.nii.gz")
    mask = nib.load(source.brain_mask)
    brain = closed(np.asanyarray(mask.dataobj) > 0, RECIPE.template_fill, 1.0)
    filled = ndimage.binary_fill_holes(brain).astype(np.float32)
    nib.save(nib.Nifti1Image(filled, mask.affine), folder / "full_mask.nii.gz")


def measured(code: str, given: dict[str, Any]) -> tuple[float, float, float]:
    """Run `code` in a process of its own; return CPU s, wall s and MB of its largest process."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(given)],
        cwd=SCRIPTS,
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("a run failed; its output stands above")
    return used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss / 1024


def dice(one: Path, other: Path) -> float:
    """Overlap of two masks on one grid."""
    found, true = (np.asanyarray(nib.load(path).dataobj) > 0 for path in (one, other))
    return 2 * float((found & true).sum()) / float(found.sum() + true.sum())


def main() -> None:
    """Run and print one row a method and number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path, default=COLIN)
    parser.add_argument("--provider", default="embedded", choices=("system", "embedded"))
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--reference", type=Path, help="a mask to compare with")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--keep", type=Path, help="a folder for the masks, to be looked at")
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before, {asked.provider} ANTs")
    print("| method | threads | CPU, s | wall, s | memory, MB | Dice to the reference |")
    print("|---|---:|---:|---:|---:|---:|")
    with contextlib.ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        prepare(folder)
        jobs = [("this workflow", OWN, threads) for threads in asked.threads]
        reference = asked.reference
        if asked.published:
            jobs.insert(0, ("antsBrainExtraction.sh", PUBLISHED, max(asked.threads)))
            reference = reference or folder / "mask0.nii"
        for number, (name, code, threads) in enumerate(jobs):
            mask = folder / f"mask{number}.nii"
            given = {
                "folder": str(folder),
                "image": str(asked.image.absolute()),
                "mask": str(mask),
                "provider": asked.provider,
                "threads": threads,
            }
            cpu, wall, memory = measured(code, given)
            overlap = f"{dice(mask, reference):.4f}" if reference else "–"
            print(
                f"| {name} | {threads} | {cpu:.0f} | {wall:.0f} | {memory:.0f} | {overlap} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
