"""The table of images: its columns, its rows, and the same as data for the page's script."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecdysis.quality.dictionary import Measure
from ecdysis.quality.open_norms import norms_of
from ecdysis.ratings import Rating
from ecdysis.report.figure_files import FigureFile
from ecdysis.report.model import ProcessedImage, Run
from ecdysis.report.quality import Comparison
from ecdysis.report.status import PROBLEMS, Entry
from ecdysis.report.wording import page_of

SHOWN = ("brain", "warnings", "cjv", "cnr", "snr_total", "efc", "qi_1", "fwhm_avg")
"""Columns shown by default."""


@dataclass(frozen=True)
class Column:
    """A column of the table; `of` returns the value of an image, or None.

    `digits` is the number of decimals of a column of numbers.
    """

    key: str
    label: str
    title: str
    of: Callable[[ProcessedImage], Any]
    digits: int | None = None
    better: str | None = None
    measure: bool = False

    @property
    def number(self) -> bool:
        """Whether the column holds numbers."""
        return self.digits is not None

    @property
    def shown(self) -> bool:
        """Whether it is shown by default."""
        return self.key in SHOWN


@dataclass(frozen=True)
class Row:
    """One row of the table; `values` are by the key of the column."""

    entry: Entry
    ratings: tuple[Rating, ...]
    values: Mapping[str, Any]
    thumb: FigureFile | None = None

    @property
    def rank(self) -> int:
        """0 for a failed or unreadable image, which stays on top, else 1."""
        return 0 if self.entry.status in PROBLEMS else 1

    @property
    def flagged(self) -> list[str]:
        """The keys of the flagged measures."""
        return [flag.key for flag in self.entry.flags]


def _total(key: str) -> Callable[[ProcessedImage], float | None]:
    def total_of(image: ProcessedImage) -> float | None:
        values = [getattr(stage, key) for stage in image.stages]
        total = sum(value for value in values if value is not None)
        return round(total, 1) or None

    return total_of


def _peak(image: ProcessedImage) -> int | None:
    return round(max((stage.peak_memory_mb or 0 for stage in image.stages), default=0)) or None


def _orientation(image: ProcessedImage) -> str | None:
    before, after = (image.facts.get(key) for key in ("OriginalOrientation", "Orientation"))
    return f"{before} → {after}" if before and after else None


def _shape(image: ProcessedImage) -> str | None:
    shape = image.facts.get("CroppedShape")
    return " × ".join(map(str, shape)) if shape else None


def _warnings(image: ProcessedImage) -> int:
    return len({word for stage in image.stages for word in stage.warnings})


def _volume(image: ProcessedImage) -> float | None:
    return image.facts.get("BrainVolume")


FACTS = (
    Column("orientation", "Orientation", "Before and after reorientation", _orientation),
    Column("voxels", "Voxels", "After cropping", _shape),
    Column("brain", "Brain, mL", "Volume of the brain mask", _volume, 0),
    Column("warnings", "Warnings", "Warnings raised by the stages", _warnings, 0),
    Column("time", "Time, s", "Sum over all stages", _total("seconds"), 1),
    Column("cpu", "CPU, s", "Sum over all stages", _total("cpu_seconds"), 1),
    Column("memory", "Memory, MB", "Highest peak of a stage", _peak, 0),
)
"""Facts of an image other than its quality measures. A new fact needs one line here."""


def columns_of(comparison: Comparison) -> list[Column]:
    """Return all columns that a reader can choose: facts, then measures."""
    return [*FACTS, *(_measure_column(measure, comparison) for measure in comparison.measures)]


def _measure_column(measure: Measure, comparison: Comparison) -> Column:
    def value_of(image: ProcessedImage) -> float | None:
        return comparison.images[image.name].values.get(measure.key)

    unit = measure.shown_units
    label = f"{measure.label}, {unit}" if unit else measure.label
    fields = (measure.key, label, measure.description, value_of, measure.digits, measure.better)
    return Column(*fields, measure=True)


def rows_of(
    run: Run,
    entries: Sequence[Entry],
    columns: list[Column],
    thumbs: Mapping[str, FigureFile | None],
) -> list[Row]:
    """Return the rows of the table, the most urgent status first."""
    rows = []
    for entry in sorted(entries, key=lambda entry: entry.status.rank):
        image = entry.item if isinstance(entry.item, ProcessedImage) else None
        values = {column.key: column.of(image) if image else None for column in columns}
        rows.append(Row(entry, run.ratings.get(entry.name, ()), values, thumbs.get(entry.name)))
    return rows


def table_data(columns: list[Column], rows: list[Row]) -> dict[str, Any]:
    """Return columns and rows for the script; the rows in the order of the page.

    Flagged measures are shown, too, beside those that are shown by default.
    """
    flagged = {key for row in rows for key in row.flagged}
    same = ("key", "label", "title", "digits", "better", "measure")
    return {
        "columns": [
            {key: getattr(column, key) for key in same}
            | {
                "norms": {suffix: norm.middle for suffix, norm in norms_of(column.key).items()},
                "shown": column.shown or column.key in flagged,
            }
            for column in columns
        ],
        "rows": [
            {
                "name": row.entry.name,
                "page": page_of(row.entry.subject),
                "suffix": row.entry.name.rpartition("_")[2] if row.entry.is_image else None,
                "image": row.entry.is_image,
                "flagged": row.flagged,
                "values": [row.values[column.key] for column in columns],
            }
            for row in rows
        ],
    }
