"""Files of which git-annex keeps the content elsewhere: found, named, and fetched when asked for.

The program `datalad` is a stand-in here, which copies the content from a folder.
"""

import shutil
from pathlib import Path

import pytest
from ecdysis.annex import fetch, is_pointer, pointers_below, pointers_of
from ecdysis.bids.discovery import Exclusion
from ecdysis.errors import InputError
from ecdysis.image.nifti import preflight
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings
from ecdysis.settings import resolve
from ecdysis.study import open_study

DATALAD = """#!/bin/sh
[ "$1" = get ] || exit 2
shift
for file; do cp --remove-destination "$CONTENT/$(basename "$file")" "$file" || exit 1; done
"""
IMAGE = "sub-01/anat/sub-01_T1w"


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A dataset whose only image is a broken link, and a datalad that gets it."""
    root, content, programs = (tmp_path / name for name in ("study", "content", "bin"))
    content.mkdir()
    programs.mkdir()
    write_bids(root, 1, settings=HeadSettings(spacing_mm=(8.0, 8.0, 8.0)))
    image = root / f"{IMAGE}.nii.gz"
    shutil.move(image, content)
    image.symlink_to("../../.git/annex/objects/aa/bb/key/key")
    (programs / "datalad").write_text(DATALAD)
    (programs / "datalad").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("CONTENT", str(content))
    return root


def opened(study: Path, *, dry_run: bool = False, **more: str):
    given = {"bids_dir": str(study), "skullstrip": {"method": "none"}, **more}
    return open_study(resolve(given, study.parent), dry_run=dry_run)


def test_without_the_setting_the_reason_names_the_command(study):
    [fault] = opened(study).exclusions
    assert "broken link" in fault.reason
    assert "datalad get, or set datalad: get" in fault.reason


def test_with_the_setting_the_image_is_fetched(study):
    run = opened(study, datalad="get")
    assert [image.name for image in run.images] == [IMAGE]
    assert not run.exclusions
    assert any("datalad fetched 1 files" in notice for notice in run.notices)


def test_a_dry_run_fetches_nothing(study):
    assert opened(study, dry_run=True, datalad="get").exclusions
    assert is_pointer(study / f"{IMAGE}.nii.gz")


def test_a_pointer_file_is_named(tmp_path):
    file = tmp_path / "sub-01_T1w.nii.gz"
    file.write_text("/annex/objects/MD5E-s10--0123.nii.gz\n")
    assert is_pointer(file)
    with pytest.raises(InputError, match=r"git-annex.*datalad get"):
        preflight(file)


def test_other_files_are_no_pointers(tmp_path):
    (tmp_path / "text").write_text("/annex")
    (tmp_path / "link").symlink_to("nowhere")
    assert not any(map(is_pointer, [*tmp_path.iterdir(), tmp_path, tmp_path / "missing"]))


def test_sidecars_are_fetched_too_and_git_is_left_alone(tmp_path):
    for name in ("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_T1w.json", ".git/a", "b.dcm"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(".git/annex/objects/key")
    excluded = [Exclusion(IMAGE, "01", "a broken link"), Exclusion(None, "02", "no image")]
    names = [path.name for path in pointers_of(tmp_path, excluded)]
    assert names == ["sub-01_T1w.nii.gz", "sub-01_T1w.json"]
    assert {path.name for path in pointers_below(tmp_path)} == {*names, "b.dcm"}


def test_a_failure_names_the_command_and_no_file(study, monkeypatch):
    image = study / f"{IMAGE}.nii.gz"
    monkeypatch.setenv("CONTENT", "/nowhere")
    with pytest.raises(InputError, match="datalad get ended with exit status 1") as failed:
        fetch([image], study, "dicom_dir")
    assert image.name not in str(failed.value)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="datalad is not on PATH"):
        fetch([image], study, "dicom_dir")
    assert fetch([], study, "dicom_dir") == 0
