"""The table of images: its columns, its rows, and the same as data for the page's script."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from ecdysis.quality.dictionary import Measure
from ecdysis.ratings import Rating
from ecdysis.report.figure_files import FigureFile
from ecdysis.report.model import STATES, Exclusion, Image, Run, State, Subject
from ecdysis.report.quality import Comparison, ImageQuality, units
from ecdysis.report.wording import page_of, quantity

URGENT = ("failed", "interrupted", "excluded")
SHOWN = ("brain", "warnings", "cjv", "cnr", "snr_total", "efc", "qi_1", "fwhm_avg")
"""Columns that are shown until a reader chooses others."""
NOTHING = ImageQuality({}, {}, ())


@dataclass(frozen=True)
class Column:
    """A column of the table; `of` takes the value from an image, None when there is none.

    A column of numbers says with how many `digits` after the point.
    """

    key: str
    label: str
    title: str
    of: Callable[[Image], Any]
    digits: int | None = None
    better: str | None = None
    measure: bool = False

    @property
    def number(self) -> bool:
        """Whether the column holds numbers."""
        return self.digits is not None

    @property
    def shown(self) -> bool:
        """Whether it is shown until a reader chooses."""
        return self.key in SHOWN


@dataclass(frozen=True)
class Cell:
    """One value as it is read, and as it is sorted."""

    text: str
    sort: str
    number: bool
    out: bool = False
    """Whether it stands out."""


@dataclass(frozen=True)
class Row:
    """One image in the table, or something that was excluded."""

    name: str
    image: bool
    subject: Subject
    state: State
    reason: str | None
    flags: tuple[str, ...]
    flagged: tuple[str, ...]
    ratings: tuple[Rating, ...]
    cells: tuple[Cell, ...]
    values: tuple[Any, ...]
    thumb: FigureFile | None = None

    @property
    def severity(self) -> int:
        """The place of its state in `STATES`."""
        return STATES.index(self.state)

    @property
    def rank(self) -> int:
        """0 for what needs a look and stays on top, else 1."""
        return 0 if self.state in URGENT else 1


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
    Column("orientation", "Orientation", "As it came and as it is now", _orientation),
    Column("voxels", "Voxels", "After cropping", _shape),
    Column(
        "brain",
        "Brain, mL",
        "Volume of the brain mask",
        lambda one: one.facts.get("BrainVolume"),
        0,
    ),
    Column("warnings", "Warnings", "What stages found odd", _warnings, 0),
    Column("time", "Time, s", "Of all stages together", _total("seconds"), 1),
    Column("cpu", "CPU, s", "Of all stages together", _total("cpu_seconds"), 1),
    Column("memory", "Memory, MB", "The most that a stage took", _peak, 0),
)
"""What is told of an image besides its measures. A new fact needs a line here and no other."""


def columns_of(comparison: Comparison) -> list[Column]:
    """Return all columns that a reader may choose: facts, then the measures that there are."""
    return [*FACTS, *(_measure_column(measure, comparison) for measure in comparison.measures)]


def _measure_column(measure: Measure, comparison: Comparison) -> Column:
    def value_of(image: Image) -> float | None:
        return comparison.images[image.name].values.get(measure.key)

    unit = units(measure)
    return Column(
        measure.key,
        f"{measure.label}, {unit}" if unit else measure.label,
        measure.description,
        value_of,
        measure.digits,
        measure.better,
        measure=True,
    )


def rows_of(
    run: Run,
    columns: list[Column],
    comparison: Comparison,
    thumbs: Mapping[str, FigureFile | None],
) -> list[Row]:
    """Return the rows of the table: what needs a look first, then what is flagged."""
    rows = []
    for subject in run.subjects:
        rows += [_row(run, subject, image, columns, comparison, thumbs) for image in subject.images]
        rows += [_excluded(run, subject, item, columns, thumbs) for item in subject.exclusions]
    return sorted(
        rows, key=lambda row: (row.rank, row.severity if row.rank == 0 else not row.flags)
    )


def _row(
    run: Run,
    subject: Subject,
    image: Image,
    columns: list[Column],
    comparison: Comparison,
    thumbs: Mapping[str, FigureFile | None],
) -> Row:
    # A stage of the whole subject or session that went wrong is shown at its images.
    stages = [*image.stages, *(stage for _, stage in subject.stages)]
    faults = [stage for stage in stages if stage.state in URGENT]
    values = tuple(column.of(image) for column in columns)
    found = comparison.images[image.name].flags
    return Row(
        name=image.name,
        image=True,
        subject=subject,
        state=min([image.state, *(stage.state for stage in faults)], key=STATES.index),
        reason=next((f"{one.name}: {one.reason}" for one in faults), None),
        flags=tuple(flag.sentence() for flag in found),
        flagged=tuple(flag.key for flag in found),
        ratings=run.ratings.get(image.name, ()),
        cells=_cells(columns, values, {flag.key for flag in found}),
        values=values,
        thumb=thumbs.get(image.name),
    )


def _excluded(
    run: Run,
    subject: Subject,
    item: Exclusion,
    columns: list[Column],
    thumbs: Mapping[str, FigureFile | None],
) -> Row:
    values = (None,) * len(columns)
    return Row(
        name=item.name,
        image=item.image is not None,
        subject=subject,
        state="excluded",
        reason=item.reason,
        flags=(),
        flagged=(),
        ratings=run.ratings.get(item.name, ()),
        cells=_cells(columns, values),
        values=values,
        thumb=thumbs.get(item.name),
    )


def _cells(
    columns: list[Column], values: tuple[Any, ...], out: Container[str] = ()
) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            quantity(value, column.digits),
            "" if value is None else str(value),
            column.number,
            column.key in out,
        )
        for column, value in zip(columns, values, strict=True)
        if column.shown
    )


def table_data(columns: list[Column], rows: list[Row]) -> dict[str, Any]:
    """Return columns and rows for the script; the rows in the order of the page."""
    return {
        "columns": [
            {
                "key": one.key,
                "label": one.label,
                "title": one.title,
                "digits": one.digits,
                "better": one.better,
                "measure": one.measure,
                "shown": one.shown,
            }
            for one in columns
        ],
        "rows": [
            {
                "name": row.name,
                "page": page_of(row.subject),
                "image": row.image,
                "flagged": row.flagged,
                "values": row.values,
            }
            for row in rows
        ],
    }
