"""The page of the plan in a real browser: names are checked as the workflow checks them."""

from pathlib import Path
from time import monotonic

from ecdysis.bids import schema
from ecdysis.errors import InputError
from ecdysis.files import read_tsv
from ecdysis.planning.plan_page import write_plan_page
from ecdysis.planning.rulings import read_rulings
from ecdysis.planning.series_table import COLUMNS, FACTS, HEADER, KEYS

from tests.browser import Browser, needs_browser
from tests.dicom_builder import MPRAGE, write_series

pytestmark = needs_browser

ALL = (*COLUMNS, *HEADER, *FACTS, *KEYS)
EVIL = "</script><script>document.title='broken'</script>"
NAMES = [
    *("T1w", "task-rest_bold", "acq-a_run-1_T1w", "dwi/sbref", "inv-1_MP2RAGE", "n/a"),
    *("T1W", "bold", "run-1_acq-a_T1w", "task-a b_bold", "run-x_T1w", "MP2RAGE", "fmap/T1w"),
]


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


def test_a_person_names_series_and_saves_the_plan(tmp_path: Path) -> None:
    files = write_series(tmp_path / "scans", header=MPRAGE)
    page = tmp_path / "plan.html"
    write_plan_page(page, table(20, files, tmp_path / "scans"), [EVIL], tmp_path / "scans")
    assert page.stat().st_mode & 0o777 == 0o600
    with Browser() as browser:
        browser.open(page)
        assert browser.evaluate("document.title") == "Plan of the conversion"
        assert browser.evaluate("document.querySelectorAll('img').length") == 20
        shown = [browser.evaluate(f"problem({name!r}) === ''") for name in NAMES]
        assert shown == [valid(name) for name in NAMES]
        edit = "(at, text) => { const input = document.querySelectorAll('input.name')[at];"
        edit += "input.value = text; input.dispatchEvent(new Event('input')); }"
        wrong = "document.querySelectorAll('input.wrong').length"
        browser.evaluate(f"({edit})(0, 'T1W')")
        assert browser.evaluate(wrong) == 1
        browser.evaluate(f"({edit})(0, 'run-1_T1w')")
        assert browser.evaluate(wrong) == 2
        browser.evaluate(f"({edit})(0, 'acq-fine_T1w')")
        browser.evaluate(f"({edit})(2, '')")
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


def test_ten_thousand_series_open_soon(tmp_path: Path) -> None:
    files = write_series(tmp_path / "scans", header=MPRAGE)
    page = tmp_path / "plan.html"
    write_plan_page(page, table(10_000, files, tmp_path / "scans"), [], tmp_path / "scans")
    with Browser() as browser:
        start = monotonic()
        browser.open(page)
        assert browser.evaluate("document.querySelectorAll('tbody tr').length") == 10_000
        # Alone it takes a second or two; CI machines are shared.
        assert monotonic() - start < 20
