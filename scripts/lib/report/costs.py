"""What each stage took: from Snakemake's benchmark files, else from the status records."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from lib.report.model import Run

BENCHMARKS = "benchmarks"


@dataclass(frozen=True)
class Cost:
    """Wall seconds and peak memory (MB) of a stage over all its jobs."""

    stage: str
    jobs: int
    median_s: float
    max_s: float
    total_s: float
    median_mb: float | None
    max_mb: float | None


Measured = dict[str, list[tuple[float, float | None]]]


def costs_of(run: Run) -> list[Cost]:
    """Return a line a stage, what took longest in all first."""
    recorded = _recorded(run)
    measured = recorded | _benchmarks(run.output_dir / BENCHMARKS)
    lines = [_cost(stage, jobs) for stage, jobs in measured.items()]
    return sorted(lines, key=lambda cost: -cost.total_s)


def _cost(stage: str, jobs: list[tuple[float, float | None]]) -> Cost:
    seconds = [one for one, _ in jobs]
    memory = [one for _, one in jobs if one is not None]
    return Cost(
        stage,
        len(jobs),
        median(seconds),
        max(seconds),
        sum(seconds),
        median(memory) if memory else None,
        max(memory, default=None),
    )


def _recorded(run: Run) -> Measured:
    found: Measured = {}
    for subject in run.subjects:
        for _, stage in subject.all_stages:
            if stage.seconds is not None:
                found.setdefault(stage.name, []).append((stage.seconds, stage.peak_memory_mb))
    return found


def _benchmarks(folder: Path) -> Measured:
    found: Measured = {}
    for path in sorted(folder.rglob("*.tsv")):
        for row in _rows(path):
            if (seconds := _number(row.get("s"))) is not None:
                found.setdefault(path.stem, []).append((seconds, _number(row.get("max_rss"))))
    return found


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream, delimiter="\t")


def _number(text: str | None) -> float | None:
    """Read one number; Snakemake writes NA or a dash for what it did not see."""
    try:
        return float(text or "")
    except ValueError:
        return None
