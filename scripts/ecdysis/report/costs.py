"""What each rule and each stage took: from Snakemake's benchmark files, else from the records."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ecdysis.files import read_tsv
from ecdysis.report.model import Run

BENCHMARKS = "benchmarks"


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds and peak memory (MB) of a rule, or of a stage, over all its jobs."""

    stage: str
    jobs: int
    median_s: float
    max_s: float
    total_s: float
    median_cpu_s: float | None
    total_cpu_s: float | None
    median_mb: float | None
    max_mb: float | None


Number = float | None
Measured = dict[str, list[tuple[float, Number, Number]]]
"""Wall seconds, CPU seconds and MB of each job."""


def costs_of(run: Run) -> list[Cost]:
    """Return a line a rule or stage, what took longest in all first."""
    measured = _recorded(run) | _benchmarks(run.output_dir / BENCHMARKS)
    lines = [_cost(stage, jobs) for stage, jobs in measured.items()]
    return sorted(lines, key=lambda cost: -cost.total_s)


def _cost(stage: str, jobs: list[tuple[float, Number, Number]]) -> Cost:
    seconds = [wall for wall, _, _ in jobs]
    cpu = [used for _, used, _ in jobs if used is not None]
    memory = [peak for _, _, peak in jobs if peak is not None]
    return Cost(
        stage,
        len(jobs),
        median(seconds),
        max(seconds),
        sum(seconds),
        median(cpu) if cpu else None,
        sum(cpu) if cpu else None,
        median(memory) if memory else None,
        max(memory, default=None),
    )


def _recorded(run: Run) -> Measured:
    measured: Measured = {}
    for subject in run.subjects:
        for _, stage in subject.all_stages:
            if stage.seconds is not None:
                took = (stage.seconds, stage.cpu_seconds, stage.peak_memory_mb)
                measured.setdefault(stage.name, []).append(took)
    return measured


def _benchmarks(folder: Path) -> Measured:
    found: Measured = {}
    for path in sorted(folder.rglob("*.tsv")):
        for row in read_tsv(path).rows:
            if (seconds := _number(row.get("s"))) is not None:
                took = (seconds, _number(row.get("cpu_time")), _number(row.get("max_rss")))
                found.setdefault(path.stem, []).append(took)
    return found


def _number(text: str | None) -> Number:
    """Read one number; Snakemake writes NA or a dash for what it did not see."""
    try:
        return float(text or "")
    except ValueError:
        return None
