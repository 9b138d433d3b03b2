"""The parts of the index page about the whole study, except the table of images."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ecdysis.files import read_tsv
from ecdysis.ordering import grouped
from ecdysis.report.model import ProcessedImage, Run, State
from ecdysis.report.quality import Comparison
from ecdysis.report.status import Entry, Status, counted

PACKAGES = (
    "snakemake", "pybids", "pydicom", "dcm2niix", "nibabel", "nipype", "antspyx", "nilearn",
    "numpy", "scipy", "jinja2",
)  # fmt: skip
PROGRAM_KEYS = ("converter", "provider", "ants_version")
"""Keys by which the details of a stage name the programs it ran."""
BENCHMARKS = "benchmarks"
OPEN: tuple[State, ...] = ("running", "pending")


@dataclass(frozen=True)
class Ahead:
    """A stage that has not ended: how many images wait for it, and which ones it processes now."""

    stage: str
    waiting: int
    running: tuple[str, ...]


def cases(entries: Iterable[Entry], statuses: Sequence[Status]) -> list[Entry]:
    """Return the entries that have one of these statuses, the most urgent first."""
    return sorted(
        (entry for entry in entries if entry.status in statuses),
        key=lambda entry: entry.status.rank,
    )


def ahead(run: Run) -> list[Ahead]:
    """Count the images that wait for each stage, or that it processes now.

    A subject whose images are all finished may still wait for a stage of its own.
    """
    steps: dict[str, list[tuple[str, State]]] = {}
    for subject in (subject for subject in run.subjects if subject.progress in OPEN):
        waiting = [image for image in subject.images if image.progress in OPEN]
        for image in waiting:
            own = [stage for stage in image.stages if stage.state in OPEN]
            step = min(own, key=lambda stage: OPEN.index(stage.state), default=None)
            name = step.name if step else "results"
            steps.setdefault(name, []).append((image.name, image.progress))
        for unit, stage in subject.stages if not waiting else ():
            if stage.state in OPEN:
                steps.setdefault(stage.name, []).append((unit, stage.state))
    return [
        Ahead(
            step,
            sum(state == "pending" for _, state in found),
            tuple(name for name, state in found if state == "running"),
        )
        for step, found in steps.items()
    ]


def summary(run: Run, comparison: Comparison, entries: Sequence[Entry]) -> dict[str, str]:
    """Describe the dataset in a few lines."""
    images = [image for _, image in run.images]
    sessions = {(subject.label, image.session) for subject, image in run.images}
    volumes = [image.facts["BrainVolume"] for image in images if "BrainVolume" in image.facts]
    flagged = sum(bool(comparison.images[image.name].flags) for image in images)
    measured = sum(bool(comparison.images[image.name].values) for image in images)
    lines = {
        "Subjects": str(len(run.subjects)),
        "Sessions": str(len(sessions)) if any(session for _, session in sessions) else "",
        "Images": _counts(image.suffix for image in images),
        "Status": counted(entries),
        "Original orientation": _counts(_facts(images, "OriginalOrientation")),
        "Original voxel size": _range(
            [zoom for image in images for zoom in _zooms(image)], "mm", digits=2
        ),
        "Brain volume": _range(volumes, "mL", digits=0),
        "Quality": f"{measured} images measured, {flagged} flagged" if measured else "",
        "Skull stripping": _counts(_facts(images, "provider")),
    }
    return {key: words for key, words in lines.items() if words}


def programs_of(run: Run) -> dict[str, list[str]]:
    """Return the programs and versions that the stages named, each once."""
    found: dict[str, dict[str, None]] = {}
    for subject in run.subjects:
        for _, stage in subject.all_stages:
            for key in PROGRAM_KEYS:
                if word := (stage.details or {}).get(key):
                    found.setdefault(key, {})[str(word)] = None
    return {key: list(words) for key, words in found.items()}


def _facts(images: Iterable[ProcessedImage], key: str) -> list[Any]:
    return [image.facts[key] for image in images if key in image.facts]


def _zooms(image: ProcessedImage) -> list[float]:
    pixdim = image.facts.get("OriginalGeometry", {}).get("pixdim", [])
    return [abs(float(zoom)) for zoom in pixdim[1:4]]


def _counts(words: Iterable[Any]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(map(str, words)).most_common())


def _range(numbers: list[float], unit: str, *, digits: int) -> str:
    if not numbers:
        return ""
    low, middle, high = (
        f"{number:.{digits}f}" for number in (min(numbers), median(numbers), max(numbers))
    )
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}, median {middle}"


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
    return grouped(
        (stage.name, (stage.seconds, stage.cpu_seconds, stage.peak_memory_mb))
        for subject in run.subjects
        for _, stage in subject.all_stages
        if stage.seconds is not None
    )


def _benchmarks(folder: Path) -> Measured:
    return grouped(
        (path.stem, (seconds, _number(row.get("cpu_time")), _number(row.get("max_rss"))))
        for path in sorted(folder.rglob("*.tsv"))
        for row in read_tsv(path).rows
        if (seconds := _number(row.get("s"))) is not None
    )


def _number(text: str | None) -> Number:
    """Read one number; Snakemake writes NA or a dash for what it did not see."""
    try:
        return float(text or "")
    except ValueError:
        return None
