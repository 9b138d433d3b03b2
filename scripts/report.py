"""Bring the report up to date with what is there, also after failures and during a run.

    python scripts/report.py OUTPUT_DIR

During a run `snakemake report` does the same. Writes the table of quality measures, the index and
the page of every subject whose page is missing or says what is no longer so, then says how many
subjects are done, what needs a look and what is still to come.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ecdysis.errors import InputError
from ecdysis.files import needing_room
from ecdysis.report.model import Run
from ecdysis.report.overview import ahead, urgent_cases
from ecdysis.report.pages import Pages
from ecdysis.report.quality_table import write_table
from ecdysis.report.records import load_run

CASES = 10
"""So many cases are named on the console; the rest is in the index."""


def update(output_dir: str | Path, *, ended: bool = False) -> Run:
    """Write the pages that are missing or out of date; return what they say.

    With `ended` no job runs any more, whatever the records and Snakemake's locks say.

    Raises
    ------
    InputError
        There is no manifest in `output_dir`.
    """
    run = load_run(output_dir, ended=ended)
    pages = Pages(run)
    for label in pages.outdated():
        pages.write_subject(label)
    # The rule `index_page` writes these from the pages, so they must be the newest.
    if run.images:
        write_table(run)
    pages.write_index()
    return run


def summary(run: Run) -> str:
    """Say in a few lines what became of the study and where the report is."""
    counts = ", ".join(f"{count} {state}" for state, count in run.counts().items() if count)
    cases = urgent_cases(run)
    lines = [f"Subjects: {counts or 'none'}."]
    lines += [
        f"  {case.state}: {' '.join(filter(None, [case.subject.name, case.what]))}:"
        f" {'; '.join(case.reasons)}"
        for case in cases[:CASES]
    ]
    if len(cases) > CASES:
        lines.append(f"  and {len(cases) - CASES} more")
    for step in ahead(run):
        running = f"at work on {', '.join(step.running[:3])}" if step.running else ""
        waiting = f"{step.waiting} waiting" if step.waiting else ""
        lines.append(f"  to come: {step.stage}: {', '.join(filter(None, [running, waiting]))}")
    return "\n".join([*lines, f"Report: {run.output_dir / 'index.html'}"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description="Bring the report of a run up to date.")
    parser.add_argument("output_dir", type=Path, help="the output directory of the run")
    parser.add_argument("--ended", action="store_true", help="no job runs any more")
    given = parser.parse_args(arguments)
    try:
        with needing_room("report"):
            print(summary(update(given.output_dir, ended=given.ended)))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
