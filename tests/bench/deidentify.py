"""Time de-identification against a plain copy and against other tools, in one run.

    python tests/bench/deidentify.py SERIES [--peers PYTHON] [--repeats 5]

SERIES is a folder of DICOM files. PYTHON is an interpreter that has ``dicom-anonymizer`` and
``dicognito``; without it only the copy and this workflow are timed. Every tool runs in a
process of its own, one thread, after one run that is not counted; start-up and imports are
not counted either. The table gives medians. CPU seconds include the kernel's and those of child
processes, and depend less on other work of the machine than wall seconds.
"""

import argparse
import json
import os
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
AUDITED = (
    ECDYSIS
    + """    audit(listing, Path(out), [], {{"options": {options!r}}})
from ecdysis.audit.session import audit
from nibabel.nicom import csareader
"""
)
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
began, used = time.perf_counter(), sum(os.times()[:4])
work(files, out)
print(json.dumps([time.perf_counter() - began, sum(os.times()[:4]) - used]))
"""
DEFAULTS = ["clean_descriptors", "retain_dates_modified", "retain_safe_private"]


def timed(python: str, body: str, source: Path) -> tuple[float, float]:
    """Return the wall seconds and the CPU seconds that one run of a tool takes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-W", "ignore", "-c", FRAME.replace("{body}", body), str(source)]
        done = subprocess.run(
            [*command, f"{folder}/out"], check=True, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        wall, cpu = json.loads(done.stdout.splitlines()[-1])
        return wall, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("series", type=Path)
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    basic = ECDYSIS.format(scripts=str(SCRIPTS), options=[])
    usual = ECDYSIS.format(scripts=str(SCRIPTS), options=DEFAULTS)
    audited = AUDITED.format(scripts=str(SCRIPTS), options=DEFAULTS)
    tools = [
        ("`cp -r`", sys.executable, COPY),
        ("Ecdysis, Basic Profile", sys.executable, basic),
        ("Ecdysis, the default options", sys.executable, usual),
        ("Ecdysis, the default options and the audit", sys.executable, audited),
    ]
    if given.peers:
        tools += [
            ("dicognito", given.peers, DICOGNITO),
            ("dicom-anonymizer", given.peers, ANONYMIZER),
        ]
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in tools}
    for number in range(given.repeats + 1):
        for name, python, body in tools:
            seconds = timed(python, body, given.series)
            if number:
                runs[name].append(seconds)
    files = [path for path in given.series.iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(files)} files, {size:.0f} MB; median of {given.repeats} runs, one thread\n")
    print("| tool | wall s | times `cp -r` | CPU s | files a CPU s |\n|---|---|---|---|---|")
    medians = {
        name: [statistics.median(part) for part in zip(*measured, strict=True)]
        for name, measured in runs.items()
    }
    copy = medians["`cp -r`"][0]
    for name, (wall, cpu) in medians.items():
        print(f"| {name} | {wall:.2f} | {wall / copy:.1f} | {cpu:.2f} | {len(files) / cpu:.0f} |")


if __name__ == "__main__":
    main()
