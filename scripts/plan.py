"""Show what every series of a DICOM folder would become, before any job runs.

It prints a table and writes ``plan.tsv`` with all facts. The user can edit this file to override
the plan. Names in an existing ``plan.tsv`` are kept.
"""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import read_tsv
from ecdysis.key import Key
from ecdysis.planning.entries import Plan
from ecdysis.planning.plan import PROTOCOLS, SERIES_TABLE, plan_conversion
from ecdysis.planning.plan_page import files_in_table, thumbnails, write_plan_page
from ecdysis.private_files import write_private

SHOWN = {
    "session": "session",
    "number": "no.",
    "name": "name",
    "confidence": "confidence",
    "why": "why",
}
"""Printed columns -> headings; no column has texts of headers."""

LAST_COLUMN_WIDTH = 70
"""Number of characters in a line of the last column."""


def make_plan(settings: Mapping[str, Any], table: Path) -> Plan:
    """Make the plan, and write the table and the page.

    The table gets mode 600; the decisions in an existing one are used. Without a dataset, only the
    table and the page are written: the index and the key are in a temporary folder, and the table
    identifies series by their UID.

    Raises
    ------
    InputError
        See `ecdysis.planning.plan.plan_conversion`; or the folder has no DICOM file.
    """
    options = {**settings, "plan": str(table) if table.exists() else None}
    with tempfile.TemporaryDirectory(prefix="ecdysis-") as folder:
        if not settings["bids_dir"]:
            options |= {
                "bids_dir": f"{folder}/none",
                "private_dir": folder,
                "key_file": f"{folder}/key",
            }
        plan = plan_conversion(options)
        if not plan.counts["dicom"]:
            raise InputError("dicom_dir", "it has no DICOM file", _advice(plan))
        private_dir, scans = Path(options["private_dir"]), Path(settings["dicom_dir"])
        listing, protocols = (
            (private_dir / name).read_text(encoding="utf-8") for name in (SERIES_TABLE, PROTOCOLS)
        )
        files = [scans / file for file in files_in_table(listing)]
        key = Key.load(Path(options["key_file"]))
        pictures = thumbnails(files, key, settings["deid"], private_dir)
    write_private(table, listing)
    write_plan_page(table.with_suffix(".html"), listing, plan, protocols, pictures)
    return plan


def _advice(plan: Plan) -> str:
    skipped = "; ".join(f"{item.files} files: {item.reason}" for item in plan.excluded)
    advice = "Name the folder of the scanner's files"
    return f"{advice}. Files in it: {skipped}" if skipped else advice


def summary(plan: Plan, table: Path) -> str:
    """Return the plan as text with a table."""
    from tabulate import tabulate

    rows = read_tsv(table).rows
    lines = [
        tabulate(
            [[row.get(key, "-") for key in SHOWN] for row in rows],
            headers=list(SHOWN.values()),
            maxcolwidths=[None] * (len(SHOWN) - 1) + [LAST_COLUMN_WIDTH],
            disable_numparse=True,
        ),
        "",
        f"{plan.counts['dicom']} DICOM files, {len(rows)} series, "
        f"{sum('name' in row for row in rows)} become images, "
        f"{sum('name' not in row for row in rows)} do not.",
    ]
    for item in plan.excluded:
        files = f"{item.files} file{'s' * (item.files != 1)}"
        where = f"{item.session}, {files}" if item.session else files
        lines.append(f"Left out: {where}: {item.reason}")
    lines += [f"Note: {notice}" for notice in plan.notices]
    lines += [
        f"Protocol: {item.session}, {item.name}: {item.parameter} {item.value}, "
        f"usually {item.usual}"
        for item in plan.deviations
    ]
    return "\n".join(lines)


LABELS = "The labels of participants are examples; the key of the dataset decides them."


def next_step(table: Path, *, given: bool) -> str:
    """Return how to use the table; with `given`, a run finds it without a setting."""
    use = "Runs use it from now on" if given else f"Use it with: --config plan={table.name}"
    return (
        f"{table} has all facts. Edit the column name (n/a leaves a series out; delete a line to "
        f"restore automatic naming), or open {table.with_suffix('.html')} in a browser. {use}."
    )


if "snakemake" in globals():
    job = globals()["snakemake"]
    path = Path(job.params.table)
    try:
        plan_made = make_plan(job.params.settings, path)
    except InputError as error:
        sys.exit(f"Nothing was planned. {error}")
    print(summary(plan_made, path))
    if not job.params.settings["bids_dir"]:
        print(LABELS)
    print(next_step(path, given=job.params.found), flush=True)
