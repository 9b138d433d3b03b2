"""Which field map is for which image."""

from typing import Any

import pytest
from ecdysis.bids.outputs import Output
from ecdysis.conversion.fieldmaps import SessionImage, links

SHIM, OTHER_SHIM = [1, 2, 3], [4, 5, 6]


def item(name: str, number: int, direction: str | None = None, **sidecar: Any) -> SessionImage:
    folder, _, stem = name.partition("/")
    entities, _, suffix = stem.rpartition("_")
    if direction:
        sidecar["PhaseEncodingDirection"] = direction
    output = Output(f"sub-1/{folder}", f"sub-1_{entities}".rstrip("_"), suffix)
    return SessionImage(output, number, sidecar)


def tied(*items: SessionImage) -> dict[str, dict[str, Any]]:
    found = links(items, "sub-1")
    return {
        path.rpartition("sub-1_")[2].removesuffix(".nii.gz"): one for path, one in found.items()
    }


def test_a_pair_is_for_all_time_series_but_not_for_anatomy() -> None:
    found = tied(
        item("anat/T1w", 1),
        item("fmap/dir-AP_epi", 2, "j-"),
        item("fmap/dir-PA_epi", 3, "j"),
        item("func/task-a_bold", 4, "j-"),
        item("dwi/dwi", 5, "j-"),
    )
    assert set(found) == {"dir-AP_epi", "dir-PA_epi", "task-a_bold", "dwi"}
    assert found["dir-AP_epi"] == found["dir-PA_epi"] == {
        "B0FieldIdentifier": "pepolar1",
        "IntendedFor": ["bids::sub-1/func/sub-1_task-a_bold.nii.gz",
                        "bids::sub-1/dwi/sub-1_dwi.nii.gz"],
    }  # fmt: skip
    assert found["task-a_bold"] == {"B0FieldSource": "pepolar1"}


def test_each_run_gets_the_pair_before_it_and_the_first_the_one_after() -> None:
    found = tied(
        item("func/task-a_run-1_bold", 1, "j-"),
        item("fmap/dir-AP_run-1_epi", 2, "j-"),
        item("fmap/dir-PA_run-1_epi", 3, "j"),
        item("func/task-a_run-2_bold", 4, "j-"),
        item("fmap/dir-AP_run-2_epi", 5, "j-"),
        item("fmap/dir-PA_run-2_epi", 6, "j"),
        item("func/task-a_run-3_bold", 7, "j-"),
    )
    sources = [found[f"task-a_run-{run}_bold"]["B0FieldSource"] for run in (1, 2, 3)]
    assert sources == ["pepolar1", "pepolar1", "pepolar2"]


def test_the_shim_has_priority_over_the_time() -> None:
    found = tied(
        item("fmap/dir-AP_run-1_epi", 1, "j-", ShimSetting=SHIM),
        item("fmap/dir-PA_run-1_epi", 2, "j", ShimSetting=SHIM),
        item("fmap/dir-AP_run-2_epi", 3, "j-", ShimSetting=OTHER_SHIM),
        item("fmap/dir-PA_run-2_epi", 4, "j", ShimSetting=OTHER_SHIM),
        item("func/task-a_bold", 5, "j-", ShimSetting=SHIM),
    )
    assert found["task-a_bold"]["B0FieldSource"] == "pepolar1"
    assert "IntendedFor" not in found["dir-AP_run-2_epi"]


@pytest.mark.parametrize(("direction", "used"), [("j-", True), ("j", False), ("i", False)])
def test_one_direction_alone_needs_a_series_of_the_other(direction: str, used: bool) -> None:
    found = tied(item("fmap/dir-PA_epi", 1, "j"), item("func/task-a_bold", 2, direction))
    assert ("IntendedFor" in found["dir-PA_epi"]) is used
    expected = {"B0FieldSource": "pepolar1", "B0FieldIdentifier": "pepolar1"} if used else None
    assert found.get("task-a_bold") == expected


def test_the_images_of_one_gradient_echo_map_belong_together() -> None:
    found = tied(
        *(item(f"fmap/{suffix}", at) for at, suffix in enumerate(("magnitude1", "phasediff"))),
        item("func/task-a_sbref", 3),
    )
    assert {one.get("B0FieldIdentifier") for one in found.values()} == {"fieldmap1", None}
    assert found["task-a_sbref"] == {"B0FieldSource": "fieldmap1"}


def test_directions_of_another_axis_are_another_map() -> None:
    found = tied(*(item(f"fmap/dir-{name}_epi", at, way) for at, (name, way) in enumerate(
        (("AP", "j-"), ("PA", "j"), ("LR", "i-"), ("RL", "i")))))  # fmt: skip
    assert found["dir-AP_epi"] == found["dir-PA_epi"]
    assert found["dir-LR_epi"] == found["dir-RL_epi"] != found["dir-AP_epi"]


def test_identifiers_of_sessions_differ_and_given_ones_stay() -> None:
    one = SessionImage(Output("sub-1/ses-2/fmap", "sub-1_ses-2", "phasediff"), 1, {})
    (made,) = links([one], "sub-1_ses-2").values()
    assert made == {"B0FieldIdentifier": "fieldmap1_ses2"}
    mine = item("fmap/phasediff", 1, B0FieldIdentifier="mine")
    assert tied(mine, item("func/task-a_bold", 2))["task-a_bold"] == {"B0FieldSource": "mine"}


def test_without_field_maps_nothing_is_linked() -> None:
    assert tied(item("func/task-a_bold", 1, "j")) == {}
