import os
from pathlib import Path

import pytest
from ecdysis.bids.discovery import Image, Selection, discover
from ecdysis.bids.labels import match
from ecdysis.errors import InputError


def _dataset(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"image")
    return root


def _fine(path):
    """A preflight that lets every file pass."""


def _names(images):
    return [image.name for image in images]


@pytest.fixture
def dataset(tmp_path):
    return _dataset(
        tmp_path,
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-01/anat/sub-01_T2w.nii.gz",
        "sub-01/func/sub-01_task-rest_bold.nii.gz",
        "sub-02/ses-a/anat/sub-02_ses-a_acq-mprage_run-1_T1w.nii",
        "sub-02/ses-a/anat/sub-02_ses-a_acq-mprage_run-02_T1w.nii.gz",
        "sub-02/ses-b/anat/sub-02_ses-b_T1w.nii.gz",
        "sub-03/anat/sub-03_T2w.nii.gz",
        "derivatives/x/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz",
        "sourcedata/sub-09/anat/sub-09_T1w.nii.gz",
    )


def test_images_have_their_own_entities_and_nothing_is_silently_left(dataset):
    images, exclusions, _ = discover(dataset, Selection(), _fine)
    assert _names(images) == [
        "sub-01/anat/sub-01_T1w",
        "sub-02/ses-a/anat/sub-02_ses-a_acq-mprage_run-02_T1w",
        "sub-02/ses-a/anat/sub-02_ses-a_acq-mprage_run-1_T1w",
        "sub-02/ses-b/anat/sub-02_ses-b_T1w",
    ]
    assert [image.session for image in images] == [None, "a", "a", "b"]
    assert [(item.subject, item.fault) for item in exclusions] == [("03", False)]


def test_phase_images_are_processed_only_when_asked_for(tmp_path):
    names = [f"sub-01_part-{part}_T1w" for part in ("mag", "phase")]
    _dataset(tmp_path, *(f"sub-01/anat/{name}.nii.gz" for name in names))
    found = discover(tmp_path, Selection(), _fine)[0]
    assert _names(found) == [f"sub-01/anat/{names[0]}"]
    asked = Selection(filters={"T1w": {"part": "phase"}})
    assert _names(discover(tmp_path, asked, _fine)[0]) == [f"sub-01/anat/{names[1]}"]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(suffixes=["T2w"]), {"sub-01_T2w", "sub-03_T2w"}),
        (Selection(participant_label=["sub-01"]), {"sub-01_T1w"}),
        (Selection(participant_label=["01"]), {"sub-01_T1w"}),
        (Selection(exclude_participant_label=["02", "sub-03"]), {"sub-01_T1w"}),
        (Selection(session_label=["ses-b"]), {"sub-02_ses-b_T1w"}),
        (
            Selection(filters={"T1w": {"run": 2}}),
            {"sub-02_ses-a_acq-mprage_run-02_T1w"},
        ),
        (
            Selection(filters={"T1w": {"acquisition": None}}),
            {"sub-01_T1w", "sub-02_ses-b_T1w"},
        ),
        (
            Selection(filters={"T1w": {"run": ["1", None], "acquisition": ["mprage", "x"]}}),
            {"sub-02_ses-a_acq-mprage_run-1_T1w"},
        ),
    ],
)
def test_selection(dataset, selection, expected):
    images, _, _ = discover(dataset, selection, _fine)
    assert {Path(name).name for name in _names(images)} == expected


@pytest.mark.parametrize("key", ["participant_label", "exclude_participant_label"])
def test_an_unknown_label_names_the_nearest(dataset, key):
    with pytest.raises(InputError) as error:
        discover(dataset, Selection(**{key: ["001"]}), _fine)
    assert key in str(error.value)
    assert "01" in str(error.value)


def test_a_label_means_that_label_only():
    assert match(["1"], ["01", "1"], "participant_label") == ["1"]
    with pytest.raises(InputError, match=r"no sub-1\. Available: 01, 001, ann and 6 more"):
        match(["1"], ["ann", "bob", "c", "d", "e", "f", "g", "01", "001"], "participant_label")
    with pytest.raises(InputError, match=r"no ses-b\. Available: a\."):
        match(["b"], ["a"], "session_label")


def test_an_image_that_cannot_be_used_is_excluded_with_the_reason(dataset):
    def preflight(path):
        if "sub-01" in path.name:
            raise InputError(path, "it is cut short", "Copy it again")

    images, exclusions, _ = discover(dataset, Selection(), preflight)
    assert len(images) == 3
    assert exclusions[0].image == "sub-01/anat/sub-01_T1w"
    assert exclusions[0].reason == "it is cut short. Copy it again."
    assert exclusions[0].fault


def test_names_that_are_not_bids_and_twins_are_named(tmp_path):
    root = _dataset(
        tmp_path,
        "sub-01/anat/sub-01_T1w.nii",
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-01/anat/sub-01_colour-red_T1w.nii.gz",
    )
    images, exclusions, _ = discover(root, Selection(), _fine)
    assert [Path(image.path).name for image in images] == ["sub-01_T1w.nii"]
    assert sorted(item.reason for item in exclusions) == [
        "its name is not valid BIDS",
        "there is also sub-01_T1w.nii, which is used",
    ]


def test_added_changed_and_deleted_files_are_noticed(dataset):
    looked_at = []

    def preflight(path):
        looked_at.append(path.name)

    _, _, remembered = discover(dataset, Selection(), preflight)
    looked_at.clear()
    discover(dataset, Selection(), preflight, remembered)
    assert looked_at == []

    _dataset(dataset, "sub-04/anat/sub-04_T1w.nii.gz")
    (dataset / "sub-01/anat/sub-01_T1w.nii.gz").write_bytes(b"another image")
    (dataset / "sub-02/ses-b/anat/sub-02_ses-b_T1w.nii.gz").unlink()
    images, _, _ = discover(dataset, Selection(), preflight, remembered)
    assert sorted(looked_at) == ["sub-01_T1w.nii.gz", "sub-04_T1w.nii.gz"]
    assert [image.subject for image in images] == ["01", "02", "02", "04"]


def test_a_broken_link_is_seen(dataset):
    link = dataset / "sub-03/anat/sub-03_T1w.nii.gz"
    link.symlink_to("nowhere")

    def preflight(path):
        if not path.exists():
            raise InputError(path, "it is a broken link", "Fetch it")

    images, exclusions, _ = discover(dataset, Selection(), preflight)
    assert "03" not in {image.subject for image in images}
    assert [item.reason for item in exclusions] == ["it is a broken link. Fetch it."]


def test_an_empty_dataset_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no T1w image"):
        discover(tmp_path, Selection(), _fine)


def test_planned_images_are_taken_until_their_files_are_there(dataset):
    new, old = (
        Image(f"{s}/anat", s, "T1w", s[4:], None, "x", source="dicom") for s in ("sub-07", "sub-01")
    )
    images, _, _ = discover(dataset, Selection(), _fine, planned=[new, old])
    sources = {image.subject: image.source for image in images}
    assert sources == {"01": "bids", "02": "bids", "07": "dicom"}
    images, _, _ = discover(
        dataset, Selection(filters={"T1w": {"run": 1}}), _fine, planned=[new, old]
    )
    assert [image.subject for image in images] == ["02"]


def test_a_change_that_keeps_size_and_time_is_noticed(dataset):
    path = dataset / "sub-01/anat/sub-01_T1w.nii.gz"
    looked_at = []
    _, _, remembered = discover(dataset, Selection(), lambda _: None)
    before = path.stat()
    path.write_bytes(b"egami")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    discover(dataset, Selection(), looked_at.append, remembered)
    assert looked_at == [path]


def test_shards_are_disjoint_and_together_everything(dataset):
    found = []
    for shard in ("1/2", "2/2"):
        images, exclusions, _ = discover(dataset, Selection(shard=shard), _fine)
        found += [image.subject for image in images] + [item.subject for item in exclusions]
    assert sorted(found) == ["01", "02", "02", "02", "03"]
