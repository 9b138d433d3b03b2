"""Show what would become of every series of a folder of scanner files, before anything runs.

Prints a table and writes the same, with all facts, as a ``plan.tsv`` that a person may edit and
that then decides. Names that a person gave in it before are kept.
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

SHOWN = {"session": "session", "number": "no.", "name": "name", "confidence": "sure", "why": "why"}
"""Columns of the table that are printed, and their headings; no text of a header is among them."""

WIDEST = 70
"""Letters in a line of the last column."""


def make_plan(settings: Mapping[str, Any], table: Path) -> Plan:
    """Plan, and bring the table, and the page beside it, up to date.

    Without a dataset nothing but the table is left behind: the index and the key that the
    planning needs lie in a temporary folder. The table then names series by their UID.

    Parameters
    ----------
    settings : mapping
        Of the run.
    table : Path
        What is written, with mode 600; the decisions in it are heeded.

    Raises
    ------
    InputError
        See `ecdysis.planning.plan.plan_conversion`; or the folder has no DICOM file.
    """
    given = {**settings, "plan": str(table) if table.exists() else None}
    with tempfile.TemporaryDirectory(prefix="ecdysis-") as folder:
        if not settings["bids_dir"]:
            given |= {
                "bids_dir": f"{folder}/none",
                "private_dir": folder,
                "key_file": f"{folder}/key",
            }
        made = plan_conversion(given)
        if not made.counts["dicom"]:
            raise InputError("dicom_dir", "no file below it is DICOM", _advice(made))
        private_dir, scans = Path(given["private_dir"]), Path(settings["dicom_dir"])
        listing, protocols = (
            (private_dir / name).read_text(encoding="utf-8") for name in (SERIES_TABLE, PROTOCOLS)
        )
        files = [scans / file for file in files_in_table(listing)]
        key = Key.load(Path(given["key_file"]))
        pictures = thumbnails(files, key, settings["deid"], private_dir)
    write_private(table, listing)
    write_plan_page(table.with_suffix(".html"), listing, made, protocols, pictures)
    return made


def _advice(made: Plan) -> str:
    skipped = "; ".join(f"{item.files} files: {item.reason}" for item in made.excluded)
    advice = "Name the folder of the scanner's files"
    return f"{advice}. Files in it: {skipped}" if skipped else advice


def summary(made: Plan, table: Path) -> str:
    """Return the plan in words and a table."""
    from tabulate import tabulate

    rows = read_tsv(table).rows
    lines = [
        tabulate(
            [[row.get(key, "-") for key in SHOWN] for row in rows],
            headers=list(SHOWN.values()),
            maxcolwidths=[None] * (len(SHOWN) - 1) + [WIDEST],
            disable_numparse=True,
        ),
        "",
        f"{made.counts['dicom']} DICOM files, {len(rows)} series, "
        f"{sum('name' in row for row in rows)} become images, "
        f"{sum('name' not in row for row in rows)} do not.",
    ]
    for item in made.excluded:
        files = f"{item.files} file{'s' * (item.files != 1)}"
        where = f"{item.session}, {files}" if item.session else files
        lines.append(f"Left out: {where}: {item.reason}")
    lines += [f"Note: {notice}" for notice in made.notices]
    lines += [
        f"Protocol: {item.session}, {item.name}: {item.parameter} {item.value}, "
        f"usually {item.usual}"
        for item in made.deviations
    ]
    return "\n".join(lines)


LABELS = "The labels of participants are examples; the key of the dataset decides them."


def next_step(table: Path, *, given: bool) -> str:
    """Return how the table is used; `given` when the run finds it by itself."""
    use = "It decides from now on" if given else f"Use it with: --config plan={table.name}"
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
