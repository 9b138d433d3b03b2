"""What finding the images of a dataset costs, beside pybids, bids2table and a plain walk.

    python tests/bench/discover.py [--subjects N ...] [--peers PYTHON] [--layout-up-to 1000]

Makes datasets of so many subjects with 12 files each, tiny images that are hard links to one
another, and prints a row a tool: CPU and wall seconds and peak memory of its process, imports
included, and by how much its CPU time grew from the size before. PYTHON is an interpreter that
has bids2table and pandas; pybids' own index takes minutes on 10,000 subjects, so it stops at
`--layout-up-to` of them. The tools agree on the number of T1w images, or the run ends as failed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

ROOT = Path(__file__).parents[2]
STEMS = (
    "anat/{name}_T1w",
    "anat/{name}_T2w",
    "dwi/{name}_dwi",
    "func/{name}_task-rest_run-1_bold",
    "func/{name}_task-rest_run-2_bold",
)
FILES_EACH = 12

STUDY = """
from ecdysis.settings import resolve
from ecdysis.study import open_study
settings = resolve({"bids_dir": sys.argv[1], "skullstrip": {"method": "none"}}, Path.cwd())
print(len(open_study(settings).images))
"""
LAYOUT = """
from bids import BIDSLayout
layout = BIDSLayout(sys.argv[1])
print(len(layout.get(suffix="T1w", extension=".nii.gz")))
"""
ANAT_LAYOUT = """
import re
from bids import BIDSLayout
from bids.layout import BIDSLayoutIndexer
others = "func|dwi|fmap|perf|pet|meg|eeg|ieeg|beh|micr|mrs|nirs|motion"
ignore = [re.compile(f"/({others})(/|$)"), "code", "stimuli", "sourcedata", "derivatives"]
indexer = BIDSLayoutIndexer(validate=False, index_metadata=False, ignore=ignore)
layout = BIDSLayout(sys.argv[1], validate=False, indexer=indexer)
print(len(layout.get(suffix="T1w", extension=".nii.gz")))
"""
TABLE = """
from bids2table import index_dataset
table = index_dataset(sys.argv[1]).to_pandas()
print(((table["suffix"] == "T1w") & (table["ext"] == ".nii.gz")).sum())
"""
WALK = """
print(sum(name.endswith("_T1w.nii.gz") for _, _, names in os.walk(sys.argv[1]) for name in names))
"""
FRAME = """
import os, sys
from pathlib import Path
sys.path.insert(0, {scripts!r})
{body}
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


@dataclass(frozen=True)
class Cost:
    """What one process took, and the number it printed."""

    images: int
    cpu_s: float
    wall_s: float
    peak_mb: float


def make_dataset(root: Path, subjects: int) -> Path:
    """Write a dataset of so many subjects; every file is a hard link to one of its kind."""
    kinds = root.parent / "kinds"
    kinds.mkdir(exist_ok=True)
    image, sidecar = kinds / "image.nii.gz", kinds / "sidecar.json"
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)), image)
    sidecar.write_text(json.dumps({"EchoTime": 0.003, "RepetitionTime": 2.0, "TaskName": "rest"}))
    files = [(stem + end, kind) for stem in STEMS for end, kind in _ends(image, sidecar)]
    files += [("dwi/{name}_dwi" + end, sidecar) for end in (".bval", ".bvec")]
    assert len(files) == FILES_EACH
    root.mkdir()
    (root / "dataset_description.json").write_text('{"Name": "bench", "BIDSVersion": "1.10.0"}')
    for number in range(1, subjects + 1):
        name = f"sub-{number:05d}"
        for datatype in ("anat", "dwi", "func"):
            (root / name / datatype).mkdir(parents=True)
        if number % 1000 == 1:  # a file has a limited number of links
            image, sidecar = _copy(image), _copy(sidecar)
            files = [(place, image if kind.suffix == ".gz" else sidecar) for place, kind in files]
        for place, kind in files:
            os.link(kind, root / name / place.format(name=name))
    return root


def _ends(image: Path, sidecar: Path) -> tuple[tuple[str, Path], ...]:
    return (".nii.gz", image), (".json", sidecar)


def _copy(path: Path) -> Path:
    twin = path.with_name(f"x{path.name}")
    twin.write_bytes(path.read_bytes())
    return twin


def cost(python: str, body: str, dataset: Path) -> Cost:
    """Run code in a Python of its own on a dataset."""
    code = FRAME.format(scripts=str(ROOT / "scripts"), body=body)
    began = time.monotonic()
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            [python, "-W", "ignore", "-c", code, str(dataset)], stdout=printed, cwd=dataset
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, python)
        printed.seek(0)
        images, peak_kb = map(int, printed.read().split()[-2:])
    wall = time.monotonic() - began
    return Cost(images, used.ru_utime + used.ru_stime, wall, peak_kb / 1024)


def change_one(dataset: Path) -> None:
    """Give one subject another image, take one away and add one."""
    folders = sorted(dataset.glob("sub-*"))
    for folder, action in zip(folders, ("change", "delete", "add"), strict=False):
        path = folder / f"anat/{folder.name}_T1w.nii.gz"
        content = path.read_bytes()
        path.unlink()
        if action == "change":
            path.write_bytes(content)
        elif action == "add":
            path.with_name(f"{folder.name}_run-1_T1w.nii.gz").write_bytes(content)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has bids2table")
    parser.add_argument("--layout-up-to", type=int, default=1000, metavar="SUBJECTS")
    parser.add_argument("--scratch", type=Path, help="where the datasets are made; removed after")
    asked = parser.parse_args(arguments)
    before: dict[str, Cost] = {}
    agreed = True
    print("| subjects | files | tool | images | CPU, s | wall, s | peak, MB | growth |")
    print("|---:|---:|---|---:|---:|---:|---:|---:|")
    for subjects in sorted(asked.subjects):
        with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
            dataset = make_dataset(Path(folder, "study"), subjects)
            tools = [("walk", sys.executable, WALK)]
            if asked.peers:
                tools.append(("bids2table", asked.peers, TABLE))
            if subjects <= asked.layout_up_to:
                tools.append(("BIDSLayout, default settings", sys.executable, LAYOUT))
            tools.append(("BIDSLayout, only anat", sys.executable, ANAT_LAYOUT))
            tools += [
                ("Ecdysis, cold", sys.executable, STUDY),
                ("Ecdysis, warm", sys.executable, STUDY),
                ("Ecdysis, 3 subjects changed", sys.executable, STUDY),
            ]
            for name, python, body in tools:
                expected = subjects
                if "changed" in name:
                    change_one(dataset)
                    expected -= 1
                found = cost(python, body, dataset)
                agreed &= found.images == expected
                grown = f"{found.cpu_s / before[name].cpu_s:.1f}" if name in before else ""
                before[name] = found
                print(
                    f"| {subjects} | {subjects * FILES_EACH} | {name} | {found.images} |"
                    f" {found.cpu_s:.2f} | {found.wall_s:.2f} | {found.peak_mb:.0f} | {grown} |",
                    flush=True,
                )
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
