"""The table of the study and its dictionary, written from status records."""

import csv
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from ecdysis.quality.dictionary import MEASURES, OF_SKULLSTRIP, markdown
from ecdysis.quality.norms import Norm
from ecdysis.report.quality_table import (
    data_dictionary,
    flags_of,
    problems_in,
    reasons_of,
    values_of,
    write_table,
)
from ecdysis.report.records import load_run

from tests.unit.made_output import MadeOutput

DOCS = Path(__file__).parents[2] / "docs/quality.md"


@pytest.fixture
def made(tmp_path):
    """Twelve images that are alike but the last; one that failed."""
    made = MadeOutput(tmp_path)
    for index in range(12):
        name = made.image(f"{index:02}", session="1")
        made.finish(name)
        made.record(name, "skullstrip", details={"measures": {"similarity": 0.8, "volume_ml": 9}})
        measures = {"cjv": 0.9 if index == 11 else 0.5 + index / 1000, "efc": 0.6}
        reasons = {"fber": "no air"}
        made.record(name, "measure", details={"measures": measures, "not_computable": reasons})
    made.record(made.image("99"), "measure", "failed", reason="it broke")
    return made


def rows(root):
    with (root / "participants_qc.tsv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_every_image_has_a_row(made):
    write_table(load_run(made.root))
    table = rows(made.root)
    assert len(table) == 13
    first, bad, failed = table[0], table[11], table[12]
    assert list(first)[:4] == ["participant_id", "session_id", "image", "status"]
    assert list(first.values())[:3] == ["sub-00", "ses-1", "sub-00_ses-1_T1w"]
    assert (first["cjv"], first["fber"], first["mask_similarity"]) == ("0.5", "n/a", "0.8")
    assert first["flags"] == "none"
    assert bad["flags"].startswith("cjv (z ")
    assert "n 12" in bad["flags"]
    assert set(list(failed.values())[4:-2]) == {"n/a"}
    assert (failed["status"], failed["reasons"]) == ("failed", "measure: it broke")
    assert (first["status"], bad["status"]) == ("done", "review")
    assert failed["session_id"] == "n/a"


def test_ratings_stand_in_the_table(made):
    image = "sub-50/ses-1/anat/sub-50_ses-1_T1w"
    said = {"rating": "exclude", "tags": [], "note": "", "rater": "Ann", "time": ""}
    made.manifest["excluded"] = [
        {"image": image, "subject": "50", "reason": "Ann rated it exclude", "rated": True},
        {"image": "sub-51/anat/sub-51_T1w", "subject": "51", "reason": "It is cut short."},
    ]
    made.manifest["ratings"] = [{"image": "sub-00_ses-1_T1w", **said, "rating": "unsure"}]
    made.save()
    write_table(load_run(made.root))
    table = {row["image"]: row for row in rows(made.root)}
    assert table["sub-00_ses-1_T1w"]["rating"] == "unsure"
    assert table["sub-01_ses-1_T1w"]["rating"] == "n/a"
    assert table["sub-50_ses-1_T1w"]["rating"] == "exclude"
    assert (table["sub-50_ses-1_T1w"]["session_id"], table["sub-50_ses-1_T1w"]["cjv"]) == (
        "ses-1",
        "n/a",
    )
    assert table["sub-50_ses-1_T1w"]["status"] == "excluded by a rater"
    assert table["sub-51_T1w"]["status"] == "unreadable"
    assert table["sub-51_T1w"]["reasons"] == "It is cut short."
    assert problems_in(made.root) == ["sub-51_T1w", "sub-99_T1w"]


def test_a_failed_measurement_is_a_fault(made):
    assert load_run(made.root).subject("99").faults[0][1].reason == "it broke"


def test_values_reasons_and_flags_are_by_image(made):
    run = load_run(made.root)
    assert values_of(run)["sub-00_ses-1_T1w"]["efc"] == 0.6
    assert values_of(run)["sub-99_T1w"]["efc"] is None
    reasons = reasons_of(run)["sub-00_ses-1_T1w"]
    assert reasons["fber"] == "no air"
    assert "skull stripping" in reasons["mask_left_right"]
    assert "mask_similarity" not in reasons
    assert reasons_of(run)["sub-99_T1w"] == {}
    assert [one.key for one in flags_of(run)["sub-11_ses-1_T1w"]] == ["cjv"]


def test_norms_come_from_the_manifest(made):
    norm = asdict(Norm("efc", "T1w", None, 0.5))
    made.manifest["settings"]["quality"] = {"norms": [norm]}
    made.save()
    assert flags_of(load_run(made.root))["sub-00_ses-1_T1w"][0].key == "efc"
    write_table(load_run(made.root))
    assert rows(made.root)[0]["flags"] == "efc (norm)"


def test_columns_and_dictionary_agree(made):
    write_table(load_run(made.root))
    described = json.loads((made.root / "participants_qc.json").read_text())
    assert list(rows(made.root)[0]) == list(described)
    assert described == data_dictionary()
    assert "3.5" in described["flags"]["Rule"]
    assert "n = 10" in described["flags"]["Rule"]


def test_the_dictionary_is_whole():
    keys = [one.key for one in MEASURES]
    assert len(set(keys)) == len(keys)
    assert set(OF_SKULLSTRIP) < set(keys)
    for one in MEASURES:
        assert one.description[0].isupper()
        assert "doi:" in one.source or one.source == "own measure"
        assert one.better in ("higher", "lower", None)


def test_the_documentation_holds_the_dictionary():
    text = DOCS.read_text(encoding="utf-8")
    assert markdown() in text, "put the output of ecdysis.quality.dictionary.markdown() into docs/"


def test_a_run_with_defacing_names_the_visible_parts(tmp_path: Path) -> None:
    made = MadeOutput(tmp_path)
    for subject, visible in (("01", []), ("02", ["nose", "left eye"])):
        score = {"verdict": "face" if visible else "none", "visible": visible}
        made.record(made.image(subject), "deface", details={"ResidualFace": score})
    made.image("03")
    for deface, cells in ((False, None), (True, ["none", "nose, left eye", "n/a"])):
        made.manifest["settings"]["deface"] = deface
        made.save()
        write_table(load_run(made.root))
        header, *rows = (made.root / "participants_qc.tsv").read_text().splitlines()
        assert header.endswith("\tface_visible") is deface
        if cells:
            assert [row.split("\t")[-1] for row in rows] == cells
        described = json.loads((made.root / "participants_qc.json").read_text())
        assert ("face_visible" in described) is deface
