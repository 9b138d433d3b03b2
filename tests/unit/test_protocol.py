"""The protocol check finds every planted deviation, and none in a uniform study."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ecdysis.dicom.index import index
from ecdysis.key import Key
from ecdysis.planning.entries import Deviation, Facts
from ecdysis.planning.facts import series_facts
from ecdysis.planning.protocol import Acquired, deviations, protocols, without_free_text
from ecdysis.planning.series import group_series

from tests.dicom_builder import MPRAGE, write_series

PLANTED: list[tuple[str, dict[str, Any]]] = [
    ("repetition time (ms)", {"repetition_time": 2000.0}),
    ("echo times (ms)", {"echo_times": [3.5]}),
    ("flip angle (degrees)", {"flip_angle": 12.0}),
    ("voxel size (mm)", {"pixel_mm": 1.0}),
    ("voxel size (mm)", {"slice_mm": 1.2}),
    ("phase encoding", {"direction": "PA"}),
    ("b-values (s/mm2)", {"b_values": [0.0, 700.0]}),
    ("slices", {"slices": 11}),
]


@pytest.fixture
def usual(tmp_path: Path) -> Facts:
    write_series(tmp_path / "scans", header=MPRAGE)
    headers = index(tmp_path / "scans", tmp_path / "index.json")
    (series,) = group_series(headers, Key(bytes([9] * 32)))
    return series_facts(series)


def study(usual: Facts) -> list[Acquired]:
    # A scanner adjusts its repetition time by less than a thousandth.
    return [
        Acquired(f"sub-{subject:02d}", name, replace(usual, repetition_time=2300.0 + subject % 2),
                 "Head_32", "syngo MR E11")
        for subject in range(1, 41)
        for name in ("T1w", "task-rest_bold")
    ]  # fmt: skip


def found_in(images: list[Acquired]) -> list[Deviation]:
    return deviations(without_free_text(protocols(images)))


def test_a_uniform_study_has_no_deviations(usual: Facts) -> None:
    assert found_in(study(usual)) == []
    groups = protocols(study(usual))
    assert [(group.name, len(group.sessions), group.largest) for group in groups] == [
        ("T1w", 40, True),
        ("task-rest_bold", 40, True),
    ]


def test_echoes_in_separate_series_do_not_deviate(usual: Facts) -> None:
    images = [
        Acquired(f"sub-{subject}", f"task-rest_echo-{echo}_bold",
                 replace(usual, echo_times=[12.0 * echo + 0.01 * subject]))
        for subject in range(5)
        for echo in (1, 2, 3)
    ]  # fmt: skip
    assert found_in(images) == []


def test_planted_deviations_are_all_found_and_nothing_else(usual: Facts) -> None:
    images = study(usual)
    expected = set()
    for at in random.Random(5).sample(range(len(images)), 20):
        kind = at % (len(PLANTED) + 2)
        image = images[at]
        if kind < len(PLANTED):
            parameter, change = PLANTED[kind]
            images[at] = replace(image, facts=replace(image.facts, **change))
        else:
            parameter = ("receive coil", "software version")[kind - len(PLANTED)]
            word = {"receive coil": "coil", "software version": "software"}[parameter]
            images[at] = replace(image, **{word: "Dr. Secret's"})
        expected.add((image.session, image.name, parameter))
    found = found_in(images)
    assert {(item.session, item.name, item.parameter) for item in found} == expected
    assert len(expected) == len(found) == 20
    assert "Secret" not in repr(found)


def test_without_a_usual_value_nothing_deviates(usual: Facts) -> None:
    two = [Acquired("sub-01", "T1w", usual), Acquired("sub-02", "T1w", replace(usual, slices=3))]
    assert found_in(two) == []
    even = [Acquired(f"sub-{at}", "T1w", replace(usual, slices=12 + at % 2)) for at in range(6)]
    assert found_in(even) == []
    assert len(protocols(even)) == 2
