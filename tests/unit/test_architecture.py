"""Every file that the page about the architecture names exists, and it names every rule file."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()


def test_the_files_that_the_page_names_exist():
    named = re.findall(r"`((?:rules|scripts|config|docs|report|profiles)/[\w./<>-]*)`", PAGE)
    missing = [name for name in named if "<" not in name and not (ROOT / name).exists()]
    assert len(named) > 30
    assert missing == []


def test_the_page_names_every_rule_file():
    files = {f"rules/{path.name}" for path in (ROOT / "rules").glob("*.smk")}
    assert files <= set(re.findall(r"rules/\w+\.smk", PAGE))


def test_the_picture_shows_every_step_of_an_image():
    picture = (ROOT / "docs/architecture.svg").read_text()
    for step in ("reorient", "crop", "deface", "segment", "measure", "figures", "group_page"):
        assert f">{step}<" in picture
        assert (ROOT / f"scripts/{step}.py").is_file()
