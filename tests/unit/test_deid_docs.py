"""The tables of docs/deidentification.md agree with the code."""

import re
from pathlib import Path

import yaml
from ecdysis.deid.profile import CODES

from tests.conformance.scanners import DESCRIPTIONS, IDENTIFYING

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "deidentification.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading."""
    lines = TEXT[TEXT.index(f"{heading}\n") :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    cells = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells.append([cell.strip(" `") for cell in line.strip("|").split("|")])
    return cells


def test_the_options_and_defaults_are_those_of_the_code() -> None:
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    found = {option: default for option, default, _ in table("### Options")}
    assert found.keys() == CODES.keys()
    assert {name for name, default in found.items() if default == "yes"} == set(
        config["deid"]["options"]
    )


def test_the_classes_are_those_that_pass() -> None:
    lines = (ROOT / "scripts/ecdysis/dicom/sop_classes.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    passing = [row[1] for row in rows if row[-1] == "pass"]
    assert [row[0] for row in table("### Kinds of object")] == passing


def test_the_fields_of_sidecars_are_those_of_the_comparison() -> None:
    assert {row[0]: row[1] for row in table("### What changes in the sidecars")} == IDENTIFYING
    assert all(f"`{field}`" in TEXT for field in DESCRIPTIONS)


def test_each_action_of_the_challenge_has_a_test_that_exists() -> None:
    actions = table("## How it is tested")
    assert len(actions) == 10
    for action, tests in actions:
        links = re.findall(r"\[`(test_\w+)`\]\(\.\./([\w/.]+)\)", tests)
        assert links, action
        for name, path in links:
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), (action, name)
