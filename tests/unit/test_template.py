"""The head template: found, checked, prepared."""

import hashlib
import importlib.util
import os
import subprocess
import sys
import types
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import template as script
from ecdysis import template
from ecdysis.errors import InputError
from ecdysis.files import read_json
from scipy import ndimage


@pytest.fixture
def user_files(tmp_path):
    """A ball in a box, as head and mask of 4 mm voxels."""
    distance = np.linalg.norm(np.indices((40, 44, 40)) - 19.5, axis=0)
    affine = np.diag([-4.0, 4, 4, 1])
    files = {"t1w": tmp_path / "head.nii.gz", "brain_mask": tmp_path / "mask.nii.gz"}
    nib.save(nib.Nifti1Image((distance < 16).astype(np.int16) * 100, affine), files["t1w"])
    shell = (distance < 12) & (distance > 2)
    nib.save(nib.Nifti1Image(shell.astype(np.uint8), affine), files["brain_mask"])
    return {key: str(path) for key, path in files.items()}


@pytest.mark.parametrize("resolution", [1, 2])
def test_embedded_head_and_mask_share_a_grid(resolution):
    found = template.embedded(resolution)
    head, mask = nib.load(found.t1w), nib.load(found.brain_mask)
    assert found.name == "MNI152NLin6Asym"
    assert head.shape == mask.shape
    assert np.array_equal(head.affine, mask.affine)
    assert head.header.get_zooms() == (resolution,) * 3
    assert hashlib.sha256(found.t1w.read_bytes()).hexdigest() == found.sha256[found.t1w.name]
    assert "FSL" in found.origin


def test_the_package_that_holds_the_template_is_not_imported():
    code = (
        "import sys; from ecdysis.template import embedded; embedded(); "
        "print('nimare' in sys.modules)"
    )
    folder = Path(template.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_changed_file_is_refused(monkeypatch):
    name = "tpl-MNI152NLin6Asym_res-01_T1w.nii.gz"
    monkeypatch.setitem(template.EMBEDDED_SHA256, name, "0" * 64)
    with pytest.raises(InputError, match=rf"{name}.*another checksum.*envs/requirements"):
        template.embedded()


def test_a_missing_package_names_the_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"not installed.*requirements.txt.*t1w: FILE"):
        template.resolve({})


def test_user_files_win_over_a_name(user_files):
    found = template.resolve(user_files | {"name": "MNI152NLin6Asym"})
    assert found.t1w == Path(user_files["t1w"])
    assert set(found.sha256) == {"head.nii.gz", "mask.nii.gz"}


def test_unset_values_mean_the_embedded_template():
    settings = {"t1w": None, "brain_mask": "", "registration_mask": None, "name": None}
    assert template.resolve(settings) == template.embedded()


@pytest.mark.parametrize("missing", ["t1w", "brain_mask"])
def test_half_a_template_is_refused(user_files, missing):
    del user_files[missing]
    with pytest.raises(InputError, match=rf"template\.{missing}: no file is given"):
        template.resolve(user_files)


def test_a_mask_on_another_grid_is_refused(user_files, tmp_path):
    other = tmp_path / "other.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((40, 44, 40), np.uint8), np.diag([4.0, 4, 4, 1])), other)
    with pytest.raises(InputError, match="differs from that of t1w"):
        template.resolve(user_files | {"brain_mask": str(other)})


def test_an_absent_or_unreadable_file_is_refused(user_files, tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        template.resolve(user_files | {"t1w": str(tmp_path / "absent.nii.gz")})
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"not an image")
    with pytest.raises(InputError, match="cannot be read"):
        template.resolve(user_files | {"t1w": str(broken)})


@pytest.mark.skipif(
    importlib.util.find_spec("templateflow") is not None, reason="templateflow is installed"
)
def test_a_name_without_templateflow_says_what_to_install():
    with pytest.raises(InputError, match=r"OASIS30ANTs.*pip install templateflow"):
        template.resolve({"name": "OASIS30ANTs"})


def test_the_prepared_form_is_small_and_has_no_holes(tmp_path):
    prepared = template.Prepared(tmp_path)
    facts = script.write({}, prepared)
    assert read_json(prepared.facts) == facts
    assert facts["name"] == "MNI152NLin6Asym"
    files = (prepared.t1w, prepared.brain_mask, prepared.registration_mask)
    head, mask, where = map(nib.load, files)
    assert all(nib.load(file).shape == head.shape for file in prepared.tissue_maps)
    assert head.shape == mask.shape == where.shape
    assert np.allclose(head.header.get_zooms(), 2)
    inside = mask.get_fdata() > 0.5
    assert np.array_equal(ndimage.binary_fill_holes(inside), inside)
    # The lateral ventricles, which the original leaves out.
    source = template.embedded()
    for image, expected in ((nib.load(source.brain_mask), False), (mask, True)):
        voxel = np.rint(np.linalg.inv(image.affine) @ [14, -20, 20, 1]).astype(int)[:3]
        near = image.get_fdata()[tuple(slice(v - 1, v + 2) for v in voxel)] > 0.5
        assert near.all() == expected
    assert (where.get_fdata() == 1).all()


def test_the_prepared_form_keeps_world_coordinates(user_files, tmp_path):
    _, mask, _, _ = script.prepare(template.resolve(user_files))
    centre = nib.affines.apply_affine(mask.affine, ndimage.center_of_mass(mask.get_fdata()))
    assert np.allclose(centre, [-78, 78, 78], atol=0.2)
    assert mask.get_fdata()[tuple(np.array(mask.shape) // 2)] == 1, "the hole is filled"


def test_an_empty_mask_is_refused(user_files, tmp_path):
    empty = tmp_path / "empty.nii.gz"
    source = nib.load(user_files["t1w"])
    nib.save(nib.Nifti1Image(np.zeros(source.shape, np.uint8), source.affine), empty)
    with pytest.raises(InputError, match=r"no voxel is above 0\.5"):
        script.prepare(template.resolve(user_files | {"brain_mask": str(empty)}))


def test_priors_of_the_user_are_the_tissue_maps(user_files, tmp_path):
    source = nib.load(user_files["brain_mask"])
    weights = (0.2, 0.3, 0.5)
    files = [tmp_path / f"{tissue}.nii.gz" for tissue in template.TISSUES]
    for weight, file in zip(weights, files, strict=True):
        nib.save(
            nib.Nifti1Image(source.get_fdata().astype(np.float32) * weight, source.affine), file
        )
    found = template.resolve(user_files | {"priors": [str(file) for file in files]})
    assert found.priors == tuple(files)
    *_, maps = script.prepare(found)
    peaks = [one.get_fdata().max() for one in maps]
    assert np.allclose(peaks, weights, atol=1e-3)
    small = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), source.affine)
    nib.save(small, files[1])
    with pytest.raises(InputError, match=r"template\.priors\[1\]: its grid"):
        template.resolve(user_files | {"priors": [str(file) for file in files]})


BY_NAME = """
import nibabel as nib, numpy as np, sys
from pathlib import Path
from templateflow import api, conf

names = ["T1w", "desc-brain_mask", "desc-BrainCerebellumExtraction_mask"]
names += [f"label-{tissue}_probseg" for tissue in sys.argv[2].split(",") if tissue]
for name in names:
    file = Path(conf.TF_HOME, f"tpl-{sys.argv[1]}", f"tpl-{sys.argv[1]}_res-01_{name}.nii.gz")
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.eye(4)), file)
from ecdysis.template import resolve

found = resolve({"name": sys.argv[1]})
for file in (found.t1w, found.brain_mask, found.registration_mask, *found.priors):
    print(file.name)
"""


@pytest.mark.skipif(
    importlib.util.find_spec("templateflow") is None, reason="templateflow is not installed"
)
@pytest.mark.parametrize(
    ("name", "tissues", "priors"),
    [("MNI152NLin2009cAsym", "CSF,GM,WM", 3), ("OASIS30ANTs", "CSF,WM", 0)],
)
def test_a_template_by_name(tmp_path, name, tissues, priors):
    """The files are put where templateflow would put what it fetches."""
    done = subprocess.run(
        [sys.executable, "-c", BY_NAME, name, tissues],
        cwd=Path(template.__file__).parents[1],
        env=os.environ | {"TEMPLATEFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    files = done.stdout.split()
    assert files[:3] == [
        f"tpl-{name}_res-01_{rest}.nii.gz"
        for rest in ("T1w", "desc-brain_mask", "desc-BrainCerebellumExtraction_mask")
    ]
    assert len(files) == 3 + priors


class Api:
    """Answers as templateflow does: a path, or a list when there are several or none."""

    def get(self, name, **entities):
        return []


def test_a_template_that_is_not_one_head_and_mask(monkeypatch):
    module = types.ModuleType("templateflow")
    module.api = Api()
    module.__spec__ = importlib.util.spec_from_loader("templateflow", None)
    monkeypatch.setitem(sys.modules, "templateflow", module)
    with pytest.raises(InputError, match=r"no single 1 mm T1w.*MNIPediatricAsym:cohort-2"):
        template.resolve({"name": "MNIPediatricAsym"})
