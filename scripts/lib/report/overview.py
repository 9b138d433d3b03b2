"""What the index page says of the whole study."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lib.report.figure_files import FigureFile
from lib.report.model import STATES, Exclusion, Image, Run, State, Subject
from lib.report.wording import quantity

PACKAGES = (
    "snakemake", "pybids", "pydicom", "dcm2niix", "nibabel", "nipype", "antspyx", "nilearn",
    "numpy", "scipy", "jinja2",
)  # fmt: skip
PROGRAM_KEYS = ("converter", "provider", "ants_version")
"""Keys by which the details of a stage name the programs it ran."""


@dataclass(frozen=True)
class Column:
    """A column of the table; `of` takes the value from an image, None when there is none.

    A column of numbers says with how many `digits` after the point.
    """

    label: str
    of: Callable[[Image], Any]
    digits: int | None = None

    @property
    def number(self) -> bool:
        """Whether the column holds numbers."""
        return self.digits is not None


def _total(key: str) -> Callable[[Image], float | None]:
    def total_of(image: Image) -> float | None:
        values = [getattr(stage, key) for stage in image.stages]
        total = sum(value for value in values if value is not None)
        return round(total, 1) or None

    return total_of


def _peak(image: Image) -> int | None:
    return round(max((stage.peak_memory_mb or 0 for stage in image.stages), default=0)) or None


def _orientation(image: Image) -> str | None:
    before, after = (image.facts.get(key) for key in ("OriginalOrientation", "Orientation"))
    return f"{before} → {after}" if before and after else None


def _shape(image: Image) -> str | None:
    shape = image.facts.get("CroppedShape")
    return " × ".join(map(str, shape)) if shape else None


def _warnings(image: Image) -> int:
    return len({word for stage in image.stages for word in stage.warnings})


FACTS = (
    Column("Orientation", _orientation),
    Column("Voxels", _shape),
    Column("Brain, mL", lambda image: image.facts.get("BrainVolume"), digits=0),
    Column("Warnings", _warnings, digits=0),
    Column("Time, s", _total("seconds"), digits=1),
    Column("CPU, s", _total("cpu_seconds"), digits=1),
    Column("Memory, MB", _peak, digits=0),
)
"""The columns after name and state. A new measure of an image needs a line here and no other."""
COLUMNS = (
    Column("Image", lambda image: image.name),
    Column("State", lambda image: image.state),
    *FACTS,
)


URGENT = ("failed", "interrupted", "excluded")


@dataclass(frozen=True)
class Cell:
    """One value as it is read, and as it is sorted."""

    text: str
    sort: str
    number: bool


@dataclass(frozen=True)
class Row:
    """One image in the table, or something that was excluded."""

    name: str
    subject: Subject
    state: State
    reason: str | None
    cells: tuple[Cell, ...]
    thumb: FigureFile | None = None

    @property
    def severity(self) -> int:
        """The place of its state in `STATES`."""
        return STATES.index(self.state)

    @property
    def rank(self) -> int:
        """0 for what needs a look and stays on top, else 1."""
        return 0 if self.state in URGENT else 1


@dataclass(frozen=True)
class Case:
    """Something a person should look at."""

    subject: Subject
    state: State
    what: str
    reason: str


def urgent_cases(run: Run) -> list[Case]:
    """Return failures, then interruptions, then exclusions, by subject."""
    cases = [
        Case(subject, stage.state, f"{stage.name} of {name}", stage.reason or "No reason recorded.")
        for subject in run.subjects
        for name, stage in subject.faults
    ]
    cases += [
        Case(subject, "excluded", _excluded_name(item) if item.image else "", item.reason)
        for subject in run.subjects
        for item in subject.exclusions
    ]
    return sorted(cases, key=lambda case: STATES.index(case.state))


def rows_of(run: Run, thumbs: Mapping[str, FigureFile | None]) -> list[Row]:
    """Return the rows of the table, what needs a look first."""
    rows = []
    for subject in run.subjects:
        for image in subject.images:
            # A stage of the whole subject or session that went wrong is shown at its images.
            stages = [*image.stages, *(stage for _, stage in subject.stages)]
            faults = [stage for stage in stages if stage.state in URGENT]
            state = min([image.state, *(stage.state for stage in faults)], key=STATES.index)
            reason = next((f"{one.name}: {one.reason}" for one in faults), None)
            cells = tuple(_cell(column, column.of(image)) for column in FACTS)
            rows.append(Row(image.name, subject, state, reason, cells, thumbs[image.name]))
        empty = tuple(_cell(column, None) for column in FACTS)
        rows += [
            Row(_excluded_name(item), subject, "excluded", item.reason, empty)
            for item in subject.exclusions
        ]
    return sorted(rows, key=lambda row: (row.rank, row.severity if row.rank == 0 else 0))


def programs_of(run: Run) -> dict[str, list[str]]:
    """Return the programs and versions that the stages named, each once."""
    found: dict[str, dict[str, None]] = {}
    for subject in run.subjects:
        for _, stage in subject.all_stages:
            for key in PROGRAM_KEYS:
                if word := (stage.details or {}).get(key):
                    found.setdefault(key, {})[str(word)] = None
    return {key: list(words) for key, words in found.items()}


def software() -> dict[str, str]:
    """Return the versions of the Python packages that are installed here."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _cell(column: Column, content: Any) -> Cell:
    sort = "" if content is None else str(content)
    return Cell(quantity(content, column.digits), sort, column.number)


def _excluded_name(item: Exclusion) -> str:
    return item.image.rpartition("/")[2] if item.image else f"sub-{item.subject}"
