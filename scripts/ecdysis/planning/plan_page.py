"""The plan as one offline page, in which a person names series and saves ``plan.tsv``."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ecdysis.bids import schema
from ecdysis.planning.entries import Plan
from ecdysis.private_files import write_private

TEMPLATE = Path(__file__).parents[3] / "report" / "plan.html"


def files_of(table: str) -> list[str]:
    """Return a file of each series that ``series.tsv`` lists, relative to the DICOM folder."""
    columns, *rows = _cells(table)
    file = columns.index("file")
    return [row[file] for row in rows]


def write_plan_page(
    page: Path, table: str, plan: Plan, protocols: str, pictures: Sequence[str | None]
) -> None:
    """Write the page, readable by its owner alone.

    Parameters
    ----------
    page : Path
    table, protocols : str
        The texts of ``series.tsv`` and ``protocol.tsv``.
    plan : Plan
        Its notices and deviations are shown.
    pictures : sequence of str or None
        A data URI for each series of the table.
    """
    columns, *rows = _cells(table)
    data = {
        "columns": columns,
        "rows": rows,
        "rules": schema.rules(),
        "notices": plan.notices,
        "deviations": [asdict(item) for item in plan.deviations],
        "protocols": _cells(protocols),
        "pictures": pictures,
    }
    # No text of a header ends the script element.
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    write_private(page, TEMPLATE.read_text(encoding="utf-8").replace("__DATA__", text))


def _cells(table: str) -> list[list[str]]:
    return [line.split("\t") for line in table.splitlines()]
