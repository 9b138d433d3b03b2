"""Which T1w of a session gives its mask to the other contrasts."""

import nibabel as nib
import numpy as np
import pytest
from ecdysis.best_t1w import best_t1ws
from ecdysis.bids.discovery import Image
from ecdysis.files import write_json
from ecdysis.places import record_file

GRIDS = {
    "acq-localizer": ((64, 64, 3), (4.0, 4.0, 40.0)),
    "acq-mprage": ((48, 48, 48), (4.0, 4.0, 4.0)),
    "acq-thick": ((96, 96, 20), (2.0, 2.0, 8.0)),
    "acq-zoomed": ((96, 96, 20), (1.0, 1.0, 1.0)),
}


@pytest.fixture
def session(tmp_path):
    """Four T1w and a T2w of one session."""
    images = []
    for acquisition, (shape, zooms) in GRIDS.items():
        entities = f"sub-01_{acquisition}"
        path = tmp_path / f"{entities}_T1w.nii.gz"
        nib.save(nib.Nifti1Image(np.zeros(shape, np.uint8), np.diag([*zooms, 1])), path)
        images.append(Image("sub-01/anat", entities, "T1w", "01", None, str(path)))
    return [*images, Image("sub-01/anat", "sub-01", "T2w", "01", None, str(tmp_path / "t2w.nii"))]


def chosen(session, folder):
    return best_t1ws(session, folder)["sub-01/anat/sub-01_T2w"].partition("acq-")[2]


def recorded(folder, acquisition, **content):
    write_json(folder / record_file(f"sub-01/anat/sub-01_{acquisition}_T1w", "skullstrip"), content)


def test_the_whole_head_with_the_smallest_voxels_is_the_best(session, tmp_path):
    assert chosen(session, tmp_path) == "mprage_T1w"


def test_when_its_skull_stripping_failed_the_next_is_taken(session, tmp_path):
    recorded(tmp_path, "acq-mprage", state="failed")
    assert chosen(session, tmp_path) == "thick_T1w"
    check = {"check": {"verdict": "fail"}}
    recorded(tmp_path, "acq-mprage", state="done", details=check)
    assert chosen(session, tmp_path) == "thick_T1w"
    check = {"check": {"verdict": "look"}}
    recorded(tmp_path, "acq-mprage", state="done", details=check)
    assert chosen(session, tmp_path) == "mprage_T1w"


def test_an_image_that_is_not_converted_yet_comes_last(session, tmp_path):
    absent = Image("sub-01/anat", "sub-01_acq-0", "T1w", "01", None, str(tmp_path / "absent.nii"))
    assert best_t1ws([absent, *session], tmp_path) == best_t1ws(session, tmp_path)


def test_without_a_choice_nothing_is_read(session, tmp_path):
    assert best_t1ws([session[0], session[-1]], tmp_path) == {}
