"""How long the page of the plan takes to write and to open in chromium.

    python tests/bench/plan_page.py [SERIES]

Writes a page with SERIES (10,000) series of 500 sessions, each with a picture of noise, and opens
it three times. Prints the median. The aim: 10,000 series open in under 4 s.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pydicom import dcmread

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from ecdysis.key import Key  # noqa: E402
from ecdysis.planning.entries import Plan  # noqa: E402
from ecdysis.planning.plan import COLUMNS, FACTS, HEADER, KEYS  # noqa: E402
from ecdysis.planning.plan_page import thumbnails, write_plan_page  # noqa: E402
from ecdysis.private_files import private_folder  # noqa: E402

from tests.browser import Browser  # noqa: E402
from tests.dicom_builder import MPRAGE, write_series  # noqa: E402


def main() -> None:
    """Write the page, open it, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("series", nargs="?", type=int, default=10_000)
    number = parser.parse_args().series
    columns = (*COLUMNS, *HEADER, *FACTS, *KEYS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = write_series(folder / "scans", header=MPRAGE, slices=number)
        noise = np.random.default_rng(0)
        for path in files:
            dataset = dcmread(path)
            dataset.Rows = dataset.Columns = 192
            dataset.PixelData = noise.integers(0, 900, (192, 192), "uint16").tobytes()
            dataset.save_as(path)
        began = time.monotonic()
        key = Key(bytes(range(32)))
        pictures = thumbnails(files, key, {}, private_folder(folder / "private"))
        drawn = time.monotonic() - began
        lines = ["\t".join(columns)]
        for at in range(number):
            values = {"series": f"ser-{at}", "session": f"sub-{at * 500 // number:03d}",
                      "name": f"run-{at}_T1w", "confidence": "high", "number": str(at),
                      "description": "t1_mprage_sag_p2_iso", "why": "3-D gradient echo",
                      "uid": f"1.2.{at}", "file": "x"}  # fmt: skip
            lines.append("\t".join(values.get(column, "17.5") for column in columns))
        page = folder / "plan.html"
        write_plan_page(page, "\n".join(lines), Plan(), "name\n", pictures)
        times = []
        for _ in range(3):
            with Browser() as browser:
                began = time.monotonic()
                browser.open(page)
                assert browser.evaluate("document.querySelectorAll('input.name').length") > 0
                times.append(time.monotonic() - began)
        size = page.stat().st_size / 1e6
    print(f"load {os.getloadavg()[0]:.1f}; {number} series")
    print(f"pictures drawn     {drawn:8.1f} s")
    print(f"page               {size:8.1f} MB")
    print(f"page opened        {statistics.median(times):8.2f} s")


if __name__ == "__main__":
    main()
