"""The pages: what they say, that data cannot become markup, and that they load nothing."""

import base64
import errno
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ecdysis.files import write_json
from ecdysis.places import VALIDATION
from ecdysis.report import figure_files, wording
from ecdysis.report.pages import Pages
from ecdysis.report.records import load_run
from ecdysis.report.status import HAS_PROBLEMS

import report
from tests.unit.html_page import Page
from tests.unit.made_output import MadeOutput

EVIL = "<script>alert(1)</script>"


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
    assert [row["data-state"] for row in rows] == ["failed", "unreadable", "done"]
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
    assert [one["alt"].split(".")[0] for one in images] == [
        f"{kind} of sub-02_T1w" for kind in ("input", "mask", "plain", "air", "crop")
    ]
    assert "The mask of sub-02_T1w" in page.text
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
    assert "The log is in the private directory." in updated("sub-01.html").text


def test_nothing_from_data_becomes_markup(made: MadeOutput, updated: Callable[..., Page]) -> None:
    name = made.image("01")
    made.finish(name)
    made.record(name, "crop", details={EVIL: {EVIL: [EVIL]}, "Warnings": [EVIL], "converter": EVIL})
    made.record("sub-01/figures/sub-01_T1w", "figures", "failed", reason=EVIL, details={}, log=EVIL)
    made.figure("sub-01_T1w", "sub-01_desc-brain_T1w.jpg", EVIL)
    made.exclude(EVIL, EVIL, EVIL)
    unmapped = {"session": EVIL, "series": EVIL, "description": f'">{EVIL}', "reason": EVIL}
    none: dict[str, Any] = {"sessions": [], "excluded": [], "notices": []}
    group = {"name": EVIL, "parameters": {EVIL: EVIL}, "sessions": [EVIL], "largest": True}
    other = {"session": EVIL, "name": EVIL, "parameter": EVIL, "value": EVIL, "usual": EVIL}
    made.manifest["plan"] = {
        **none, "unmapped": [unmapped], "protocols": [group], "deviations": [other],
    }  # fmt: skip
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


def test_sessions_with_another_protocol_are_named(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    made.session("sub-02")
    usual = {"slices": "192", "receive coil": "number 1"}
    made.manifest["plan"] |= {
        "protocols": [
            {"name": "T1w", "parameters": usual, "sessions": ["sub-01", "sub-03"], "largest": True},
            {"name": "T1w", "parameters": {**usual, "slices": "176"}, "sessions": ["sub-02"],
             "largest": False},
        ],
        "deviations": [{"session": "sub-02", "name": "T1w", "parameter": "slices", "value": "176",
                        "usual": "192"}],
    }  # fmt: skip
    made.save()
    source = updated().source
    assert "1 of 1 sessions deviate from the usual protocol" in source
    assert "<td>T1w</td><td>slices</td><td>176</td><td>192</td>" in source
    assert "2 groups of series" in source


def test_a_page_allows_its_own_script_and_style_alone(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
    made.finish(made.image("01"))
    for name in ("index.html", "sub-01.html"):
        page = updated(name)
        policy = next(
            one["content"] for one in page.all("meta") if one.get("http-equiv", "").startswith("C")
        )
        files = "" if name == "index.html" else " file: 'self'"
        assert policy.startswith(f"default-src 'none'; img-src data:{files};")
        assert "unsafe" not in policy
        for tag in ("script", "style"):
            content = re.search(f"<{tag}>(.*?)</{tag}>", page.source, re.DOTALL)
            assert content is not None
            digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
        assert not any("style" in one or "onclick" in one for _, one in page.elements)


def test_a_page_loads_its_own_figures_alone(made: MadeOutput, updated: Callable[..., Page]) -> None:
    made.finish(made.image("01"))
    for name in ("index.html", "sub-01.html"):
        page = updated(name)
        loaded = [one["src"] for _, one in page.elements if "src" in one]
        assert loaded
        folder = "sub-01/figures/sub-01_T1w/"
        start = "data:image/jpeg;base64," if name == "index.html" else folder
        assert all(source.startswith(start) for source in loaded)
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
    assert f"checked 9 files of 1 participants: {errors} errors, 3 warnings." in page.text
    section = next(one for one in page.all("section") if one["aria-labelledby"] == "validation")
    assert (section["class"] == "urgent") is urgent
    assert EVIL not in page.source


def test_figures_are_grouped_in_the_order_of_a_page(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    found = figure_files.figures_of(made.root, "sub-01_T1w")
    groups = [[figure.kind for figure in group] for group in found.groups]
    assert groups == [["input"], ["mask", "plain"], ["air"]]
    assert [figure.path for figure in found.single] == [
        "sub-01/figures/sub-01_T1w/sub-01_desc-crop_T1w.jpg"
    ]
    assert found.single[0].source is None


def test_a_new_kind_of_figure_needs_no_change(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    made.figure("sub-01_T1w", "sub-01_desc-bias_T1w.jpg", "The bias field")
    found = figure_files.figures_of(made.root, "sub-01_T1w")
    assert found.single[-1].description == "The bias field"


def test_the_viewer_is_found(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    asked = (made.root, "sub-01_T1w")
    assert figure_files.viewer_of(*asked) is None
    (made.root / "sub-01/figures/sub-01_T1w/sub-01_desc-viewer_T1w.html").touch()
    assert figure_files.viewer_of(*asked) == "sub-01/figures/sub-01_T1w/sub-01_desc-viewer_T1w.html"


def test_a_page_is_written_again_only_when_something_changed(made: MadeOutput) -> None:
    for label in ("01", "03"):
        made.finish(made.image(label))
    assert report.update(made.root).outdated() == []
    made.record("sub-03/anat/sub-03_T1w", "crop", "failed", reason="no")
    assert Pages(load_run(made.root)).outdated() == ["03"]
    report.update(made.root)
    made.finish(made.image("02"))
    assert Pages(load_run(made.root)).outdated() == ["01", "02", "03"]


def test_the_command_tells_counts_and_what_needs_a_look(
    made: MadeOutput, capsys: pytest.CaptureFixture[str]
) -> None:
    made.finish(made.image("01"))
    made.record(made.image("02"), "crop", "failed", reason="no voxel is left")
    assert report.main([str(made.root)]) == 0
    assert report.main([str(made.root), "--ended"]) == HAS_PROBLEMS
    told = capsys.readouterr().out
    assert "Images: 1 failed, 1 done." in told
    assert "failed: sub-02_T1w: crop: no voxel is left" in told
    assert told.splitlines()[-1].endswith("index.html")


def test_the_command_explains_a_wrong_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([str(tmp_path)]) == 1
    assert "manifest" in capsys.readouterr().err


def test_the_command_reports_a_full_disk(
    made: MadeOutput, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write_index(_: Pages) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(Pages, "write_index", write_index)
    assert report.main([str(made.root)]) == 1
    assert capsys.readouterr().err == (
        "report: No space left on device. Make room, or give another output_dir.\n"
    )


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


def test_the_page_shows_what_dicom_series_became(
    made: MadeOutput, updated: Callable[..., Page]
) -> None:
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
