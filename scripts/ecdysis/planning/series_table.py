"""The table of all series that a person reads and edits."""

import math
from pathlib import Path
from typing import Any

from ecdysis.planning.decide import Decision
from ecdysis.planning.series import Series
from ecdysis.private_files import write_private_table

COLUMNS = ("series", "session", "name", "why", "kind", "confidence")
HEADER = {
    "number": "SeriesNumber",
    "description": "SeriesDescription",
    "protocol": "ProtocolName",
}
"""Column -> the attribute that it shows in full."""
FACTS = (
    *("files", "slices", "volumes", "image_type", "sequence", "dimension", "echo_times"),
    *("repetition_time", "inversion_time", "flip_angle", "b_values", "direction", "pixel_mm"),
    *("slice_mm", "vendor"),
)
"""Columns with facts of the series; times in ms."""

Row = dict[str, Any]


def row(
    series: Series, session: str | None, name: str | None, why: str, decision: Decision | None
) -> Row:
    """Return the line of a series; `name` is None when it becomes no image."""
    told = decision.told if decision else {}
    return {
        "series": series.id,
        "session": session,
        "name": name,
        "why": why,
        "kind": decision and decision.guess.suffix,
        "confidence": decision and decision.guess.confidence,
        **{column: series.header[keyword] for column, keyword in HEADER.items()},
        **{column: _plain(told.get(column)) for column in FACTS},
        "uid": series.uid,
    }


def write_listing(path: Path, rows: list[Row]) -> bool:
    """Write the table, readable by its owner alone; say whether it changed.

    Series stand in the order of sessions and of their numbers.
    """
    columns = (*COLUMNS, *HEADER, *FACTS, "uid")
    lines = [[one[name] for name in columns] for one in sorted(rows, key=_order)]
    return write_private_table(path, columns, lines)


def _order(one: Row) -> tuple[str, float, str]:
    number = one["number"]
    return (
        str(one["session"] or "~"),
        number if isinstance(number, int) else math.inf,
        one["series"],
    )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else value
