"""What a run does with the results of earlier runs in its output directory."""

from pathlib import Path

import pytest
from ecdysis.bids.discovery import Image, to_json
from ecdysis.errors import InputError
from ecdysis.files import read_json, write_json
from ecdysis.places import MANIFEST
from ecdysis.results import leftovers, remove_faces
from ecdysis.settings import resolve
from ecdysis.start import check_dataset, check_targets, undone_on_error
from ecdysis.study import Study, open_study

from tests.unit.nifti_images import noise, save

DESCRIPTION = '{"Name": "a", "BIDSVersion": "1.10.1"}'


def raw(root, label):
    path = root / f"sub-{label}/anat/sub-{label}_T1w.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, noise((40, 40, 40)))
    return path


@pytest.fixture
def study(tmp_path):
    root = tmp_path / "study"
    for label in ("01", "02"):
        raw(root, label)
    (root / "dataset_description.json").write_text(DESCRIPTION)
    return root


@pytest.fixture
def opened(study):
    def start(dry_run=False, **given):
        given = {"bids_dir": str(study), "skullstrip": {"method": "none"}, **given}
        return open_study(resolve(given, study), dry_run=dry_run)

    return start


def finish(study, *labels):
    results = study / "derivatives/ecdysis"
    for label in labels:
        path = results / f"sub-{label}/anat/sub-{label}_desc-preproc_T1w.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"result")
    return results


def files(root):
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


def test_a_run_of_one_subject_keeps_the_others_in_the_report(opened, study):
    opened()
    results = finish(study, "01")
    one = opened(participant_label="02")
    assert [image.subject for image in one.images] == ["02"]
    manifest = read_json(results / MANIFEST)
    assert [item["subject"] for item in manifest["images"]] == ["01", "02"]
    assert manifest["selected"] == ["sub-02/anat/sub-02_T1w"]
    assert [image.subject for image in Study.load(one.settings).images] == ["02"]


def test_an_image_without_results_is_not_kept(opened, study):
    opened()
    opened(participant_label="02")
    manifest = read_json(study / "derivatives/ecdysis" / MANIFEST)
    assert [item["subject"] for item in manifest["images"]] == ["02"]


def test_a_dry_run_writes_nothing(opened, study):
    opened()
    finish(study, "01")
    before = files(study)
    opened(dry_run=True, participant_label="02")
    assert files(study) == before


def test_results_of_a_missing_raw_file_stay_in_the_report(opened, study):
    opened()
    results = finish(study, "01", "02")
    path = study / "sub-01/anat/sub-01_T1w.nii.gz"
    path.unlink()
    path.symlink_to("../../.git/annex/objects/nowhere")
    again = opened()
    assert [image.subject for image in again.images] == ["02"]
    assert again.exclusions == []
    assert "sub-01/anat/sub-01_T1w" in again.notices[0]
    manifest = read_json(results / MANIFEST)
    assert [item["subject"] for item in manifest["images"]] == ["01", "02"]


def test_a_missing_raw_file_without_results_is_a_fault(opened, study):
    path = study / "sub-01/anat/sub-01_T1w.nii.gz"
    path.unlink()
    path.symlink_to("../../.git/annex/objects/nowhere")
    assert [(item.subject, item.fault) for item in opened().exclusions] == [("01", True)]


def test_results_of_a_deleted_subject_are_listed_with_a_command(opened, study):
    opened()
    results = finish(study, "01", "02")
    (results / "sub-02.html").write_text("page")
    for path in sorted((study / "sub-02").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (study / "sub-02").rmdir()
    again = opened()
    assert [item["subject"] for item in read_json(results / MANIFEST)["images"]] == ["01"]
    assert f"cd {results} && rm -r sub-02 sub-02.html" in again.notices[0]


def test_results_with_faces_are_removed_when_faces_go(study):
    results = finish(study, "01")
    anat = results / "sub-01/anat"
    for name in ("sub-01_desc-preproc_T1w.json", "sub-01_desc-biascorrected_T1w.nii.gz",
                 "sub-01_desc-biascorrected_T1w.json", "sub-01_desc-brain_T1w.nii.gz"):  # fmt: skip
        (anat / name).write_text("{}")
    assert remove_faces(results) == ["sub-01_T1w"]
    assert [path.name for path in anat.iterdir()] == ["sub-01_desc-brain_T1w.nii.gz"]
    assert leftovers(results, ["01"], deface=True) == []


def test_defaced_images_are_left_over_in_a_run_without_defacing(study):
    results = finish(study, "01")
    defaced = results / "sub-01/anat/sub-01_desc-defaced_T1w.nii.gz"
    defaced.write_text("")
    assert leftovers(results, ["01"], deface=False) == [defaced]


def test_an_error_leaves_no_folder_and_no_key(tmp_path):
    settings = {
        "output_dir": str(tmp_path / "a/b/out"),
        "private_dir": str(tmp_path / "private"),
        "key_file": str(tmp_path / "key"),
    }

    def fail():
        for key in ("output_dir", "private_dir"):
            Path(settings[key]).mkdir(parents=True)
            Path(settings[key], "run.lock").touch()
        Path(settings["key_file"]).touch()
        raise InputError("a", "b", "c")

    with pytest.raises(InputError), undone_on_error(settings):
        fail()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "private").mkdir()
    (tmp_path / "key").touch()
    with pytest.raises(InputError), undone_on_error(settings):
        raise InputError("a", "b", "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "private"]


@pytest.mark.parametrize(
    ("given", "targets", "says"),
    [
        ({}, [], "no dataset is given"),
        ({}, ["plan"], "dicom_dir is not given"),
        ({}, ["headers"], "dicom_dir is not given"),
        ({"dicom_dir": "x"}, ["headers"], "deid_dir is not given"),
        ({"dicom_dir": "x"}, ["deidentify"], "deid_dir is not given"),
        ({"dicom_dir": "x"}, [], "the dataset to make of it is not given"),
        ({}, ["report"], "bids_dir is not given"),
        ({}, ["demo"], None),
        ({"dicom_dir": "x"}, ["plan"], "no DICOM file"),
        ({"dicom_dir": "none"}, ["plan"], "no directory"),
        ({"dicom_dir": "scans"}, ["plan"], None),
    ],
)
def test_targets_without_their_settings_are_refused(tmp_path, given, targets, says):
    for name in ("x", "scans"):
        (tmp_path / name).mkdir()
    (tmp_path / "scans/1").write_bytes(bytes(128) + b"DICM")
    settings = resolve(given, tmp_path)
    if says is None:
        check_targets(settings, targets)
        return
    with pytest.raises(InputError, match=says):
        check_targets(settings, targets)


def test_a_folder_that_is_no_raw_dataset_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder sub-"):
        check_dataset(tmp_path)
    raw(tmp_path, "01")
    assert "has no dataset_description.json" in check_dataset(tmp_path)[0]
    description = tmp_path / "dataset_description.json"
    description.write_text(DESCRIPTION)
    assert check_dataset(tmp_path) == []
    description.write_text('{"Name": "a", "DatasetType": "derivative"}')
    with pytest.raises(InputError, match="derivative dataset"):
        check_dataset(tmp_path)
    description.write_text("{")
    assert "cannot be read as JSON" in check_dataset(tmp_path)[0]


def test_manifests_of_earlier_versions_select_every_image(tmp_path):
    image = Image("sub-1/anat", "sub-1", "T1w", "1", None, "/raw")
    manifest = {"images": to_json([image]), "excluded": [], "plan": {}, "statmaps": []}
    write_json(tmp_path / MANIFEST, manifest)
    assert Study.load({"output_dir": str(tmp_path)}).images == [image]
