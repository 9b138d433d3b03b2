"""What conversion costs beyond dcm2niix itself, and how fast a folder of scans is indexed.

    python tests/bench/convert.py [SERIES]

SERIES is a folder with the DICOM files of one series; by default the 384 slices (0.67 mm) of
the studyforrest T1w, unpacked from ../shared/data. Prints the best of several rounds in
seconds. The aim: a conversion takes at most 1.15 times dcm2niix's own time plus one second.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERIES = ROOT.parent / "shared" / "data" / "studyforrest-t1-dicom.tar.xz"
ROUNDS = 3

CONVERT = """
import sys
from pathlib import Path
from convert import convert
from ecdysis.bids.outputs import Output
image = Path(sys.argv[2], "sub-01_T1w.nii.gz")
outputs = [Output("sub-01/anat", "sub-01", "T1w")]
convert(Path(sys.argv[1]), image, image.with_name("sub-01_T1w.json"), outputs)
"""
INDEX = """
import sys, time
from pathlib import Path
from ecdysis.dicom.index import index
cache = Path(sys.argv[2], "private", "index.json")
for _ in range(2):
    began = time.monotonic()
    found = index(Path(sys.argv[1]), cache)
    print(len(found.instances), found.opened, time.monotonic() - began)
"""


def best(action: Callable[[Path], object]) -> tuple[float, float]:
    """Return the shortest wall and CPU time of several rounds, each with a fresh folder.

    The latter, of the child processes, says more where the machine has other work.
    """
    walls, cpus = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            before, began = os.times(), time.monotonic()
            action(Path(folder))
            walls.append(time.monotonic() - began)
            after = os.times()
            cpus.append(sum(after[2:4]) - sum(before[2:4]))
    return min(walls), min(cpus)


def python(code: str, *arguments: Path) -> str:
    """Run code in a new Python that finds the scripts; return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts"), "NIPYPE_NO_ET": "1"},
    ).stdout


def main() -> None:
    """Measure on the given or the default series, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("series", nargs="?", type=Path, help="folder of one DICOM series")
    series = parser.parse_args().series
    with tempfile.TemporaryDirectory() as scratch:
        if series is None:
            with tarfile.open(SERIES) as archive:
                archive.extractall(scratch, filter="data")
            series = next(Path(scratch).rglob("*.dcm")).parent
        dcm2niix = [
            Path(sys.executable).with_name("dcm2niix"),
            "-z",
            "i",
            "-g",
            "i",
            "-f",
            "x",
            "-o",
        ]
        alone = best(
            lambda folder: subprocess.run(
                [*dcm2niix, folder, series], check=True, capture_output=True
            )
        )
        whole = best(lambda folder: python(CONVERT, series, folder))
        with tempfile.TemporaryDirectory() as folder:
            rounds = [line.split() for line in python(INDEX, series, Path(folder)).splitlines()]
    print(f"load at the end                {os.getloadavg()[0]:8.2f}")
    for clock, tool, conversion in zip(("wall", "CPU"), alone, whole, strict=True):
        aim = 1.15 * tool + 1
        print(f"dcm2niix alone, {clock:<4}           {tool:8.2f} s")
        print(f"convert, with Python's start   {conversion:8.2f} s  (aim: {aim:.2f} s)")
    for files, opened, seconds in rounds:
        print(f"index {files} files, {opened:>4} opened  {float(seconds):8.3f} s")


if __name__ == "__main__":
    main()
