"""The page of situations names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_situation_names_a_test() -> None:
    page = (ROOT / "docs/situations.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "`test_" in line]
    assert len(rows) > 25
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    defined = set(re.findall(r"def (test_\w+)\(", code))
    assert {name for row in rows for name in re.findall(r"`(test_\w+)`", row)} <= defined
