"""Time de-identification against a plain copy and against other tools, in one run.

    python tests/bench/deidentify.py SERIES [--peers PYTHON] [--repeats 5]

SERIES is a folder of DICOM files. PYTHON is an interpreter that has ``dicom-anonymizer`` and
``dicognito``; without it only the copy and this workflow are timed. Every tool runs in a
process of its own, one thread, after one run that is not counted; start-up and imports are
not counted either. The table gives the median and the best of the runs.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"

COPY = """
def work(files, out):
    subprocess.run(["cp", "-r", source, out], check=True)
"""
ECDYSIS = """
sys.path.insert(0, {scripts!r})
from pathlib import Path
from ecdysis.deid.session import deidentify
from ecdysis.key import Key
def work(files, out):
    listing = Path(out + ".json")
    content = {{"session": "sub-01", "subject": "01", "series": {{"ser-1": files}}}}
    listing.write_text(json.dumps(content))
    deidentify(listing, Path(out), Key(b"k" * 32), {{"options": {options!r}}})
"""
ANONYMIZER = """
from dicomanonymizer import anonymize_dicom_file
def work(files, out):
    os.mkdir(out)
    for number, file in enumerate(files):
        anonymize_dicom_file(file, f"{out}/{number}.dcm")
"""
DICOGNITO = """
import pydicom
from dicognito.anonymizer import Anonymizer
def work(files, out):
    os.mkdir(out)
    anonymizer = Anonymizer()
    for number, file in enumerate(files):
        with pydicom.dcmread(file) as dataset:
            anonymizer.anonymize(dataset)
            dataset.save_as(f"{out}/{number}.dcm")
"""
FRAME = """
import json, os, subprocess, sys, time
source, out = sys.argv[1:3]
files = sorted(os.path.join(source, name) for name in os.listdir(source))
{body}
began, used = time.perf_counter(), time.process_time()
work(files, out)
print(json.dumps([time.perf_counter() - began, time.process_time() - used]))
"""
DEFAULTS = ["clean_descriptors", "retain_dates_modified", "retain_safe_private"]


def timed(python: str, body: str, source: Path) -> float:
    """Return the wall seconds that one run of a tool takes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-W", "ignore", "-c", FRAME.replace("{body}", body), str(source)]
        done = subprocess.run(
            [*command, f"{folder}/out"], check=True, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        return float(json.loads(done.stdout.splitlines()[-1])[0])


def two_at_once(body: str, source: Path) -> float:
    """Return the wall seconds of two runs side by side, each of all files."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        return max(pool.map(lambda _: timed(sys.executable, body, source), range(2)))


def doubled(source: Path, folder: Path) -> Path:
    """Return a folder with every file twice, the second under another instance UID."""
    import pydicom

    for path in source.iterdir():
        shutil.copy(path, folder)
        ds = pydicom.dcmread(path)
        ds.SOPInstanceUID = pydicom.uid.generate_uid()
        ds.save_as(folder / f"{path.name}.2")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("series", type=Path)
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    basic = ECDYSIS.format(scripts=str(SCRIPTS), options=[])
    usual = ECDYSIS.format(scripts=str(SCRIPTS), options=DEFAULTS)
    tools = [
        ("`cp -r`", sys.executable, COPY),
        ("Ecdysis, Basic Profile", sys.executable, basic),
        ("Ecdysis, the workflow's options", sys.executable, usual),
    ]
    if given.peers:
        tools += [
            ("dicognito", given.peers, DICOGNITO),
            ("dicom-anonymizer", given.peers, ANONYMIZER),
        ]
    runs: dict[str, list[float]] = {name: [] for name, _, _ in tools}
    for number in range(given.repeats + 1):
        for name, python, body in tools:
            seconds = timed(python, body, given.series)
            if number:
                runs[name].append(seconds)
    files = [path for path in given.series.iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    copy = statistics.median(runs["`cp -r`"])
    print(f"{len(files)} files, {size:.0f} MB; median of {given.repeats} runs, one thread\n")
    print("| tool | median s | best s | times `cp -r` | files a second |")
    print("|---|---|---|---|---|")
    for name, seconds in runs.items():
        median = statistics.median(seconds)
        row = f"{median:.2f} | {min(seconds):.2f} | {median / copy:.1f} | {len(files) / median:.0f}"
        print(f"| {name} | {row} |")
    one = min(runs["Ecdysis, Basic Profile"])
    with tempfile.TemporaryDirectory() as folder:
        source = doubled(given.series, Path(folder))
        timed(sys.executable, basic, source)
        twice = min(timed(sys.executable, basic, source) for _ in range(3))
    both = min(two_at_once(basic, given.series) for _ in range(3))
    print(f"\nTwice the files: {twice / one:.2f} times the time.")
    print(f"Two sessions at once on two cores: {both / one:.2f} times the time of one.")


if __name__ == "__main__":
    main()
