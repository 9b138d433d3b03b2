"""The pages of docs/ as a site: it builds without warnings, fetches nothing, and has every page."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)="?https?://[^"> ]+""")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("material", reason="envs/docs.txt is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder]
    done = subprocess.run(
        [*command, "--config-file", ROOT / "mkdocs.yml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return folder


def test_the_site_fetches_nothing(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    assert [found for page in pages for found in FETCHED.findall(page.read_text())] == []


def test_every_page_is_in_the_navigation(site):
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2]
    named = set(re.findall(r"[\w-]+\.md", navigation))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} <= named


def test_pages_made_from_the_code_hold_it(site):
    for page, words in {
        "measures": ("cnr", "Esteban"),
        "rules": ("skullstrip_ants", "group_page"),
        "command-line": ("--participant-label", "ecdysis deidentify"),
        "index": ("git clone", "envs/requirements.txt"),
    }.items():
        text = (site / f"{page}.html").read_text()
        for word in words:
            assert word in text


def test_every_cell_about_ecdysis_has_its_evidence():
    text = (ROOT / "docs/comparison.md").read_text()
    table = text.partition("## Who does what")[2].partition("\n## ")[0]
    cells = [row.split(" | ")[1].strip() for row in table.splitlines() if row.startswith("| ")][2:]
    assert len(cells) > 12
    for cell in cells:
        assert cell == "no" or cell.startswith("[yes](")
    made = {"measures.md"}
    for target in set(re.findall(r"\]\((?!https)([^)#]+)[^)]*\)", text)) - made:
        assert (ROOT / "docs" / target).is_file(), target


def test_the_settings_of_the_site_fetch_no_font():
    text = (ROOT / "mkdocs.yml").read_text()
    assert yaml.safe_load(text.replace("!ENV", ""))["theme"]["font"] is False
