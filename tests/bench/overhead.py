"""How much CPU time the workflow takes beyond the work of its stages.

    python tests/bench/overhead.py [--sessions 200] [--spacing 4] [--cores 2]

Makes so many small phantom sessions (voxels of `--spacing` mm), runs the workflow on them and
prints, for each rule, the CPU seconds of a job: its work, and what it took before and beside it:
start, imports at the head of its script, and modules that it imports while it works. Then the CPU
seconds of the whole run, Snakemake and all processes included, divided by the sum of the work.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
LATE = {
    "skullstrip": (
        "ecdysis.skullstrip.ants_recipe",
        "import nipype.interfaces.ants, scipy.ndimage",
    ),
    "segment": ("segment", "import scipy.ndimage"),
    "measure": ("measure", "import scipy.ndimage"),
    "figures": ("figures", "figures.load_plotting()"),
}
"""What a rule imports while it works: after which module of ours, and how."""
DRAWN = 5
"""So many phantoms are built; further sessions are hard links to them."""


def make_sessions(root: Path, sessions: int, spacing_mm: float) -> None:
    """Write a BIDS dataset of so many subjects with one session each."""
    settings = HeadSettings(spacing_mm=(spacing_mm,) * 3)
    built = write_bids(root, min(sessions, DRAWN), settings=settings)
    for number in range(len(built) + 1, sessions + 1):
        twin = built[number % len(built)]
        folder = root / f"sub-{number:02d}" / "anat"
        folder.mkdir(parents=True)
        for file in twin.parent.iterdir():
            os.link(file, folder / file.name.replace(twin.name[:6], f"sub-{number:02d}"))


def children_cpu() -> float:
    """CPU seconds of all child processes so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_of(*command: str | Path) -> float:
    """CPU seconds of a command and its children."""
    before = children_cpu()
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"}
    )
    if done.returncode:
        sys.exit(done.stdout[-4000:] + done.stderr[-4000:])
    return children_cpu() - before


def run(study: Path, cores: int) -> float:
    """Run the workflow on a dataset; return its CPU seconds."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    return cpu_of(*command, "--cores", str(cores), "--config", f"bids_dir={study}")


def late_import(ours: str, late: str) -> float:
    """CPU seconds of what is imported after that which one of ours imports at its head."""
    python = (sys.executable, "-W", "ignore", "-c")
    head = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import {ours}"
    return max(0.0, cpu_of(*python, f"{head}; {late}") - cpu_of(*python, head))


def jobs(output: Path) -> dict[str, list[tuple[float, float]]]:
    """Return (CPU s of its stages, CPU s before the first of them) of all jobs, by rule."""
    logs = defaultdict(list)
    for path in sorted((output / "logs").rglob("*.status.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        logs[record["log"]].append((record["cpu_seconds"], record["cpu_seconds_before"]))
    found = defaultdict(list)
    for log, stages in logs.items():
        before = min(before for _, before in stages)
        found[Path(log).stem].append((sum(work for work, _ in stages), before))
    return found


def table(output: Path) -> tuple[list[str], float]:
    """Return the rows of the table, and the CPU seconds of all work."""
    rows, work_of_all = [], 0.0
    for rule, each in jobs(output).items():
        late = late_import(*LATE[rule]) if rule in LATE else 0.0
        work = mean(cpu for cpu, _ in each) - late
        before = mean(before for _, before in each)
        work_of_all += work * len(each)
        part = f"{100 * (before + late) / work:.0f}" if work > 0 else "all"
        rows.append(f"| {rule} | {len(each)} | {work:.2f} | {before + late:.2f} | {part} |")
    return rows, work_of_all


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--spacing", type=float, default=4.0, metavar="MM")
    parser.add_argument("--cores", type=int, default=2)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        study = Path(scratch, "study")
        make_sessions(study, asked.sessions, asked.spacing)
        total = run(study, asked.cores)
        print(f"whole run {total:.0f} CPU s", flush=True)
        rows, work = table(study / "derivatives" / "ecdysis")
    print(f"{asked.sessions} sessions, voxels of {asked.spacing} mm; load {os.getloadavg()[0]:.1f}")
    print("| rule | jobs | work of a job, CPU s | start and imports, CPU s | in % of the work |")
    print("|---|---:|---:|---:|---:|")
    print("\n".join(rows))
    print(f"work of all stages {work:.0f} CPU s; whole run by work {total / work:.2f}")


if __name__ == "__main__":
    main()
