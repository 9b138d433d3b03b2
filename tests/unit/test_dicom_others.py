"""What the series of a session that are not processed further are called."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from ecdysis.key import Key
from ecdysis.planning.decision import PlanOptions
from ecdysis.planning.plan import Sources, plan

from tests.dicom_builder import EPI, FIELD_MAP, MPRAGE, T2, write_series

KEY = Key(bytes(range(32)))
BOLD = {"header": EPI, "volumes": 12}
THICK = {**T2, "SliceThickness": 4}
PHASE = ["ORIGINAL", "PRIMARY", "P", "ND"]


def planned(root: Path, *series: dict[str, Any], others: bool = True) -> dict[str, Any]:
    for number, given in enumerate(series, start=1):
        words = {
            "series": str(number),
            "SeriesNumber": number,
            "AcquisitionTime": f"10{number:02}00",
        }
        write_series(root / f"scans/{number}", **(words | given))
    wishes = PlanOptions(others=others)
    sources = Sources(root / "scans", root / "private", KEY)
    return asdict(plan(sources, root / "bids", wishes))


def names(made: dict[str, Any]) -> list[str]:
    """The images in the order of their series."""
    series = sorted(made["others"], key=lambda one: one["number"])
    return [
        f"{output['folder'].removeprefix('sub-01/')}/{output['entities']}_{output['suffix']}".replace(
            "sub-01_", ""
        )
        for one in series
        for output in one["outputs"]
    ]


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        pytest.param(
            [BOLD | {"SeriesDescription": "rest"}, BOLD | {"SeriesDescription": "faces"}],
            ["func/task-rest_bold", "func/task-faces_bold"],
            id="tasks",
        ),
        pytest.param(
            [BOLD | {"SeriesDescription": "Miss Thistlewood"}] * 2,
            ["func/task-unnamed_run-1_bold", "func/task-unnamed_run-2_bold"],
            id="no task is named",
        ),
        pytest.param(
            [BOLD | {"SeriesDescription": "task-tea_acq-mb4_dir-PA_bold"}],
            ["func/task-tea_acq-mb4_dir-PA_bold"],
            id="entities in the description",
        ),
        pytest.param(
            [
                {"header": EPI, "SeriesDescription": "rest_SBRef"},
                BOLD | {"SeriesDescription": "rest"},
                {"header": EPI, "SeriesDescription": "dti_SBRef"},
                {"header": EPI, "SeriesDescription": "dti", "volumes": 12},
                {"header": EPI, "SeriesDescription": "stray_SBRef"},
            ],
            ["func/task-rest_sbref", "func/task-rest_bold", "dwi/sbref", "dwi/dwi"],
            id="references",
        ),
        pytest.param(
            [
                {"header": FIELD_MAP},
                {"header": FIELD_MAP, "EchoTime": 7.38},
                {"header": FIELD_MAP, "ImageType": PHASE, "EchoTime": 7.38},
            ],
            ["fmap/magnitude1", "fmap/magnitude2", "fmap/phasediff"],
            id="a field map in three series",
        ),
        pytest.param(
            [
                {"header": FIELD_MAP, "volumes": 2, "by_volume": [{"EchoTime": 4.92},
                                                                  {"EchoTime": 7.38}]},
                {"header": FIELD_MAP, "ImageType": PHASE, "EchoTime": 7.38},
            ],
            ["fmap/magnitude1", "fmap/magnitude2", "fmap/phasediff"],
            id="a field map in two series",
        ),
        pytest.param(
            [
                {"header": EPI, "SeriesDescription": "topup AP", "volumes": 2},
                {"header": EPI, "SeriesDescription": "topup PA", "volumes": 2},
                {"header": EPI, "SeriesDescription": "topup PA", "volumes": 2},
            ],
            ["fmap/dir-AP_epi", "fmap/dir-PA_run-1_epi", "fmap/dir-PA_run-2_epi"],
            id="directions",
        ),
        pytest.param(
            [{"header": EPI, "SeriesDescription": "distortion", "volumes": 2,
              "InPlanePhaseEncodingDirection": "ROW"}],
            ["fmap/dir-row_epi"],
            id="an unknown polarity",
        ),
        pytest.param(
            [
                BOLD | {"SeriesDescription": "rest", "EchoTime": 12.0, "AcquisitionTime": "100000"},
                BOLD | {"SeriesDescription": "rest", "EchoTime": 30.0, "AcquisitionTime": "100000"},
            ],
            ["func/task-rest_echo-1_bold", "func/task-rest_echo-2_bold"],
            id="a series for each echo",
        ),
        pytest.param(
            [
                BOLD | {"SeriesDescription": "rest", "AcquisitionTime": "100000"},
                BOLD | {"SeriesDescription": "rest", "AcquisitionTime": "100000",
                        "ImageType": PHASE},
            ],
            ["func/task-rest_part-mag_bold", "func/task-rest_part-phase_bold"],
            id="magnitude and phase",
        ),
        pytest.param(
            [
                BOLD | {"SeriesDescription": "rest", "AcquisitionTime": "100000"},
                BOLD | {"SeriesDescription": "rest", "AcquisitionTime": "100000",
                        "ImageType": ["ORIGINAL", "PRIMARY", "M", "NORM", "MOCO"]},
            ],
            ["func/task-rest_bold", "func/task-rest_rec-moco_bold"],
            id="a corrected copy",
        ),
        pytest.param(
            [
                {"header": THICK, "slices": 11},
                {"header": {**THICK, "SeriesDescription": "inplane"}, "slices": 14},
                BOLD | {"SeriesDescription": "rest", "slices": 11, "SliceThickness": 4},
            ],
            ["anat/run-1_inplaneT2", "anat/run-2_inplaneT2", "func/task-rest_bold"],
            id="in the plane of a functional series, or named so",
        ),
        pytest.param(
            [{"header": EPI, "SeriesDescription": "dti", "volumes": 12,
              "ImageType": ["DERIVED", "PRIMARY", "DIFFUSION"]}],
            [],
            id="derived diffusion",
        ),
        pytest.param(
            [BOLD | {"SeriesDescription": "rest", "skip": {140}}], [], id="an incomplete volume"
        ),
        pytest.param(
            [{"header": {**EPI, "ScanningSequence": ["EP", "SE"]}, "volumes": 3}],
            ["fmap/dir-unknown_epi"],
            id="spin-echo with few volumes",
        ),
    ],
)  # fmt: skip
def test_names(tmp_path: Path, series: list[dict[str, Any]], expected: list[str]) -> None:
    made = planned(tmp_path, {"series": "t1", "SeriesNumber": 99}, *series)
    assert names(made) == expected
    assert len(made["images"]) == 1
    given = len(made["others"]) + len(made["unmapped"])
    assert given == len(series), "a series disappeared"


def test_other_kinds_can_be_left_out(tmp_path: Path) -> None:
    made = planned(tmp_path, {"header": MPRAGE}, {"header": T2}, BOLD, others=False)
    assert made["others"] == []
    assert len(made["unmapped"]) == 2


def test_names_of_an_earlier_run_stay(tmp_path: Path) -> None:
    first = planned(tmp_path, BOLD | {"SeriesDescription": "rest"})
    again = planned(tmp_path, BOLD | {"SeriesDescription": "rest"},
                    BOLD | {"SeriesDescription": "rest", "SeriesNumber": 0})  # fmt: skip
    assert names(first) == ["func/task-rest_bold"]
    assert sorted(names(again)) == ["func/task-rest_bold", "func/task-rest_run-2_bold"]
