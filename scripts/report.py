"""Bring the report up to date with the results, also after failures and during a run.

    python scripts/report.py OUTPUT_DIR

During a run `snakemake report` does the same. Writes the table of quality measures, the group page
and the page of every subject that is missing or out of date, then prints how many images have which
status, the reasons, and what is still to do.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ecdysis.errors import InputError
from ecdysis.files import needing_room
from ecdysis.report.overview import ahead, cases
from ecdysis.report.pages import Pages
from ecdysis.report.records import load_run
from ecdysis.report.status import HAS_PROBLEMS, PROBLEMS, Status, counted, has_problems

CASES = 10
"""Maximum number of images printed with their reasons."""
NAMED = (*PROBLEMS, Status.REVIEW, Status.EXCLUDED, Status.NOT_APPLICABLE)


def update(output_dir: str | Path, *, ended: bool = False) -> Pages:
    """Write the pages that are missing or out of date; return the pages.

    With `ended` no job runs any more, even if records or Snakemake's locks say so.

    Raises
    ------
    InputError
        There is no manifest in `output_dir`.
    """
    pages = Pages(load_run(output_dir, ended=ended))
    pages.write()
    return pages


def summary(pages: Pages) -> str:
    """Summarise the status of all images for the console."""
    listed = cases(pages.entries, NAMED)
    lines = [f"Images: {counted(pages.entries) or 'none'}."]
    for entry in listed[:CASES]:
        reasons = "; ".join(entry.verdict.reasons)
        lines.append(f"  {entry.status}: {entry.name}{f': {reasons}' if reasons else ''}")
    if len(listed) > CASES:
        lines.append(f"  and {len(listed) - CASES} more")
    if pages.statmaps:
        lines.append(f"Statistical maps: {counted(pages.statmaps)}.")
    lines += [
        f"  {item.status}: {item.title}: {'; '.join(item.reasons)}"
        for item in pages.statmaps
        if item.status in NAMED
    ][:CASES]
    for step in ahead(pages.run):
        running = f"running: {', '.join(step.running[:3])}" if step.running else ""
        waiting = f"{step.waiting} waiting" if step.waiting else ""
        lines.append(f"  to do: {step.stage}: {', '.join(filter(None, [running, waiting]))}")
    return "\n".join([*lines, f"Report: {pages.run.output_dir / 'index.html'}"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description="Bring the report of a run up to date.")
    parser.add_argument("output_dir", type=Path, help="the output directory of the run")
    parser.add_argument("--ended", action="store_true", help="no job runs any more")
    given = parser.parse_args(arguments)
    try:
        with needing_room("report"):
            pages = update(given.output_dir, ended=given.ended)
        print(summary(pages))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return HAS_PROBLEMS if given.ended and has_problems([*pages.entries, *pages.statmaps]) else 0


if __name__ == "__main__":
    sys.exit(main())
