"""Bring the report up to date with what is there, also after failures and during a run.

    python scripts/report.py OUTPUT_DIR

Writes the index and the page of every subject whose page is missing or says what is no longer
so, then says how many subjects are done and what needs a look.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lib.errors import InputError
from lib.report.model import Run
from lib.report.overview import urgent_cases
from lib.report.pages import outdated, write_index_page, write_subject_page
from lib.report.records import load_run

CASES = 10
"""So many cases are named on the console; the rest is in the index."""


def update(output_dir: str | Path) -> Run:
    """Write the pages that are missing or out of date; return what they say.

    Raises
    ------
    InputError
        There is no manifest in `output_dir`.
    """
    run = load_run(output_dir)
    for label in outdated(run):
        write_subject_page(run, label)
    write_index_page(run)
    return run


def summary(run: Run) -> str:
    """Say in a few lines what became of the study and where the report is."""
    counts = ", ".join(f"{count} {state}" for state, count in run.counts().items() if count)
    cases = urgent_cases(run)
    lines = [f"Subjects: {counts or 'none'}."]
    lines += [
        f"  {case.state}: {' '.join(filter(None, [case.subject.name, case.what]))}: {case.reason}"
        for case in cases[:CASES]
    ]
    if len(cases) > CASES:
        lines.append(f"  and {len(cases) - CASES} more")
    return "\n".join([*lines, f"Report: {run.output_dir / 'index.html'}"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description="Bring the report of a run up to date.")
    parser.add_argument("output_dir", type=Path, help="the output directory of the run")
    try:
        print(summary(update(parser.parse_args(arguments).output_dir)))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
