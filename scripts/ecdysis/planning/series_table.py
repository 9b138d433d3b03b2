"""The table of all series, which a person reads and edits."""

import math
from pathlib import Path
from typing import Any

from ecdysis.planning.decision import Decision
from ecdysis.planning.series import Series
from ecdysis.private_files import write_private_table

COLUMNS = ("series", "session", "name", "keep", "why", "kind", "confidence")
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

KEYS = ("uid", "file")
"""SeriesInstanceUID, and a file in the middle of the series."""

Row = dict[str, Any]


def row(
    series: Series, session: str | None, name: str | None, why: str, decision: Decision | None
) -> Row:
    """Return the line of a series; `name` is None when it becomes no image."""
    known = vars(decision.facts) if decision else {}
    keep = bool(decision and decision.ruling and decision.ruling.keep)
    return {
        "series": series.id,
        "session": session,
        "name": name,
        "keep": "yes" if keep else None,
        "why": why,
        "kind": decision and decision.guess.suffix,
        "confidence": decision and decision.guess.confidence,
        **{column: series.header[keyword] for column, keyword in HEADER.items()},
        **{column: _plain(known.get(column)) for column in FACTS},
        "uid": series.uid,
        "file": series.instances[len(series.instances) // 2].path,
    }


def write_listing(path: Path, rows: list[Row]) -> bool:
    """Write the table, readable by its owner alone; say whether it changed.

    Series are in the order of sessions and of their numbers.
    """
    columns = (*COLUMNS, *HEADER, *FACTS, *KEYS)
    lines = [[line[name] for name in columns] for line in sorted(rows, key=_order)]
    return write_private_table(path, columns, lines)


def _order(line: Row) -> tuple[str, float, str]:
    number = line["number"]
    return (
        str(line["session"] or "~"),
        number if isinstance(number, int) else math.inf,
        line["series"],
    )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else value
