"""The pages: what they say, that data cannot become markup, and that they load nothing."""

import base64
import fcntl
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from lib.files import write_json
from lib.places import HIDDEN, VALIDATION
from lib.report import figure_files, wording
from lib.report.costs import costs_of
from lib.report.pages import FIGURE_BYTES, Pages
from lib.report.quality import DOTS, EDGE, WIDTH, Comparison
from lib.report.records import load_run
from lib.run_lock import RUN

import report
from tests.unit.made_output import MadeOutput

EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """The elements of a page and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def _measured(**measures: float) -> dict[str, object]:
    return {"measures": measures, "not_computable": {"qi_1": f"there is no air {EVIL}"}}


@pytest.fixture
def made(tmp_path: Path) -> MadeOutput:
    return MadeOutput(tmp_path)


@pytest.fixture
def updated(made: MadeOutput) -> Callable[..., Page]:
    def update(name: str = "index.html") -> Page:
        report.update(made.root)
        return Page(made.root / name)

    return update


def test_failures_and_exclusions_stand_first_with_their_reasons(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    made.finish(made.image("01"))
    made.record(made.image("02"), "crop", "failed", reason="no voxel is left")
    made.exclude("03", "sub-03/anat/sub-03_T1w", "it is cut short")
    page = updated()
    text = page.text
    assert text.index("no voxel is left") < text.index("it is cut short") < text.index("sub-01_T1w")
    rows = [attributes for attributes in page.all("tr") if "data-state" in attributes]
    assert [row["data-state"] for row in rows] == ["failed", "excluded", "done"]
    assert [row["data-rank"] for row in rows] == ["0", "0", "1"]


def test_every_sortable_cell_says_how_it_is_sorted(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    made.finish(made.image("01"))
    made.image("02")
    page = updated()
    columns = sum("aria-sort" in attributes for attributes in page.all("th"))
    sortable = [one for tag, one in page.elements if tag in ("td", "th") and "data-sort" in one]
    assert len(sortable) == 2 * columns
    assert "1432.4" in [one["data-sort"] for one in sortable]


def test_a_subject_page_tells_all(made: MadeOutput, updated: Callable[..., Page]) -> None:
    for label in ("01", "02", "03"):
        made.finish(made.image(label))
    page = updated("sub-02.html")
    assert [one["href"] for one in page.all("a") if one.get("rel") in ("prev", "next")] == [
        "sub-01.html", "sub-03.html",
    ]  # fmt: skip
    images = page.all("img")
    assert [one["alt"] for one in images] == [
        f"{kind} of sub-02_T1w" for kind in ("input", "crop", "brain")
    ]
    assert "The brain of sub-02_T1w" in page.text
    assert "embedded" in page.text
    assert "PIR" in page.text


def test_the_end_of_the_log_of_a_failure_is_shown(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    made.record(made.image("01"), "crop", "failed", reason="no", log=f"line\nlast {EVIL}")
    page = updated("sub-01.html")
    assert f"last {EVIL}" in page.text
    assert "logs/sub-01/anat/sub-01_T1w/crop.log" in page.text
    assert str(made.root) not in page.source


def test_a_private_log_is_neither_shown_nor_named(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    made.image("01", source="dicom")
    made.session("sub-01")
    made.record("sub-01", "deidentify", "failed", reason="its text is in the private log")
    assert "Its log is kept in the private directory." in updated("sub-01.html").text


def test_nothing_from_data_becomes_markup(made: MadeOutput, updated: Callable[..., Page]) -> None:
    name = made.image("01")
    made.finish(name)
    made.record(name, "crop", details={EVIL: {EVIL: [EVIL]}, "Warnings": [EVIL], "converter": EVIL})
    made.record("sub-01", "figures", "failed", reason=EVIL, details={}, log=EVIL)
    made.figure("sub-01", "sub-01_desc-brain_T1w.png", EVIL)
    made.exclude(EVIL, EVIL, EVIL)
    unmapped = {"session": EVIL, "series": EVIL, "description": f'">{EVIL}', "reason": EVIL}
    none: dict[str, Any] = {"sessions": [], "excluded": [], "notices": []}
    made.manifest["plan"] = {**none, "unmapped": [unmapped]}
    made.manifest["bids_dir"] = f"/data/{EVIL}x"
    made.manifest["settings"][EVIL] = EVIL
    made.save()
    for path in (made.root / "index.html", made.root / "sub-01.html"):
        page = updated(path.name)
        assert EVIL in page.text
        assert EVIL not in page.source
        assert len(page.all("script")) == 2
    excluded = load_run(made.root).subject(EVIL)
    assert EVIL in Page(made.root / wording.page_of(excluded)).text


def test_a_page_allows_its_own_script_and_style_alone(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    made.finish(made.image("01"))
    for name in ("index.html", "sub-01.html"):
        page = updated(name)
        policy = next(
            one["content"] for one in page.all("meta") if one.get("http-equiv", "").startswith("C")
        )
        assert policy.startswith("default-src 'none'; img-src data:;")
        assert "unsafe" not in policy
        for tag in ("script", "style"):
            content = re.search(f"<{tag}>(.*?)</{tag}>", page.source, re.DOTALL)
            assert content is not None
            digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
        assert not any("style" in one or "onclick" in one for _, one in page.elements)


def test_a_page_loads_nothing(made: MadeOutput, updated: Callable[..., Page]) -> None:
    made.finish(made.image("01"))
    for name in ("index.html", "sub-01.html"):
        page = updated(name)
        loaded = [one["src"] for _, one in page.elements if "src" in one]
        assert loaded
        assert all(source.startswith("data:image/png;base64,") for source in loaded)
        assert [one["href"] for one in page.all("link")] == ["data:,"]
        assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|https?://", page.source)


@pytest.mark.parametrize(("errors", "urgent"), [(0, False), (2, True)])
def test_the_validators_summary_is_shown(
    made: MadeOutput, updated: Callable[..., Page], errors: int, urgent: bool
) -> None:
    made.finish(made.image("01"))
    issue = {"severity": "error", "code": EVIL, "message": EVIL, "count": 2, "examples": [EVIL]}
    found = {"validator": "bids-validator-deno", "schema": "1.2", "subjects": 1, "files": 9}
    counts = {"errors": errors, "warnings": 3, "issues": [issue] * errors}
    assert "BIDS validator" not in updated().text
    write_json(made.root / VALIDATION, found | counts)
    page = updated()
    assert f"looked at 9 files of 1 participants: {errors} errors, 3 warnings." in page.text
    section = next(one for one in page.all("section") if one["aria-labelledby"] == "validation")
    assert (section["class"] == "urgent") is urgent
    assert EVIL not in page.source


def test_figures_beyond_the_budget_are_linked(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    size = (made.root / "sub-01/figures/sub-01_desc-input_T1w.png").stat().st_size
    found, left = figure_files.figures_of(made.root, "sub-01", "sub-01_T1w", size + 10)
    assert [figure.source is not None for figure in found] == [True, False, False]
    assert left == 10
    assert found[1].path == "sub-01/figures/sub-01_desc-crop_T1w.png"


def test_a_new_kind_of_figure_needs_no_change(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    made.figure("sub-01", "sub-01_desc-bias_T1w.png", "The bias field")
    found, _ = figure_files.figures_of(made.root, "sub-01", "sub-01_T1w", 10**6)
    assert [figure.description for figure in found][-1] == "The bias field"


def test_slider_and_viewer_are_found_but_are_no_figures(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    asked = (made.root, "sub-01", "sub-01_T1w")
    assert figure_files.slider_of(*asked) is None
    assert figure_files.viewer_of(*asked) is None
    for kind in ("before", "after"):
        made.figure("sub-01", f"sub-01_desc-{kind}_T1w.png", f"{kind} it")
    (made.root / "sub-01/figures/sub-01_desc-viewer_T1w.html").touch()
    slider = figure_files.slider_of(*asked)
    assert slider is not None
    assert [one.description for one in slider] == ["before it", "after it"]
    assert slider[0].source is not None
    assert figure_files.viewer_of(*asked) == "sub-01/figures/sub-01_desc-viewer_T1w.html"
    found, _ = figure_files.figures_of(*asked, 10**6)
    assert len(found) == 3


def test_figures_of_another_acquisition_are_not_taken(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    made.figure("sub-01", "sub-01_acq-low_desc-input_T1w.png", "other")
    found, _ = figure_files.figures_of(made.root, "sub-01", "sub-01_T1w", 10**6)
    assert [figure.description for figure in found if figure.description == "other"] == []


def test_a_page_is_written_again_only_when_something_changed(made: MadeOutput) -> None:
    for label in ("01", "03"):
        made.finish(made.image(label))
    run = report.update(made.root)
    assert Pages(run).outdated() == []
    made.record("sub-03/anat/sub-03_T1w", "crop", "failed", reason="no")
    assert Pages(load_run(made.root)).outdated() == ["03"]
    report.update(made.root)
    made.finish(made.image("02"))
    assert Pages(load_run(made.root)).outdated() == ["01", "02", "03"]


def test_measures_of_others_count_when_nothing_is_to_come(made: MadeOutput) -> None:
    for label in ("01", "02", "03"):
        made.finish(made.image(label))
        made.record(f"sub-{label}/anat/sub-{label}_T1w", "quality", details=_measured(cjv=0.5))
    waiting = made.image("04")
    report.update(made.root)
    made.record("sub-03/anat/sub-03_T1w", "quality", details=_measured(cjv=0.7))
    assert Pages(load_run(made.root)).outdated() == ["03"]
    made.finish(waiting)
    assert Pages(load_run(made.root)).outdated() == ["01", "02", "03", "04"]


def test_the_command_tells_counts_and_what_needs_a_look(
    made: MadeOutput, capsys: pytest.CaptureFixture[str]
) -> None:
    made.finish(made.image("01"))
    made.record(made.image("02"), "crop", "failed", reason="no voxel is left")
    assert report.main([str(made.root)]) == 0
    told = capsys.readouterr().out
    assert "1 failed, 1 done" in told
    assert "sub-02 crop of sub-02_T1w: no voxel is left" in told
    assert told.splitlines()[-1].endswith("index.html")


def test_the_command_explains_a_wrong_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([str(tmp_path)]) == 1
    assert "manifest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "–"), (False, "no"), (3, "3"), (0.66667, "0.6667"), (12345.6, "12346"), ("a", "a")],
)
def test_values_are_written_as_people_write_them(content: object, expected: str) -> None:
    assert wording.quantity(content) == expected


def test_a_key_that_is_a_file_name_stays_as_it_is() -> None:
    assert wording.words("tpl-A_res-01_T1w.nii.gz") == "tpl-A_res-01_T1w.nii.gz"
    assert wording.words("CropBox") == "Crop box"


def test_a_valid_label_keeps_its_name_and_no_label_leaves_the_folder(made: MadeOutput) -> None:
    made.image("Zoë1")
    made.exclude("../../x", None, "bad")
    names = [wording.page_of(subject) for subject in load_run(made.root).subjects]
    assert sorted(names) == ["sub-.._.._x.html", "sub-Zoë1.html"]


def test_what_became_of_dicom_is_told(made: MadeOutput, updated: Callable[..., Page]) -> None:
    made.session("sub-01", alone=True)
    aside = [{"reason": "structured <b>report</b>", "count": 2}]
    details = {
        "files": 174,
        "quarantined": aside,
        "profile": "basic",
        "options": ["clean_graphics"],
    }
    made.record("sub-01", "deidentify", details=details)
    made.record("sub-01", "audit", details={"values": 31, "files": 174, "hits": 0})
    made.manifest["plan"]["excluded"].append(
        {"session": None, "series": None, "files": 3, "reason": "cut short"}
    )
    made.manifest["plan"]["notices"].append("the DICOM files of sub-01 have changed")
    made.save()
    text = updated().source
    for words in (
        "174",
        "2 structured &lt;b&gt;report",
        "clean_graphics",
        "31 values searched in 174 files",
        "0 found",
    ):
        assert words in text
    assert "cut short" in text
    assert "have changed" in text


def _data(page: Page) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', page.source, re.DOTALL
    )
    assert found is not None
    content: dict[str, Any] = json.loads(found[1])
    return content


def _study_of(made: MadeOutput, count: int) -> None:
    """Finish so many images; the last has a measure that stands out."""
    for number in range(1, count + 1):
        name = made.image(f"{number:02d}")
        made.finish(name)
        cjv = 9.0 if number == count else 0.4 + number / 1000
        made.record(name, "quality", details=_measured(cjv=cjv, cnr=3.0 + number / 100))


def test_flags_are_told_on_both_pages(made: MadeOutput, updated: Callable[..., Page]) -> None:
    _study_of(made, 12)
    page = updated()
    case = page.text[page.text.index("Needs a look") : page.text.index("Every image")]
    assert "sub-12_T1w" in case
    assert "sub-11_T1w" not in case
    assert _data(page)["rows"][0]["flagged"] == ["cjv"]
    subject = Page(made.root / "sub-12.html")
    assert "1 image with findings on quality" in subject.text
    assert "What stands out" in subject.text
    assert "What stands out" not in Page(made.root / "sub-11.html").text


def test_a_doubtful_mask_is_told(made: MadeOutput, updated: Callable[..., Page]) -> None:
    name = made.image("01")
    made.finish(name)
    check = {"verdict": "look", "reasons": [f"the volume is odd {EVIL}"]}
    made.record(name, "skullstrip", details={"check": check})
    for page in (updated(), updated("sub-01.html")):
        assert f"the volume is odd {EVIL}".lower() in page.text.lower()


def test_each_measure_has_its_place_among_the_others(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    _study_of(made, 12)
    page = updated("sub-01.html")
    assert page.text.count("4 % of 12 images lie below") >= 2
    assert f"Not computable: there is no air {EVIL}" in page.text
    assert len(page.all("svg")) == 3
    dots = [one["d"].count("h0") for one in page.all("path") if one.get("class") == "dots"]
    assert dots == [12, 12]
    alone = MadeOutput(made.root / "alone")
    _study_of(alone, 1)
    report.update(alone.root)
    assert "nothing to compare with" in Page(alone.root / "sub-01.html").text


def test_a_measure_of_many_images_is_drawn_once_for_all_pages(made: MadeOutput) -> None:
    _study_of(made, DOTS + 1)
    comparison = Comparison(load_run(made.root))
    first, last = (comparison.places(f"sub-{n}_T1w")[0] for n in ("01", DOTS + 1))
    assert first.strip is last.strip
    assert first.strip
    assert first.strip.bars.count("M") == 2
    assert (first.strip.low, first.strip.high) == (0.401, 9.0)
    assert first.strip.place(0.401) == EDGE
    assert first.strip.place(9.0) == WIDTH - EDGE


def test_data_for_scripts_cannot_close_its_element(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    made.finish(made.image("01"))
    note = f"</script>{EVIL}<!--"
    rating = {"image": "sub-01_T1w", "rating": "unsure", "tags": [note], "note": note}
    made.manifest["ratings"] = [{**rating, "rater": note, "time": ""}]
    made.manifest["bids_dir"] = f"/data/</script>{EVIL}y"
    made.save()
    for page in (updated(), updated("sub-01.html")):
        assert _data(page)["ratings"][0]["note"] == note
        assert len(page.all("script")) == 2
        assert EVIL not in page.source


def test_numbers_that_are_none_do_not_break_the_page(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    name = made.image("01")
    made.finish(name)
    made.record(name, "quality", details=_measured(cjv=float("nan"), cnr=float("inf"), efc=0.5))
    row = _data(updated())["rows"][0]
    assert row["values"].count(0.5) == 1
    made.record(name, "quality", details={})
    assert "Measures of quality" not in updated("sub-01.html").text


def test_a_rated_image_stands_as_excluded_with_its_figures(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    made.finish(made.image("01"))
    made.manifest["images"].clear()
    made.exclude("01", "sub-01/anat/sub-01_T1w", "Ann rated it exclude: rings")
    made.manifest["excluded"][0] |= {"fault": False, "rated": True}
    made.save()
    page = updated("sub-01.html")
    assert "Ann rated it exclude: rings" in page.text
    assert "no fault" in page.text
    assert len(page.all("img")) == 3
    assert _data(page)["here"] == ["sub-01_T1w"]


def test_what_is_to_come_is_told(made: MadeOutput, updated: Callable[..., Page]) -> None:
    made.finish(made.image("01"))
    assert "Still to come" not in updated().text
    made.record(made.image("02"), "skullstrip")
    made.record(made.image("03"), "skullstrip", "running")
    made.image("04")
    held = (made.root / HIDDEN / RUN).open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    text = updated().text
    assert "skullstrip: 1 waiting; at work: sub-03_T1w" in text
    assert "Work went on when this page was written" in text
    assert "crop: 1 waiting" in text
    made.record("sub-01", "figures", "running")
    assert "figures: at work: sub-01" in updated().text
    held.close()


def test_time_and_memory_of_stages_come_from_the_benchmarks(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    for label, seconds in (("01", "10.0"), ("02", "30.0"), ("03", "NA")):
        name = made.image(label)
        made.finish(name)
        path = made.root / "benchmarks" / name / "derivatives.tsv"
        path.parent.mkdir(parents=True)
        path.write_text(f"s\th:m:s\tmax_rss\tcpu_time\n{seconds}\t-\t123.4\t8.5\n")
    costs = {cost.stage: cost for cost in costs_of(load_run(made.root))}
    job = costs["derivatives"]
    assert (job.jobs, job.median_s, job.max_s, job.max_mb) == (2, 20.0, 30.0, 123.4)
    assert (job.median_cpu_s, job.total_cpu_s) == (8.5, 17.0)
    assert (costs["crop"].jobs, costs["crop"].median_mb) == (3, 200.0)
    assert "Time and memory by stage" in updated().text


def test_thumbnails_beyond_the_budget_are_linked(
    made: MadeOutput, updated: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    made.finish(made.image("01"))
    monkeypatch.setattr("lib.report.pages.THUMB_BYTES", 10)
    page = updated()
    assert [one["src"] for one in page.all("img")] == ["sub-01/figures/sub-01_desc-thumb_T1w.png"]
    assert "img-src data: file:;" in page.source


def test_a_subject_page_stays_below_two_megabytes(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    made.finish(made.image("01"))
    for kind in range(12):
        path = made.figure("sub-01", f"sub-01_desc-k{kind}_T1w.png", "full")
        path.write_bytes(path.read_bytes() + b"\0" * 250_000)
    updated("sub-01.html")
    size = (made.root / "sub-01.html").stat().st_size
    assert FIGURE_BYTES < size < 2_000_000
