"""The page of the plan in a real browser: names are checked as the workflow checks them."""

from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
from ecdysis.bids import schema
from ecdysis.errors import InputError
from ecdysis.files import read_tsv
from ecdysis.key import Key
from ecdysis.planning.decision import PlanOptions
from ecdysis.planning.entries import Deviation, Plan
from ecdysis.planning.plan import COLUMNS, FACTS, HEADER, KEYS, Sources, plan
from ecdysis.planning.plan_page import thumbnails, write_plan_page
from ecdysis.planning.rulings import read_rulings
from ecdysis.private_files import private_folder
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLosslessSV1

from tests.browser import Browser, needs_browser
from tests.dicom_builder import EPI, MPRAGE, write_series

pytestmark = needs_browser

ALL = (*COLUMNS, *HEADER, *FACTS, *KEYS)
EVIL = "</script><script>document.title='broken'</script>"
NAMES = [
    *("T1w", "task-rest_bold", "acq-a_run-1_T1w", "dwi/sbref", "inv-1_MP2RAGE", "n/a"),
    *("T1W", "bold", "run-1_acq-a_T1w", "task-a b_bold", "run-x_T1w", "MP2RAGE", "fmap/T1w"),
]


EDIT = (
    "(at, text) => { const input = document.querySelectorAll('input.name')[at];"
    "input.value = text; input.dispatchEvent(new Event('input')); }"
)
KEY = Key(bytes(range(32)))
PROTOCOLS = "name\tsessions\nT1w\t3\n"


@pytest.fixture
def private(tmp_path: Path) -> Path:
    return private_folder(tmp_path / "private")


def table(rows: int, files: list[Path], root: Path) -> str:
    lines = ["\t".join(ALL)]
    for number in range(rows):
        values = {
            "series": f"ser-{number}", "session": f"sub-{number // 20:03d}",
            "name": f"run-{number}_T1w",
            "description": EVIL, "confidence": "high", "number": str(number), "why": "because",
            "uid": f"1.2.{number}", "file": str(files[0].relative_to(root)),
        }  # fmt: skip
        lines.append("\t".join(values.get(column, "n/a") for column in ALL))
    return "\n".join(lines) + "\n"


def valid(name: str) -> bool:
    try:
        schema.parse(name, "here")
    except InputError:
        return name == "n/a"
    return True


def test_the_user_names_series_and_saves_the_plan(tmp_path: Path, private: Path) -> None:
    files = write_series(tmp_path / "scans", header=MPRAGE)
    page = tmp_path / "plan.html"
    pictures = thumbnails(files[:1] * 20, KEY, {}, private)
    made = Plan(notices=[EVIL], deviations=[Deviation("sub-000", "T1w", "slices", EVIL, "12")])
    write_plan_page(page, table(20, files, tmp_path / "scans"), made, PROTOCOLS, pictures)
    assert page.stat().st_mode & 0o777 == 0o600
    with Browser() as browser:
        browser.open(page)
        assert browser.evaluate("document.title") == "Plan of the conversion"
        widths = "[...document.images].map((image) => image.naturalWidth)"
        assert browser.evaluate(widths) == [16] * 20
        assert "usually 12" in browser.evaluate("document.querySelector('th .warning').textContent")
        shown = [browser.evaluate(f"problem({name!r}) === ''") for name in NAMES]
        assert shown == [valid(name) for name in NAMES]
        wrong = "document.querySelectorAll('input.wrong').length"
        browser.evaluate(f"({EDIT})(0, 'T1W')")
        assert browser.evaluate(wrong) == 1
        browser.evaluate(f"({EDIT})(0, 'run-1_T1w')")
        assert browser.evaluate(wrong) == 2
        browser.evaluate(f"({EDIT})(0, 'acq-fine_T1w')")
        browser.evaluate(f"({EDIT})(2, '')")
        assert browser.evaluate(wrong) == 0
        browser.evaluate("document.querySelectorAll('input[type=checkbox]')[3].click()")
        saved = browser.saved_by("save", tmp_path)
        assert saved.name == "plan.tsv"
        rows = read_tsv(saved).rows
        assert not [
            url for url in browser.requests if not url.startswith(("file:", "data:", "blob:"))
        ]
        rulings = read_rulings(saved)
    assert [row.get("name") for row in rows[:3]] == ["acq-fine_T1w", "run-1_T1w", None]
    assert rulings["ser-0"].entities == "acq-fine"
    assert rulings["ser-2"].kind is None
    assert rulings["ser-3"].keep


def test_ten_thousand_series_open_quickly(tmp_path: Path, private: Path) -> None:
    files = write_series(tmp_path / "scans", header=MPRAGE)
    page = tmp_path / "plan.html"
    (picture,) = thumbnails(files[:1], KEY, {}, private)
    listing = table(10_000, files, tmp_path / "scans")
    write_plan_page(page, listing, Plan(), PROTOCOLS, [picture] * 10_000)
    with Browser() as browser:
        start = monotonic()
        browser.open(page)
        assert "10000 of 10000" in browser.evaluate("document.getElementById('state').textContent")
        # Alone it takes a second; CI machines are shared.
        assert monotonic() - start < 20
        rows = "document.querySelectorAll('input.name').length"
        assert browser.evaluate(rows) == 100
        browser.evaluate("document.getElementById('after').click()")
        assert browser.evaluate("document.querySelector('input.name').value") == "run-100_T1w"
        find = "document.getElementById('find')"
        browser.evaluate(f"{find}.value = 'run-9999_'; {find}.dispatchEvent(new Event('input'))")
        assert browser.evaluate(rows) == 1
        browser.evaluate(f"({EDIT})(0, 'T1W')")
        saved = read_tsv(browser.saved_by("save", tmp_path)).rows
    assert [row["name"] for row in saved[9998:]] == ["run-9998_T1w", "T1W"]
    assert len(saved) == 10_000


def test_pixels_with_burned_in_text_are_never_shown(tmp_path: Path, private: Path) -> None:
    (plain, *_) = write_series(tmp_path / "a", header=MPRAGE, slices=1)
    (burned, *_) = write_series(tmp_path / "b", header=MPRAGE, slices=1, BurnedInAnnotation="YES")
    (screen, *_) = write_series(
        tmp_path / "c", header={**MPRAGE, "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
        slices=1,
    )  # fmt: skip
    files = [plain, burned, screen, tmp_path / "away"]
    for deid in ({}, {"profile": "none"}, {"admit": ["burned-in annotation"]}):
        shown = [bool(picture) for picture in thumbnails(files, KEY, deid, private)]
        assert shown == [True, False, False, False]
    assert (private / "thumbnails.json").stat().st_mode & 0o777 == 0o600


def test_a_plan_saved_in_the_page_is_used(tmp_path: Path, private: Path) -> None:
    write_series(tmp_path / "scans" / "t1", series="t1", header=MPRAGE)
    write_series(tmp_path / "scans" / "rest", series="rest", header=EPI, volumes=12)
    sources = Sources(tmp_path / "scans", private, KEY)
    first = plan(sources, tmp_path / "bids", PlanOptions())
    listing = (private / "series.tsv").read_text()
    page = tmp_path / "plan.html"
    write_plan_page(page, listing, first, (private / "protocol.tsv").read_text(), [None, None])
    with Browser() as browser:
        browser.open(page)
        names = browser.evaluate("[...document.querySelectorAll('input.name')].map((i) => i.value)")
        at = names.index("task-unnamed_bold")
        browser.evaluate(f"({EDIT})({at}, 'task-rest_acq-fast_bold')")
        saved = browser.saved_by("save", tmp_path)
        second = plan(replace(sources, table=saved), tmp_path / "bids", PlanOptions())
    images = [series.image for series in second.mapped]
    assert sorted(images) == [
        "sub-01/anat/sub-01_T1w", "sub-01/func/sub-01_task-rest_acq-fast_bold",
    ]  # fmt: skip


def test_a_narrow_window_shows_the_whole_plan(tmp_path: Path, private: Path) -> None:
    files = write_series(tmp_path / "scans", header=MPRAGE)
    page = tmp_path / "plan.html"
    write_plan_page(page, table(3, files, tmp_path / "scans"), Plan(), PROTOCOLS, [None] * 3)
    with Browser() as browser:
        for width in (400, 1440, 2200):
            browser.page.set_viewport_size({"width": width, "height": 900})
            browser.open(page)
            assert browser.evaluate("document.documentElement.scrollWidth") == width


def test_compressed_pixels_without_a_decoder_have_no_picture(tmp_path: Path, private: Path) -> None:
    (file, *_) = write_series(tmp_path / "scans", header=MPRAGE, slices=1)
    dataset = dcmread(file)
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(file)
    assert thumbnails([file], KEY, {}, private) == [None]
