"""What the pages tell of quality, of the state of the run and of its costs."""

import fcntl
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ecdysis.places import HIDDEN
from ecdysis.report.overview import costs_of
from ecdysis.report.pages import Pages
from ecdysis.report.quality import DOTS, EDGE, WIDTH, Comparison
from ecdysis.report.records import load_run
from ecdysis.run_lock import RUN

import report
from tests.unit.html_page import Page
from tests.unit.made_output import MadeOutput

EVIL = "<script>alert(1)</script>"


def _measured(**measures: float) -> dict[str, object]:
    return {"measures": measures, "not_computable": {"qi_1": f"there is no air {EVIL}"}}


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
        made.record(name, "measure", details=_measured(cjv=cjv, cnr=3.0 + number / 100))


def test_flags_are_shown_on_both_pages(made: MadeOutput, updated: Callable[..., Page]) -> None:
    _study_of(made, 12)
    page = updated()
    case = page.text[page.text.index("Needs review") : page.text.index("Every image")]
    assert "sub-12_T1w" in case
    assert "sub-11_T1w" not in case
    assert _data(page)["rows"][0]["flagged"] == ["cjv"]
    subject = Page(made.root / "sub-12.html")
    assert "1 image: 1 review." in subject.text
    assert "Needs review" in subject.text
    assert "Needs review" not in Page(made.root / "sub-11.html").text


def test_a_doubtful_mask_is_reported(made: MadeOutput, updated: Callable[..., Page]) -> None:
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
    assert page.text.count("4 % of 12 images have lower values") >= 2
    assert f"n/a: there is no air {EVIL}" in page.text
    assert len(page.all("svg")) == 3
    dots = [one["d"].count("h0") for one in page.all("path") if one.get("class") == "dots"]
    assert dots == [12, 12]
    alone = MadeOutput(made.root / "alone")
    _study_of(alone, 1)
    report.update(alone.root)
    alone_text = Page(alone.root / "sub-01.html").text
    assert "too few images to compare with" in alone_text
    assert "above percentile 99 of 1366 images (ABIDE and ds000030, 3 T)" in alone_text


def test_a_measure_of_many_images_is_drawn_once_for_all_pages(made: MadeOutput) -> None:
    _study_of(made, DOTS + 1)
    comparison = Comparison(load_run(made.root))
    first, last = (comparison.places(f"sub-{n}_T1w")[0] for n in ("01", DOTS + 1))
    assert first.strip is last.strip
    assert first.strip
    assert first.strip.norm
    lowest = first.strip.norm.middle[0]
    assert lowest < 0.401
    # 80 values within two bars, and the one that stands out.
    assert first.strip.bars.count("M") == 3
    assert (first.strip.low, first.strip.high) == (lowest, 9.0)
    assert first.strip.place(lowest) == EDGE
    assert first.strip.place(9.0) == WIDTH - EDGE


def test_measures_of_others_count_when_nothing_is_to_come(made: MadeOutput) -> None:
    for label in ("01", "02", "03"):
        made.finish(made.image(label))
        made.record(f"sub-{label}/anat/sub-{label}_T1w", "measure", details=_measured(cjv=0.5))
    waiting = made.image("04")
    report.update(made.root)
    made.record("sub-03/anat/sub-03_T1w", "measure", details=_measured(cjv=0.7))
    assert Pages(load_run(made.root)).outdated() == ["03"]
    made.finish(waiting)
    assert Pages(load_run(made.root)).outdated() == ["01", "02", "03", "04"]


def test_a_new_flag_makes_a_page_outdated_also_during_a_run(made: MadeOutput) -> None:
    _study_of(made, 9)
    tenth = made.image("10")
    made.image("99")
    report.update(made.root)
    assert Pages(load_run(made.root)).outdated() == []
    # The tenth value makes the ninth stand out.
    made.finish(tenth)
    made.record(tenth, "measure", details=_measured(cjv=0.41))
    pages = Pages(load_run(made.root))
    assert not pages.run.complete
    assert "09" in pages.outdated()
    assert "02" not in pages.outdated()


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
    made.record(name, "measure", details=_measured(cjv=float("nan"), cnr=float("inf"), efc=0.5))
    row = _data(updated())["rows"][0]
    assert row["values"].count(0.5) == 1
    made.record(name, "measure", details={})
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
    assert "excluded by a rater" in page.text
    assert len(page.all("img")) == 5
    assert _data(page)["here"] == ["sub-01_T1w"]


def test_pending_steps_are_listed(made: MadeOutput, updated: Callable[..., Page]) -> None:
    made.finish(made.image("01"))
    assert "Still to do" not in updated().text
    for label, stages in (("02", ["reorient", "skullstrip"]), ("03", ["reorient"]), ("04", [])):
        name = made.image(label)
        for stage in stages:
            made.record(name, stage)
    made.record("sub-03/anat/sub-03_T1w", "skullstrip", "running")
    held = (made.root / HIDDEN / RUN).open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    text = updated().text
    assert "reorient: 1 waiting" in text
    assert "skullstrip: running: sub-03_T1w" in text
    assert "A run was in progress when this page was written" in text
    assert "crop: 1 waiting" in text
    made.record("sub-01/figures/sub-01_T1w", "figures", "running")
    assert "figures: running: sub-01_T1w" in updated().text
    held.close()


def test_time_and_memory_of_stages_come_from_the_benchmarks(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    for label, seconds in (("01", "10.0"), ("02", "30.0"), ("03", "NA")):
        name = made.image(label)
        made.finish(name)
        path = made.root / "benchmarks" / name / "segment.tsv"
        path.parent.mkdir(parents=True)
        path.write_text(f"s\th:m:s\tmax_rss\tcpu_time\n{seconds}\t-\t123.4\t8.5\n")
    costs = {cost.stage: cost for cost in costs_of(load_run(made.root))}
    job = costs["segment"]
    assert (job.jobs, job.median_s, job.max_s, job.max_mb) == (2, 20.0, 30.0, 123.4)
    assert (job.median_cpu_s, job.total_cpu_s) == (8.5, 17.0)
    assert (costs["crop"].jobs, costs["crop"].median_mb) == (3, 200.0)
    assert "Time and memory by stage" in updated().text


def test_thumbnails_beyond_the_budget_are_linked(
    made: MadeOutput, updated: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    made.finish(made.image("01"))
    monkeypatch.setattr("ecdysis.report.pages.THUMB_BYTES", 10)
    page = updated()
    assert [one["src"] for one in page.all("img")] == [
        "sub-01/figures/sub-01_T1w/sub-01_desc-thumb_T1w.jpg"
    ]
    assert "img-src data: file: &#39;self&#39;;" in page.source
