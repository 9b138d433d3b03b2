"""What conversion costs beyond dcm2niix itself, and how fast a folder of scans is indexed.

    python tests/bench/convert.py [SERIES]

SERIES is a folder with the DICOM files of one series; by default the 384 slices (0.67 mm) of
the studyforrest T1w, unpacked from ../shared/data. A session of this series, of four echoes in
a series each, and of a functional series, is converted in turn by dcm2niix
alone (one run for the whole session) and by the workflow's steps, both in several rounds. Prints
the median of the ratios of each round. The aim: 1.15 times dcm2niix's time plus one second.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread

ROOT = Path(__file__).parents[2]
SERIES = ROOT.parent / "shared" / "data" / "studyforrest-t1-dicom.tar.xz"
ROUNDS = 5

sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from ecdysis.conversion.dcm2niix import OPTIONS  # noqa: E402

from tests.dicom_builder import EPI, MPRAGE, write_series  # noqa: E402

CONVERT = """
import sys
from pathlib import Path
from ecdysis.bids.outputs import Output
from ecdysis.conversion.nifti import WantedSeries
from run_dcm2niix import convert_session
session, out = map(Path, sys.argv[1:])
series = [WantedSeries(one.name, None, [Output("sub-01/anat", f"sub-01_acq-{one.name}", "T1w")])
          for one in sorted(session.iterdir())]
made = convert_series(session, out / "bids", series, out / "nifti")
assert made["images"] == len(series), made
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


def timed(action: Callable[[Path], object]) -> tuple[float, float]:
    """Return the wall and CPU time of the child processes of an action with an empty folder.

    The CPU time says more where the machine has other work.
    """
    with tempfile.TemporaryDirectory() as folder:
        before, began = os.times(), time.monotonic()
        action(Path(folder))
        wall, after = time.monotonic() - began, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])


def python(code: str, *arguments: Path) -> str:
    """Run code in a new Python that finds the scripts; return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
    ).stdout


def write_session(series: Path, session: Path) -> None:
    """Write a session of six series: the given one, four echoes, and a time series."""
    shutil.copytree(series, session / "t1")
    for echo in range(1, 5):
        header = {**MPRAGE, "EchoTime": 5 * echo, "EchoNumbers": echo}
        write(session / f"echo{echo}", 192, series=f"echo{echo}", slices=96, header=header)
    write(session / "bold", 64, series="bold", slices=32, volumes=100, header=EPI)


def write(folder: Path, size: int, **given: Any) -> None:
    """Write a series of square slices with noise."""
    noise = np.random.default_rng(0)
    for path in write_series(folder, **given):
        dataset = dcmread(path)
        dataset.Rows = dataset.Columns = size
        dataset.PixelData = noise.integers(0, 900, (size, size), "uint16").tobytes()
        dataset.save_as(path)


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
        session = Path(scratch, "session")
        write_session(series, session)
        program = Path(sys.executable).with_name("dcm2niix")

        def alone(folder: Path) -> None:
            command = [program, *OPTIONS, "-o", folder, session]
            subprocess.run(command, check=True, capture_output=True)

        rounds = [
            (timed(alone), timed(lambda folder: python(CONVERT, session, folder)))
            for _ in range(ROUNDS)
        ]
        with tempfile.TemporaryDirectory() as folder:
            indexed = [line.split() for line in python(INDEX, series, Path(folder)).splitlines()]
    print(f"load at the end            {os.getloadavg()[0]:8.2f}")
    for clock, name in enumerate(("wall", "CPU")):
        tool = statistics.median(first[clock] for first, _ in rounds)
        whole = statistics.median(second[clock] for _, second in rounds)
        over = statistics.median(second[clock] - 1.15 * first[clock] for first, second in rounds)
        print(f"dcm2niix alone, {name:<4}       {tool:8.2f} s")
        print(f"run_dcm2niix, {name:<4}         {whole:8.2f} s  with Python's start")
        print(f"beyond 1.15 times dcm2niix {over:8.2f} s  (aim: at most 1 s)")
    for files, opened, seconds in indexed:
        print(f"index {files} files, {opened:>4} opened  {float(seconds):8.3f} s")


if __name__ == "__main__":
    main()
