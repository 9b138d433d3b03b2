"""Rules of a study: what they decide, and what is wrong with those that cannot be."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from ecdysis.errors import InputError
from ecdysis.key import Key
from ecdysis.planning.decision import PlanOptions
from ecdysis.planning.plan import Sources, plan
from ecdysis.planning.rulings import read_study_rules

from tests.dicom_builder import EPI, MPRAGE, write_series

KEY = Key(bytes(range(32)))
EXAMPLE = Path(__file__).parents[2] / "config" / "study.yaml"


def planned(root: Path, rules: str, table: str = "") -> dict[str, Any]:
    (root / "study.yaml").write_text(rules)
    wishes = PlanOptions(rules=read_study_rules(root / "study.yaml"))
    if table:
        (root / "private/plan.tsv").write_text(table)
    sources = Sources(root / "scans", root / "private", KEY)
    return asdict(plan(sources, root / "bids", wishes))


def others(made: dict[str, Any]) -> list[str]:
    return sorted(output["entities"] + "_" + output["suffix"]
                  for one in made["others"] for output in one["outputs"])  # fmt: skip


def test_the_example_is_valid() -> None:
    assert len(read_study_rules(EXAMPLE)) == 3


def test_the_first_rule_that_fits_wins_and_repeats_are_runs(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        write_series(
            tmp_path / f"scans/{number}", series=str(number), SeriesNumber=number, header=EPI,
            volumes=12, SeriesDescription="Study A" if number < 3 else "Study B",
        )  # fmt: skip
    rules = """
    rules:
      - when: {description: "*a", volumes: {from: 10}}
        name: task-first_bold
        metadata: {TaskDescription: press}
      - when: {description: "study ?"}
        name: task-second_bold
    """
    made = planned(tmp_path, rules)
    assert others(made) == [
        "sub-01_task-first_run-1_bold",
        "sub-01_task-first_run-2_bold",
        "sub-01_task-second_bold",
    ]
    assert made["others"][0]["metadata"] == {"TaskDescription": "press"}
    assert {one["reason"] for one in made["mapped"]} == {
        "set by study.yaml, rule 1",
        "set by study.yaml, rule 2",
    }


def test_metadata_of_a_rule_stay_with_its_series(tmp_path: Path) -> None:
    write_series(tmp_path / "scans")
    rules = "rules: [{when: {dimension: 3D}, name: T1w, metadata: {B: 1}}]"
    made = planned(tmp_path, rules)
    assert len(made["images"]) == 1
    assert made["mapped"][0]["metadata"] == {"B": 1}


def test_plan_tsv_overrides_a_rule_that_leaves_out(tmp_path: Path) -> None:
    write_series(tmp_path / "scans")
    rules = 'rules: [{when: {description: "*mprage*"}, name: null}]'
    made = planned(tmp_path, rules)
    assert made["images"] == []
    assert made["unmapped"][0]["reason"] == "left out by study.yaml, rule 1"
    series = made["unmapped"][0]["series"]
    made = planned(tmp_path, rules, f"series\tname\n{series}\tT1w\n")
    assert [image["entities"] for image in made["images"]] == ["sub-01"]


def test_arterial_spin_labelling_is_converted_with_its_volume_types(tmp_path: Path) -> None:
    write_series(tmp_path / "scans", header=EPI, volumes=4, SeriesDescription="pcasl")
    assert others(planned(tmp_path, "rules: []")) == []
    rules = "rules: [{when: {description: pcasl}, name: asl, volumes: [control, label]}]"
    made = planned(tmp_path, rules)
    assert others(made) == ["sub-01_asl"]
    assert made["others"][0]["volumes"] == ["control", "label"]


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ("{image_type: [M, NORM]}", True),
        ("{image_type: [M, DIS2D]}", False),
        ("{vendor: siemens}", True),
        ("{vendor: [ge, philips]}", False),
        ("{echo_times: {from: 2, to: 3}}", True),
        ("{echo_times: 2.98}", True),
        ("{repetition_time: [2300, 2400]}", True),
        ("{repetition_time: {to: 100}}", False),
        ("{dimension: 3D, plane: tra}", True),
        ("{dimension: 3D, plane: sag}", False),
        ("{inversion_time: {from: 0}, description: [a*, t1*]}", True),
    ],
)
def test_conditions(tmp_path: Path, when: str, fits: bool) -> None:
    write_series(tmp_path / "scans", header=MPRAGE)
    made = planned(tmp_path, f"rules: [{{when: {when}, name: acq-ruled_T1w}}]")
    assert [image["entities"] == "sub-01_acq-ruled" for image in made["images"]] == [fits]


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ("rule: []", "Did you mean rules"),
        ("rules: [{when: {descripton: x}, name: T1w}]", "Did you mean description"),
        ("rules: [{when: {description: x}, name: T1W}]", "rule 1.*nearest is T1w"),
        ("rules: [{when: {description: x}, name: bold}]", "rule 1.*needs task"),
        ("rules: [{when: {}, name: T1w}]", "at least one condition"),
        ("rules: [{name: T1w}]", "a rule with the keys when and name"),
        ("rules: [{when: {dimension: 4D}, name: T1w}]", "one of 1D, 2D, 3D"),
        ("rules: [{when: {description: x}, name: asl}]", "type of each volume"),
        ("- x", "has no keys"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_invalid_rules_are_explained(tmp_path: Path, rules: str, problem: str) -> None:
    (tmp_path / "study.yaml").write_text(rules)
    with pytest.raises(InputError, match=problem) as raised:
        read_study_rules(tmp_path / "study.yaml")
    assert str(tmp_path) not in str(raised.value)
    assert isinstance(raised.value.remedy, str)


def test_every_condition_is_a_fact(tmp_path: Path) -> None:
    write_series(tmp_path / "scans")
    values: dict[str, Any] = {"dimension": "3D", "plane": "tra", "direction": "AP"}
    import yaml

    schema = yaml.safe_load((EXAMPLE.parent / "study_schema.yaml").read_text())
    for key in schema["properties"]["rules"]["items"]["properties"]["when"]["properties"]:
        given = schema["properties"]["rules"]["items"]["properties"]["when"]["properties"][key]
        value = values.get(key, 1 if "number" in str(given) else "x")
        planned(tmp_path, yaml.safe_dump({"rules": [{"when": {key: value}, "name": "T1w"}]}))
