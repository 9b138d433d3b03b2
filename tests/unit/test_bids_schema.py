"""Names: what BIDS allows, what a person may write, and what a description may say."""

from pathlib import Path
from typing import Any

import pytest
from ecdysis.bids import schema
from ecdysis.bids.outputs import outputs
from ecdysis.dicom import phase_direction
from ecdysis.errors import InputError
from ecdysis.planning.recognise import entity_labels, task_label

ALONG = [1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("T1w", ("", "T1w")),
        ("anat/acq-x_run-2_T1w", ("acq-x_run-2", "T1w")),
        ("task-rest_dir-AP_run-1_echo-2_part-mag_bold",
         ("task-rest_dir-AP_run-1_echo-2_part-mag", "bold")),
        ("task-rest_sbref", ("task-rest", "sbref")),
        ("dwi/dir-AP_sbref", ("dir-AP", "dwi/sbref")),
        ("dir-AP_epi", ("dir-AP", "epi")),
        ("phasediff", ("", "phasediff")),
        ("asl", ("", "asl")),
    ],
)  # fmt: skip
def test_valid_names(name: str, expected: tuple[str, str]) -> None:
    assert schema.parse(name, "here") == expected


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("task-rest_blod", "nearest is bold"),
        ("bold", "needs task-"),
        ("echo-1_task-x_bold", "in this order"),
        ("dir-AP_T1w", "in this order"),
        ("task-a-b_bold", "in this order"),
        ("task-_bold", "in this order"),
        ("run-one_T1w", "must be a number"),
        ("../T1w", "no MR image"),
        ("anat/task-rest_bold", "no MR image"),
        ("", "no MR image"),
    ],
)
def test_invalid_names(name: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        schema.parse(name, "here")


@pytest.mark.parametrize(
    ("orientation", "axis", "positive", "words", "expected"),
    [
        (ALONG, "COL", 1, "", "AP"),
        (ALONG, "COL", 0, "", "PA"),
        (ALONG, "ROW", 1, "", "RL"),
        (ALONG, "ROW", 0, "", "LR"),
        ([0, 1, 0, 0, 0, -1], "COL", 1, "", "SI"),
        ([-1, 0, 0, 0, -1, 0], "COL", 1, "", "PA"),
        # What the header says wins over what it is called.
        (ALONG, "COL", 1, "epi PA", "AP"),
        (ALONG, "COL", None, "epi_PA", "PA"),
        (ALONG, None, 1, "epi AP PA", None),
        (None, "COL", 1, "", None),
        (ALONG, "COL", None, "happy map", None),
    ],
)
def test_directions(
    orientation: Any, axis: str | None, positive: int | None, words: str, expected: str | None
) -> None:
    assert phase_direction.direction(orientation, axis, positive, words) == expected


def header(description: str, **more: str) -> dict[str, Any]:
    empty = dict.fromkeys(("ProtocolName", "PatientName", "PatientID"))
    return {**empty, "SeriesDescription": description, **more}


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("ep2d_bold_rest", "rest"),
        ("rs-fMRI", "rest"),
        ("fMRI_Faces2", "faces"),
        ("2-back", "nback"),
        ("func_task-monkeys_run-01", "monkeys"),
        ("bold Mrs Thistlewood", None),
        ("task-12345678", None),
        ("forest", None),
    ],
)
def test_only_safe_task_labels_are_returned(description: str, expected: str | None) -> None:
    assert task_label(header(description)) == expected


def test_a_label_with_the_patients_name_is_not_taken() -> None:
    named = header("task-Lovelace2_acq-fine", PatientName="Lovelace^Ada", PatientID="A 77")
    assert entity_labels(named) == {"acq": "fine"}
    assert task_label(header("task-love", PatientName="Lovelace^Ada")) is None


def told(echoes: int = 1, parts: tuple[str, ...] = ("mag",)) -> dict[str, Any]:
    return {"echo_times": [10.0 * (number + 1) for number in range(echoes)], "parts": [*parts]}


@pytest.mark.parametrize(
    ("kind", "entities", "facts", "expected"),
    [
        ("bold", "task-x", told(), ["func/sub-1_task-x_bold"]),
        ("bold", "task-x_run-1", told(2),
         ["func/sub-1_task-x_run-1_echo-1_bold", "func/sub-1_task-x_run-1_echo-2_bold"]),
        ("bold", "task-x", told(1, ("mag", "phase")),
         ["func/sub-1_task-x_part-mag_bold", "func/sub-1_task-x_part-phase_bold"]),
        ("dwi/sbref", "", told(), ["dwi/sub-1_sbref"]),
        ("magnitude", "run-1", told(2),
         ["fmap/sub-1_run-1_magnitude1", "fmap/sub-1_run-1_magnitude2"]),
        ("phasediff", "", told(2), ["fmap/sub-1_phase1", "fmap/sub-1_phase2"]),
    ],
)  # fmt: skip
def test_images_of_a_series(
    kind: str, entities: str, facts: dict[str, Any], expected: list[str]
) -> None:
    made = outputs("sub-1", kind, entities, facts["echo_times"], facts["parts"])
    assert [Path(one.path).relative_to("sub-1").as_posix() for one in made] == expected
