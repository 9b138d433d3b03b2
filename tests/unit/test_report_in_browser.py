"""The pages in a real browser, from ``file://``: what a rater does, and what pages must not do.

Needs chromium. axe-core's script, which judges accessibility, comes with `axe_playwright_python`.
"""

import csv
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ecdysis.ratings import read_ratings
from ecdysis.report import pages

import report
from tests.browser import Browser, needs_browser
from tests.unit.made_output import MadeOutput

pytestmark = needs_browser
AXE = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js")
EVIL = "<script>alert(1)</script>"
ASKED = "localStorage.setItem('ecdysis-rater-asked', 'true')"
NOTE = f'{EVIL} "rings", =1+1 – Größe'
SHOWN = "[...document.querySelectorAll('#table tbody tr')].filter((row) => !row.hidden)"
FIRST_COLUMN = f"{SHOWN}.map((row) => row.cells[1].querySelector('a').textContent)"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leave a report on 14 subjects: one failed, one excluded, one pending, one standing out."""
    made = MadeOutput(tmp_path_factory.mktemp("report") / "with a space & more")
    for number in range(1, 12):
        name = made.image(f"{number:02d}")
        made.finish(name)
        measures = {"cjv": 0.4 + number / 100, "cnr": 0.25 if number == 5 else 3 + number / 50}
        details = {"measures": measures, "not_computable": {"qi_1": EVIL}}
        made.record(name, "measure", details=details)
    made.record(made.image("12"), "crop", "failed", reason=f"</script>{EVIL}", log=EVIL)
    made.exclude(EVIL, EVIL, EVIL)
    made.image("14")
    made.manifest["bids_dir"] = f"/data/{EVIL}/study"
    made.save()
    report.update(made.root)
    return made.root


@pytest.fixture(scope="module")
def shared() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(shared: Browser) -> Iterator[Browser]:
    """Give one browser to all tests, with nothing kept from the one before."""
    yield shared
    shared.evaluate("localStorage.clear()")


def _quiet(browser: Browser, page: Path) -> None:
    """Assert that a page asked for nothing but itself and that nothing is wrong with it."""
    requests = [one for one in browser.requests if not one.startswith(("data:", "blob:"))]
    beside = page.parent.as_uri()
    assert all(one.startswith(beside) for one in requests), requests
    assert {one.rpartition(".")[2] for one in requests} <= {"html", "jpg"}
    assert browser.complaints == []


def test_pages_load_nothing_and_run_nothing_that_came_with_data(
    browser: Browser, root: Path
) -> None:
    for page in sorted(root.glob("*.html")):
        browser.open(page)
        _quiet(browser, page)
    browser.open(root / "index.html")
    assert EVIL in browser.evaluate("document.body.innerText")
    assert browser.evaluate("document.scripts.length") == 2


def test_an_injected_script_or_image_is_blocked(browser: Browser, root: Path) -> None:
    browser.open(root / "index.html")
    browser.evaluate(
        "{ const one = document.createElement('script'); one.textContent = 'window.hit = 1';"
        " document.body.append(one); new Image().src = 'http://127.0.0.1:9/x.png' }"
    )
    assert browser.evaluate("window.hit ?? 0") == 0
    assert len(browser.complaints) >= 2
    assert browser.blocked == ["csp"]


def test_the_table_sorts_filters_and_saves(browser: Browser, root: Path, tmp_path: Path) -> None:
    browser.open(root / "index.html")
    names = browser.evaluate(FIRST_COLUMN)
    assert names[0] == "sub-12_T1w"
    browser.evaluate("document.querySelector('[data-key=cnr] button').focus()")
    browser.press("Enter")
    assert browser.evaluate("document.querySelector('[data-key=cnr]').ariaSort") == "ascending"
    assert browser.evaluate(FIRST_COLUMN)[2:4] == ["sub-05_T1w", "sub-01_T1w"]
    browser.press("Enter")
    assert browser.evaluate(FIRST_COLUMN)[2:4] == ["sub-11_T1w", "sub-10_T1w"]
    browser.press("Enter")
    browser.evaluate("document.getElementById('filter').focus()")
    browser.type("cjv>=0.45 cjv<0.48")
    assert browser.evaluate("document.getElementById('shown').textContent") == "3 of 14 images"
    saved = browser.saved_by("save-table", tmp_path)
    assert saved.name == "study_images.tsv"
    rows = list(csv.DictReader(saved.open(encoding="utf-8"), delimiter="\t"))
    assert [row["image"] for row in rows] == ["sub-05_T1w", "sub-06_T1w", "sub-07_T1w"]
    assert rows[0]["flags"] == "cnr"
    assert float(rows[0]["cnr"]) == 0.25


def test_conditions_that_cannot_be_used_are_named_and_ignored(browser: Browser, root: Path) -> None:
    browser.open(root / "index.html")
    problem = "document.getElementById('filter-problem').textContent"
    browser.evaluate("document.getElementById('filter').focus()")
    browser.type("cjvv>1 cnr>many cjv>=0.45 cjv<0.48")
    words = browser.evaluate(problem)
    assert "cjvv>1 is ignored: no column has the key cjvv; similar: cjv" in words
    assert "cnr>many is ignored: write it as cnr<2" in words
    assert browser.evaluate("document.getElementById('shown').textContent") == "3 of 14 images"
    browser.evaluate("document.getElementById('filter').value = ''")
    browser.type("cnr>1")
    assert browser.evaluate(problem) == ""


@pytest.mark.parametrize("width", [400, 1000, 2200])
@pytest.mark.parametrize("page", ["index.html", "sub-01.html", "sub-12.html"])
def test_nothing_is_wider_than_the_window(
    browser: Browser, root: Path, page: str, width: int
) -> None:
    browser.page.set_viewport_size({"width": width, "height": 900})
    browser.open(root / page)
    browser.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    wide = browser.evaluate("document.documentElement.scrollWidth")
    browser.page.set_viewport_size({"width": 1300, "height": 1000})
    assert wide <= width


@pytest.mark.parametrize("page", ["index.html", "sub-01.html", "sub-12.html"])
def test_a_page_fits_on_paper(browser: Browser, root: Path, page: str) -> None:
    browser.page.set_viewport_size({"width": 720, "height": 1000})
    browser.open(root / page)
    browser.page.emulate_media(media="print")
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    wide = browser.evaluate("document.documentElement.scrollWidth")
    hidden = browser.page.locator("header nav").first.is_hidden()
    browser.page.emulate_media(media="screen")
    browser.page.set_viewport_size({"width": 1300, "height": 1000})
    assert wide <= 720
    assert hidden


def test_columns_can_be_chosen_and_are_remembered(browser: Browser, root: Path) -> None:
    browser.open(root / "index.html")
    box = (
        "[...document.querySelectorAll('#chooser label')].find((one) => one.textContent === ' {}')"
    )
    for label in ("CNR", "Memory, MB"):
        browser.evaluate(f"{box.format(label)}.click()")
    browser.open(root / "index.html")
    heads = browser.evaluate(
        "[...document.querySelectorAll('#table th[data-key]')].map((one) => one.dataset.key)"
    )
    assert "memory" in heads
    assert "cnr" not in heads
    browser.page.wait_for_selector(".strip")
    strips = browser.evaluate(
        "[...document.querySelectorAll('.strip b')].map((one) => one.textContent)"
    )
    assert strips == ["CJV"]


def test_a_dot_names_its_image_and_leads_to_its_subject(browser: Browser, root: Path) -> None:
    browser.open(root / "index.html")
    browser.page.wait_for_selector(".strip")
    browser.evaluate("document.querySelectorAll('.strip canvas')[1].focus()")
    browser.press("Home")
    words = browser.evaluate("document.querySelectorAll('.strip .of')[1].textContent")
    assert words.startswith("sub-05_T1w: 0.25")
    assert browser.evaluate("document.querySelector('tr.lit th a').textContent") == "sub-05_T1w"
    browser.follow("Enter")
    assert browser.evaluate("location.pathname").endswith("/sub-05.html")


def test_the_contact_sheet_follows_the_filter(browser: Browser, root: Path) -> None:
    browser.open(root / "index.html")
    tiles = "document.querySelectorAll('.sheet li').length"
    browser.evaluate("document.getElementById('sheet').open = true")
    browser.evaluate("new Promise((done) => setTimeout(done, 100))")
    assert browser.evaluate(tiles) == 11
    browser.evaluate("document.getElementById('filter').focus()")
    browser.type("sub-0")
    assert browser.evaluate(tiles) == 9


def test_tiles_of_the_contact_sheet_are_rated_by_keys(browser: Browser, root: Path) -> None:
    browser.open(root / "index.html")
    browser.evaluate("document.getElementById('sheet').open = true")
    browser.page.wait_for_selector(".sheet li")
    browser.evaluate("document.querySelector('.sheet a').focus()")
    for key in ("1", "ArrowRight", "2"):
        browser.press(key)
    ratings = (
        "[...document.querySelectorAll('.sheet .rating')].slice(0, 3).map((x) => x.textContent)"
    )
    assert browser.evaluate(ratings) == ["accept", "exclude", ""]


def test_what_a_rater_says_is_what_the_pipeline_reads(
    browser: Browser, root: Path, tmp_path: Path
) -> None:
    browser.open(root / "sub-01.html")
    browser.evaluate(
        "{ const one = document.getElementById('rater'); one.value = 'Ann';"
        " one.dispatchEvent(new Event('change')) }"
    )
    browser.press("1")
    browser.follow("u")
    assert browser.evaluate("location.href").endswith("/sub-02.html")
    browser.press("2")
    browser.evaluate("document.querySelector('[name=tag][value=motion]').click()")
    browser.press("n")
    browser.type(NOTE)
    browser.press("Enter")
    browser.follow("ArrowRight")
    browser.press("3")
    browser.press("0")
    browser.press("3")
    message = browser.evaluate("document.getElementById('rate-message').textContent")
    assert message == "3 of 14 rated: 1 accept, 1 unsure, 1 exclude."
    browser.open(root / "index.html")
    assert "unrated" not in browser.evaluate("document.getElementById('next-unrated').href")
    files = [browser.saved_by(f"save-ratings-{kind}", tmp_path) for kind in ("tsv", "json")]
    by_kind = [read_ratings([file]) for file in files]
    assert by_kind[0] == by_kind[1]
    assert [(one.image, one.rating, one.tags, one.note, one.rater) for one in by_kind[0]] == [
        ("sub-01_T1w", "accept", (), "", "Ann"),
        ("sub-02_T1w", "exclude", ("motion",), NOTE, "Ann"),
        ("sub-03_T1w", "unsure", (), "", "Ann"),
    ]
    # Another browser reads the file, and a second rater disagrees.
    browser.evaluate("localStorage.clear()")
    other = tmp_path / "bob.tsv"
    other.write_text("image\trating\trater\nsub-02_T1w\taccept\tBob\nsub-99_T1w\taccept\tBob\n")
    browser.open(root / "index.html")
    browser.page.set_input_files("#read-ratings", [files[1], other])
    browser.evaluate("new Promise((done) => setTimeout(done, 300))")
    assert "1 skipped (images of another study)" in browser.evaluate(
        "document.getElementById('read-message').textContent"
    )
    assert "Bob: accept" in browser.evaluate("document.getElementById('disagreements').textContent")
    cells = (
        f"{SHOWN}.map((row) =>"
        " row.cells[1].querySelector('a').textContent + ' ' + row.cells[3].textContent)"
    )
    assert "sub-02_T1w exclude (disagreed)" in browser.evaluate(cells)
    browser.evaluate(
        "{ const one = document.getElementById('rated'); one.value = 'disagreed';"
        " one.dispatchEvent(new Event('change')) }"
    )
    assert browser.evaluate(FIRST_COLUMN) == ["sub-02_T1w"]


def test_a_page_that_knows_only_its_neighbours_leads_on_through_the_index(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "NEAR", 2)
    made = MadeOutput(tmp_path / "report")
    for number in range(1, 6):
        made.finish(made.image(f"{number:02d}"))
    report.update(made.root)
    for label in ("03", "02", "01"):
        browser.open(made.root / f"sub-{label}.html")
        browser.evaluate(ASKED)
        assert browser.evaluate("ecdysis.ratings.images.length") == 3
        browser.press("1")
    browser.follow("u")
    assert browser.evaluate("location.pathname").endswith("/index.html")
    following = browser.evaluate("document.getElementById('next-unrated').href")
    assert following.endswith("/sub-04.html")
    browser.open(made.root / "sub-04.html")
    message = browser.evaluate("document.getElementById('rate-message').textContent")
    assert message.startswith("3 of 5 rated")


def test_the_bar_rates_the_image_in_view(browser: Browser, tmp_path: Path) -> None:
    made = MadeOutput(tmp_path / "report")
    for session in "12":
        made.finish(made.image("01", session))
    report.update(made.root)
    browser.open(made.root / "sub-01.html")
    browser.evaluate(ASKED)
    active = "document.querySelector('section.active').dataset.image"
    assert browser.evaluate(active) == "sub-01_ses-1_T1w"
    browser.evaluate("document.querySelectorAll('[data-image]')[1].scrollIntoView()")
    browser.evaluate("new Promise((go) => setTimeout(go, 300))")
    assert browser.evaluate(active) == "sub-01_ses-2_T1w"
    assert browser.evaluate("document.getElementById('rate-image').value") == "sub-01_ses-2_T1w"
    browser.press("2")
    rated = "['1', '2'].map((one) => ecdysis.ratings.of(`sub-01_ses-${one}_T1w`).length)"
    assert browser.evaluate(rated) == [0, 1]


def test_layers_are_compared_in_place(browser: Browser, root: Path) -> None:
    browser.open(root / "sub-01.html")
    browser.evaluate(ASKED)
    figure = "document.getElementById('image-1-brain')"
    visible = f"{figure}.querySelector('img.on').dataset.title"
    browser.evaluate(f"{figure}.scrollIntoView()")
    assert browser.evaluate(visible) == "mask"
    browser.page.hover("#image-1-brain .switch button:nth-child(2)")
    assert browser.evaluate(visible) == "plain"
    browser.page.mouse.move(1, 1)
    assert browser.evaluate(visible) == "mask"
    browser.press("c")
    assert browser.evaluate(visible) == "plain"
    browser.page.keyboard.down("x")
    assert browser.evaluate(visible) == "mask"
    browser.page.keyboard.up("x")
    assert browser.evaluate(visible) == "plain"
    sizes = f"[...{figure}.querySelectorAll('img')].map((image) => image.getBoundingClientRect().x)"
    assert len(set(browser.evaluate(sizes))) == 1


def test_ratings_travel_with_links_where_storage_is_kept_for_each_file(
    browser: Browser, root: Path
) -> None:
    browser.open(root / "sub-01.html")
    browser.evaluate(ASKED)
    browser.press("1")
    browser.evaluate("addEventListener('click', () => localStorage.clear())")
    browser.follow("ArrowRight")
    message = browser.evaluate("document.getElementById('rate-message').textContent")
    assert message.startswith("1 of 14 rated: 1 accept")
    assert browser.evaluate("location.hash") == ""


def test_single_keys_can_be_switched_off_and_leave_fields_alone(
    browser: Browser, root: Path
) -> None:
    browser.open(root / "sub-01.html")
    message = "document.getElementById('rate-message').textContent"
    browser.press("n")
    browser.press("2")
    browser.press("Escape")
    assert browser.evaluate(message).startswith("0 of 14")
    browser.evaluate("document.getElementById('keys').click()")
    browser.press("2")
    assert browser.evaluate(message).startswith("0 of 14")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", ["index.html", "sub-05.html", "sub-12.html"])
def test_no_serious_fault_of_accessibility(
    browser: Browser, root: Path, page: str, theme: str
) -> None:
    browser.page.emulate_media(color_scheme=theme)
    browser.open(root / page)
    browser.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    browser.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = json.loads(
        browser.evaluate("axe.run().then((found) => JSON.stringify(found.violations))")
    )
    serious = [
        (one["id"], [node["html"][:200] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
