"""The table of hostile cases in docs/reliability.md, from the cases themselves.

PYTHONPATH=scripts:. python -m tests.hostile.table
"""

import re
from pathlib import Path

from tests.hostile import dicom_cases, nifti_cases, path_cases
from tests.hostile.case import Case

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- cases: made by tests/hostile/table.py -->\n", "<!-- end of cases -->\n"
GROUPS = (
    ("Images", nifti_cases.CASES),
    ("Names, links and files beside images", path_cases.CASES),
    ("DICOM files", dicom_cases.CASES),
)
OUTCOMES = {"processed": "processed", "excluded": "left out", "failed": "its own job fails"}


def table() -> str:
    """Return the number of cases, and the tables of all groups."""
    parts = [f"{sum(len(cases) for _, cases in GROUPS)} hostile inputs.\n"]
    for title, cases in GROUPS:
        rows = "".join(map(_row, cases))
        parts.append(f"### {title} ({len(cases)})\n\n| case | outcome | words of the reason |\n"
                     f"|---|---|---|\n{rows}")  # fmt: skip
    return "\n".join(parts) + "\n"


def page_with(tables: str, page: str) -> str:
    """Return the page with these tables in their place."""
    place = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return place.sub(lambda _: f"{BEGIN}\n{tables}\n{END}", page)


def _row(case: Case) -> str:
    return f"| {case.name} | {OUTCOMES[case.outcome]} | {case.says} |\n"


if __name__ == "__main__":
    PAGE.write_text(page_with(table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
