"""Time and memory of the whole line, stage by stage, on one DICOM series.

    python tests/bench/whole_line.py [SCANS]

SCANS is a folder of DICOM files; by default the 384 slices (0.67 mm) of the studyforrest T1w,
unpacked from ../shared/data. Prints one row a stage, wall and CPU seconds and peak memory as
Snakemake's benchmark files have them, then the whole run.
"""

import argparse
import csv
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERIES = ROOT.parent / "shared" / "data" / "studyforrest-t1-dicom.tar.xz"


def stages(output: Path) -> dict[str, tuple[float, float, float]]:
    """Return (wall s, CPU s, peak MB) of each rule, from the benchmark files below `output`."""
    found = {}
    for path in sorted((output / "benchmarks").rglob("*.tsv"), key=lambda p: p.stat().st_mtime):
        row = next(csv.DictReader(path.open(), delimiter="\t"))
        numbers = [
            float(row[key]) if row[key] != "NA" else 0.0 for key in ("s", "cpu_time", "max_rss")
        ]
        found[path.stem] = (numbers[0], numbers[1], numbers[2])
    return found


def run(scans: Path, study: Path) -> tuple[float, float]:
    """Run the line; return its wall and CPU seconds."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--cores",
        "2",
    ]
    config = ["--config", f"dicom_dir={scans}", f"bids_dir={study}"]
    began = time.monotonic()
    done = subprocess.run([*command, *config], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, used.ru_utime + used.ru_stime


def main() -> None:
    """Run on the given or the default series, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="?", type=Path, help="folder of scanner DICOM")
    scans = parser.parse_args().scans
    with tempfile.TemporaryDirectory() as scratch:
        if scans is None:
            scans = Path(scratch, "scans")
            with tarfile.open(SERIES) as archive:
                archive.extractall(scans, filter="data")
        study = Path(scratch, "study")
        wall, cpu = run(scans, study)
        rows = stages(study / "derivatives" / "ecdysis")
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")
        print(f"{'stage':<14}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}")
        for stage, (seconds, cpu_seconds, memory) in rows.items():
            print(f"{stage:<14}{seconds:>9.1f}{cpu_seconds:>9.1f}{memory:>9.0f}")
        print(
            f"{'whole run':<14}{wall:>9.1f}{cpu:>9.1f}{max(row[2] for row in rows.values()):>9.0f}"
        )


if __name__ == "__main__":
    main()
