"""What a run costs in terms of its number of sessions: the graph of jobs, and the jobs.

    python tests/bench/scaling.py dag [--sessions 100 1000 10000]
    python tests/bench/scaling.py floor [--sessions 100 300]
    python tests/bench/scaling.py sessions [--sessions 5 10 20] [--spacing 4]

dag: makes BIDS datasets of so many subjects, tiny files, and prints CPU seconds and peak memory of
a dry run, of a run with nothing to do (the results are made up: empty files with the records that
Snakemake keeps), of the same by times alone and by a quarter, and of a single subject. The slope
between the smallest and the largest is the cost of a session.

floor: the same, with nothing to do, of a workflow of six rules without functions, scripts and
environments, whose jobs have one or four inputs and outputs each: what Snakemake itself costs.

sessions: runs the workflow on small phantoms and fits a line to CPU seconds by sessions; its
offset is what a run costs anyway. Prints the disk a session takes, too.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.discover import make_dataset
from tests.bench.overhead import children_cpu, make_sessions, run

SNAKEFILE = Path(__file__).parents[2] / "Snakefile"

FRAME = """
import sys
from snakemake.cli import main
{before}
try:
    main(sys.argv[1:])
except SystemExit as end:
    if end.code:
        raise
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(int(peak) / 1024)
"""
MAKE_UP = """
from snakemake.executors.touch import Executor
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
def run_job(self, job):
    info = SubmittedJobInfo(job=job)
    for file in job.output:
        file.touch_or_create()
    self.report_job_submission(info)
    self.report_job_success(info)
Executor.run_job = run_job
"""
SIX_RULES = """
PARTS = range(int(config["files"]))
rule all:
    input: [f"6/sub-{number}_{part}" for number in range(int(config["sessions"])) for part in PARTS]
for step in range(1, 7):
    rule:
        name: f"step{step}"
        input: [f"{step - 1}/{{subject}}_{part}" for part in PARTS]
        output: [f"{step}/{{subject}}_{part}" for part in PARTS]
        log: f"logs/{step}/{{subject}}"
        benchmark: f"benchmarks/{step}/{{subject}}"
        shell: "exit 1"
"""
DRY, MADE_UP, NOTHING = ["-n"], ["--cores", "8", "--touch"], ["--cores", "1"]
WAYS = (
    ("dry run", DRY),
    ("making up results", MADE_UP),
    ("nothing to do", NOTHING),
    ("nothing to do, --rerun-triggers mtime", [*NOTHING, "--rerun-triggers", "mtime"]),
    ("nothing to do, --batch group_page=1/4", [*NOTHING, "--batch", "group_page=1/4"]),
)


def snakemake(study: Path, arguments: Sequence[str], subject: str = "") -> tuple[float, float]:
    """Run the workflow on a study; return Snakemake's CPU seconds and peak memory in MB."""
    config = [f"bids_dir={study}", *([f"participant_label={subject}"] if subject else [])]
    return measured(["-s", str(SNAKEFILE), *arguments, "--config", *config])


def measured(arguments: Sequence[str]) -> tuple[float, float]:
    """Run Snakemake; return its CPU seconds and peak memory in MB."""
    code = FRAME.format(before=MAKE_UP if "--touch" in arguments else "")
    before = children_cpu()
    done = subprocess.run(
        [sys.executable, "-c", code, "-q", "all", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return children_cpu() - before, float(done.stdout.split()[-1])


def floor(sizes: Sequence[int], scratch: Path) -> None:
    """Print what nothing to do costs in a workflow of six rules that only name files."""
    for files in (1, 4):
        seconds = []
        for size in sizes:
            folder = scratch / f"{size}_{files}"
            (folder / "0").mkdir(parents=True)
            (folder / "Snakefile").write_text(SIX_RULES)
            for number in range(size * files):
                (folder / "0" / f"sub-{number // files}_{number % files}").touch()
            config = ["-d", str(folder), "--config", f"sessions={size}", f"files={files}"]
            command = ["-s", str(folder / "Snakefile"), *config]
            measured([*MADE_UP, *command])
            seconds.append(measured([*NOTHING, *command])[0])
        slope, offset = np.polyfit(sizes, seconds, 1) if len(sizes) > 1 else (0, seconds[0])
        print(f"{files} inputs and outputs: {offset:.1f} s and {1000 * slope:.1f} ms a session")


def graph(sizes: Sequence[int], scratch: Path) -> None:
    """Print the costs of the graph, and those of one session more."""
    print("| sessions | command | CPU, s | peak, MB |\n|---:|---|---:|---:|")
    costs: dict[str, list[tuple[float, float]]] = {}
    for size in sizes:
        study = make_dataset(scratch / str(size), size)
        ways = [(name, arguments, "") for name, arguments in WAYS]
        for name, arguments, subject in [*ways, ("dry run of one subject", DRY, "sub-00001")]:
            seconds, peak_mb = snakemake(study, arguments, subject)
            costs.setdefault(name, []).append((seconds, peak_mb))
            print(f"| {size} | {name} | {seconds:.1f} | {peak_mb:.0f} |", flush=True)
    if len(sizes) > 1:
        for name, found in costs.items():
            (few_s, few_mb), (many_s, many_mb) = found[0], found[-1]
            more = sizes[-1] - sizes[0]
            each_ms, each_kb = 1000 * (many_s - few_s) / more, 1024 * (many_mb - few_mb) / more
            print(f"{name}: {each_ms:.2f} ms and {each_kb:.0f} kB a session")


def jobs(sizes: Sequence[int], spacing_mm: float, scratch: Path) -> None:
    """Print the costs of runs, and the line through them."""
    print(
        "| sessions | CPU, s | results, MB | .snakemake, MB | files |\n|---:|---:|---:|---:|---:|"
    )
    seconds = []
    for size in sizes:
        study = scratch / str(size)
        make_sessions(study, size, spacing_mm)
        seconds.append(run(study, cores=2))
        output = study / "derivatives" / "ecdysis"
        results, files = disk(output)
        records, _ = disk(output / ".snakemake")
        print(
            f"| {size} | {seconds[-1]:.0f} | {results - records:.1f} | {records:.1f} | {files} |",
            flush=True,
        )
    if len(sizes) > 1:
        slope, offset = np.polyfit(sizes, seconds, 1)
        print(f"CPU s = {offset:.0f} + {slope:.1f} a session; load {os.getloadavg()[0]:.1f}")


def disk(folder: Path) -> tuple[float, int]:
    """Return the MB on the disk of all files below a folder, and their number."""
    sizes = [path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()]
    return sum(sizes) / 1e6, len(sizes)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("dag", "floor", "sessions"))
    parser.add_argument("--sessions", type=int, nargs="+")
    parser.add_argument("--spacing", type=float, default=4.0, metavar="MM")
    parser.add_argument("--scratch", type=Path, help="where the datasets are made; removed after")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
        if asked.what == "dag":
            graph(sorted(asked.sessions or (100, 1000, 10000)), Path(folder))
        elif asked.what == "floor":
            floor(sorted(asked.sessions or (100, 300)), Path(folder))
        else:
            jobs(sorted(asked.sessions or (5, 10, 20)), asked.spacing, Path(folder))


if __name__ == "__main__":
    main()
