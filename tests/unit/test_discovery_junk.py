"""Discovery on datasets with junk, near misses, and nothing to process."""

import re

import pytest
from bids import BIDSLayout
from bids.layout import BIDSLayoutIndexer
from ecdysis.bids.discovery import Selection, discover
from ecdysis.errors import InputError


def found(root, selection=None, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"image")
    images, exclusions, _ = discover(root, selection or Selection(), lambda path: None)
    return [image.name for image in images], exclusions


GOOD = "sub-01/anat/sub-01_T1w.nii.gz"


def test_hidden_files_are_no_images(tmp_path):
    images, exclusions = found(tmp_path, None, GOOD, "sub-01/anat/._sub-01_T1w.nii.gz")
    assert images == ["sub-01/anat/sub-01_T1w"]
    assert exclusions == []


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("sub-02/anat/sub-02_T1w.NII.GZ", "Rename it to ..._T1w.nii.gz"),
        ("sub-02/anat/sub-02_t1w.nii.gz", "Rename it to ..._T1w.nii.gz"),
        ("sub-02/func/sub-02_T1w.nii.gz", "it lies in func/"),
        ("sub-02/sub-02_T1w.nii", "it lies in sub-02/"),
        ("sub-02/ses-1/dwi/sub-02_ses-1_T1w.nii", "it lies in dwi/"),
    ],
)
def test_near_misses_are_named_as_faults(tmp_path, path, says):
    images, exclusions = found(tmp_path, None, GOOD, path)
    assert images == ["sub-01/anat/sub-01_T1w"]
    assert [(item.subject, item.fault) for item in exclusions] == [("02", True)]
    assert says in exclusions[0].reason


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        (Selection(filters={"T1w": {"acquisition": "x"}}), "filters: none of the 1 images"),
        (Selection(exclude_participant_label=["01"]), "none of the 1 images"),
        (Selection(suffixes=["T2w"]), r"it has no T2w image.* set suffixes: \[T1w\]"),
    ],
)
def test_a_selection_without_images_is_refused(tmp_path, selection, says):
    with pytest.raises(InputError, match=says):
        found(tmp_path, selection, GOOD)


def test_a_subject_without_an_image_is_no_fault(tmp_path):
    images, exclusions = found(tmp_path, None, GOOD, "sub-02/func/sub-02_task-a_bold.nii.gz")
    assert len(images) == 1
    assert [(item.subject, item.fault) for item in exclusions] == [("02", False)]


def test_the_images_are_those_of_a_bids_layout(tmp_path):
    (tmp_path / "dataset_description.json").write_text('{"Name": "a", "BIDSVersion": "1.10.1"}')
    paths = [
        GOOD,
        "sub-001/anat/sub-001_T1w.nii",
        "sub-02/ses-a/anat/sub-02_ses-a_acq-mprage_ce-gad_run-01_T1w.nii.gz",
        "sub-02/ses-b/anat/sub-02_ses-b_rec-norm_run-2_T1w.nii.gz",
        "sub-03/anat/sub-03_echo-1_part-mag_T1w.nii.gz",
        "sub-03/func/sub-03_task-rest_bold.nii.gz",
        "derivatives/x/sub-04/anat/sub-04_T1w.nii.gz",
        "sourcedata/sub-05/anat/sub-05_T1w.nii.gz",
    ]
    images, exclusions = found(tmp_path, None, *paths)
    indexer = BIDSLayoutIndexer(
        validate=False,
        index_metadata=False,
        ignore=["derivatives", "sourcedata", re.compile(r"/func/")],
    )
    layout = BIDSLayout(tmp_path, validate=False, indexer=indexer)
    files = layout.get(suffix="T1w", extension=[".nii", ".nii.gz"])
    expected = {file.relpath.removesuffix(".gz").removesuffix(".nii") for file in files}
    assert set(images) == expected
    assert exclusions == []
    for file in files:
        run = file.get_entities().get("run")
        if run is not None:
            selection = Selection(filters={"T1w": {"run": int(run)}})
            assert found(tmp_path, selection)[0] == [
                file.relpath.removesuffix(".gz").removesuffix(".nii")
            ]
