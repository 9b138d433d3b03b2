"""Every hostile image, by the functions that the workflow calls, in bounded memory and time."""

import os
from pathlib import Path

import numpy as np
import pytest
from crop import crop
from ecdysis.bids.discovery import Selection, discover
from ecdysis.errors import InputError
from ecdysis.image import nifti
from ecdysis.image.reorient import reorient

from tests.hostile import nifti_cases, path_cases
from tests.hostile.case import bounded

CASES = [*nifti_cases.CASES, *path_cases.CASES]
CROP = {"modes": ["auto", "fov"], "slices": {}, "margin": 10, "fov": 170}


def outcome_of(root: Path, out: Path) -> tuple[str, str]:
    """Do what the workflow does with one subject beside a sound one; return outcome and reason."""
    images, exclusions, _ = discover(root, Selection(), nifti.preflight)
    assert "sound" in {image.subject for image in images}
    if exclusions:
        return "excluded", exclusions[0].reason
    (image,) = (image for image in images if image.subject != "sound")
    try:
        reorient(Path(image.path), out / "r.nii", "RAS")
        crop(out / "r.nii", out / "c.nii.gz", CROP, sources=[])
    except InputError as error:
        return "failed", str(error)
    return "processed", ""


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory):
    """Import what the cases need once, in the process that they are forked from."""
    root = tmp_path_factory.mktemp("warm")
    nifti_cases.written()(root, "sound")
    nifti_cases.written()(root, "x1")
    assert outcome_of(root, root)[0] == "processed"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_has_its_outcome_in_bounded_memory_and_time(case, tmp_path):
    root, out = tmp_path / "dataset", tmp_path / "out"
    root.mkdir()
    out.mkdir()
    nifti_cases.written()(root, "sound")
    case.make(root, "x1")
    told = bounded(lambda: outcome_of(root, out))
    assert isinstance(told, tuple), told
    outcome, reason = told
    assert (outcome, case.says in reason) == (case.outcome, True), told
    assert reason.isprintable()


def test_a_file_without_read_permission_is_reported(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("another user can be taken by root alone")
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o055)
    nifti_cases.written()(tmp_path, "sound")
    nifti_cases.written()(tmp_path, "x1")
    nifti_cases.image(tmp_path, "x1").chmod(0o600)

    def as_nobody():
        os.setuid(65534)
        return outcome_of(tmp_path, tmp_path)

    outcome, reason = bounded(as_nobody)
    assert outcome == "excluded"
    assert "Permission denied" in reason


def test_there_are_enough_cases_and_no_two_alike():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) > 60


def test_the_limits_hold():
    assert "MemoryError" in bounded(lambda: np.ones(1 << 30).sum())
