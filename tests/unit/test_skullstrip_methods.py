"""Methods of other packages, by stand-ins for their programs; and given masks."""

import os
from pathlib import Path
from pkgutil import iter_modules

import nibabel as nib
import numpy as np
import pytest
import yaml
from ecdysis.bids.image_name import ImageName
from ecdysis.errors import InputError
from ecdysis.report.methods import keys_of
from ecdysis.report.references import known
from ecdysis.skullstrip import external_program, methods
from ecdysis.skullstrip.method import load, method_name
from ecdysis.skullstrip.methods import bet, given, synthstrip

AFFINE = np.diag([2.0, 2, 2, 1])
PROGRAMS = {"bet": "bet", "synthstrip": "mri_synthstrip"}
MODULES = {"bet": bet, "synthstrip": synthstrip}


@pytest.fixture
def head(tmp_path):
    """A head of noise in a folder whose name a shell would misread."""
    folder = tmp_path / "a folder $(of) heads"
    folder.mkdir()
    data = np.random.default_rng(0).integers(1, 100, (40, 50, 45)).astype(np.int16)
    nib.save(nib.Nifti1Image(data, AFFINE), folder / "head.nii")
    return folder / "head.nii"


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a program first on PATH that notes its arguments and copies a mask into place."""

    def install(name, output, mask):
        folder = tmp_path / "bin"
        folder.mkdir()
        nib.save(nib.Nifti1Image(mask.astype(np.uint8), AFFINE), folder / "mask.nii.gz")
        script = folder / name
        script.write_text(
            f'#!/bin/sh\necho "$@" > {folder}/arguments\ncp {folder}/mask.nii.gz {output}\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder / "arguments"

    return install


def block():
    mask = np.zeros((40, 50, 45), bool)
    mask[5:35, 5:45, 5:40] = True
    return mask


@pytest.mark.parametrize(
    ("method", "output", "expected"),
    [
        ("bet", "brain_mask.nii.gz", ["-m", "-R", "-n"]),
        ("synthstrip", "mask.nii.gz", ["-i", "-m mask.nii.gz"]),
    ],
)
def test_the_command_line_and_the_mask(head, tmp_path, stand_in, method, output, expected):
    noted = stand_in(PROGRAMS[method], output, block())
    details = external_program.strip(head, tmp_path / "mask.nii", MODULES[method].find)
    arguments = noted.read_text()
    for words in expected:
        assert words in arguments
    assert "$(of)" not in arguments
    assert np.array_equal(np.asanyarray(nib.load(tmp_path / "mask.nii").dataobj) > 0, block())
    assert details["measures"]["volume_ml"] == pytest.approx(30 * 40 * 35 * 8 / 1000)
    assert details["check"]["verdict"] == "fail"


@pytest.mark.parametrize("method", PROGRAMS)
def test_a_missing_program_is_reported(method, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=PROGRAMS[method]):
        load(method).require({})


def test_an_empty_mask_is_refused(head, tmp_path, stand_in):
    stand_in("mri_synthstrip", "mask.nii.gz", np.zeros((40, 50, 45)))
    with pytest.raises(InputError, match="no brain"):
        external_program.strip(head, tmp_path / "mask.nii", synthstrip.find)
    assert not (tmp_path / "mask.nii").exists()


def test_a_mask_of_another_shape_is_an_error(head, tmp_path, stand_in):
    stand_in("mri_synthstrip", "mask.nii.gz", np.ones((40, 50, 44)))
    with pytest.raises(RuntimeError, match="shape"):
        external_program.strip(head, tmp_path / "mask.nii", synthstrip.find)


def test_a_given_mask_is_turned_to_the_reoriented_image(head, tmp_path):
    mask = block()
    mask[:20, :25, :] = False
    image = nib.Nifti1Image(mask.astype(np.uint8), AFFINE)
    change = nib.orientations.ornt_transform(
        nib.io_orientation(AFFINE), nib.orientations.axcodes2ornt("PSL")
    )
    nib.save(image.as_reoriented(change), tmp_path / "given.nii.gz")
    details = given.take(head, tmp_path / "given.nii.gz", tmp_path / "mask.nii")
    assert np.array_equal(np.asanyarray(nib.load(tmp_path / "mask.nii").dataobj) > 0, mask)
    assert details["measures"]["volume_ml"] == pytest.approx(mask.sum() * 8 / 1000, abs=0.1)


def test_a_given_mask_on_another_grid_is_refused(head, tmp_path):
    shifted = AFFINE.copy()
    shifted[0, 3] = 8
    nib.save(nib.Nifti1Image(block().astype(np.uint8), shifted), tmp_path / "given.nii.gz")
    with pytest.raises(InputError, match="grid"):
        given.take(head, tmp_path / "given.nii.gz", tmp_path / "mask.nii")


def test_given_masks_are_found_by_name(tmp_path):
    with pytest.raises(InputError, match="masks"):
        given.require({"skullstrip": {"masks": str(tmp_path)}})
    path = tmp_path / "sub-1/anat/sub-1_space-T2w_desc-brain_mask.nii.gz"
    path.parent.mkdir(parents=True)
    path.touch()
    given.require({"skullstrip": {"masks": str(tmp_path)}})
    assert given.given_mask(tmp_path, ImageName("sub-1/anat", "sub-1", "T2w")) == path
    with pytest.raises(InputError, match="no such brain mask"):
        given.given_mask(tmp_path, ImageName("sub-1/anat", "sub-1", "T1w"))


def test_the_method_none_with_masks_is_that_of_given_masks():
    def method(name, masks):
        return method_name({"skullstrip": {"method": name, "masks": masks}})

    assert method("none", None) == "none"
    assert method("none", "somewhere") == "given"
    assert method("bet", None) == "bet"


def test_every_method_of_the_schema_is_a_module_with_its_citations():
    schema = yaml.safe_load((Path(__file__).parents[2] / "config/schema.yaml").read_text())
    names = schema["properties"]["skullstrip"]["properties"]["method"]["enum"]
    modules = {module.name for module in iter_modules(methods.__path__)}
    assert modules == {*names, "given"} - {"none"}
    for name in modules:
        method = load(name)
        assert set(keys_of([method.sentence])) <= set(known())
        assert callable(method.require)
