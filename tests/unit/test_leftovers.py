"""What is left of a killed process or a failed job is removed, and nothing else."""

import pytest
from ecdysis.leftovers import drop_descriptions, sweep


@pytest.fixture
def made(tmp_path):
    """Make files in a folder; returns a function that says what is still there."""

    def make(*names):
        for name in names:
            (tmp_path / name).write_text("")
        return lambda: {path.name for path in tmp_path.iterdir()}

    return make


def test_only_files_without_their_final_name_are_swept(made, tmp_path):
    left = made(".12.sub-01_T1w.nii.gz", ".bidsignore", "sub-01_T1w.nii.gz", "12.txt")
    (tmp_path / ".34.template").mkdir()
    assert sweep(tmp_path) == 2
    assert left() == {".bidsignore", "sub-01_T1w.nii.gz", "12.txt"}


def test_descriptions_go_with_their_images(made, tmp_path):
    left = made(
        "sub-01_dseg.json",
        "sub-01_dseg.tsv",
        "sub-01_from-T1w_to-MNI_mode-image_xfm.json",
        "sub-01_desc-brain_mask.nii.gz",
        "sub-01_desc-brain_mask.json",
        "sub-01_desc-manual_mask.json",
    )
    made_by_jobs = ("sub-01_dseg.nii.gz", "sub-01_from-T1w_to-MNI_mode-image_xfm.h5")
    drop_descriptions(
        tmp_path / name for name in (*made_by_jobs, "sub-01_desc-brain_mask.nii.gz", "index.html")
    )
    assert left() == {
        "sub-01_desc-brain_mask.nii.gz",
        "sub-01_desc-brain_mask.json",
        "sub-01_desc-manual_mask.json",
    }


def test_a_table_is_no_image(made, tmp_path):
    left = made("participants_qc.json")
    drop_descriptions([tmp_path / "participants_qc.tsv"])
    assert left() == {"participants_qc.json"}
