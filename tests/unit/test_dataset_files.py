"""The files at the top of a dataset: made when missing, never replaced."""

import json
from pathlib import Path

from dataset_files import complete


def test_a_new_dataset_gets_its_files(tmp_path: Path) -> None:
    facts = complete(tmp_path / "bids", "My study", "1.0")
    assert facts["kept"] == []
    assert sorted(path.name for path in (tmp_path / "bids").iterdir()) == sorted(facts["made"])
    description = json.loads((tmp_path / "bids" / "dataset_description.json").read_text())
    assert description["Name"] == "My study"
    assert description["DatasetType"] == "raw"
    assert {tool["Name"] for tool in description["GeneratedBy"]} == {"Ecdysis", "dcm2niix"}
    assert "My study" in (tmp_path / "bids" / "README").read_text()


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    for name in ("dataset_description.json", "README.rst", ".bidsignore"):
        (tmp_path / name).write_text("mine")
    assert complete(tmp_path, "x", "1.0")["made"] == []
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "dataset_description.json": "mine",
        "README.rst": "mine",
        ".bidsignore": "mine",
    }


def test_a_dataset_without_a_title_is_untitled(tmp_path: Path) -> None:
    complete(tmp_path, " ", "1.0")
    assert json.loads((tmp_path / "dataset_description.json").read_text())["Name"] == "Untitled"
