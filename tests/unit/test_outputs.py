"""Results for other programs: the dataset for fMRIPrep, the template's space, and descriptions."""

import json
import os

import derivative_description as script
import full_grid
import nibabel as nib
import numpy as np
import pytest
import template_space
from bids import BIDSLayout
from ecdysis.bids.image_name import ImageName
from ecdysis.errors import InputError
from ecdysis.files import write_json
from ecdysis.results import leftovers, remove_faces
from ecdysis.settings import resolve
from ecdysis.skullstrip.segmentation import Inputs, Outputs, segment
from ecdysis.skullstrip.tissues import TISSUES
from ecdysis.template import Template
from ecdysis.version import generated_by

SPACE = "MNI152NLin6Asym"
ANAT = {"datatype": "anat", "subject": "01", "session": "1"}
IMAGES = {"extension": [".nii.gz", ".nii"]}
TRANSFORM = {"extension": [".h5", ".txt"], "suffix": "xfm", "mode": "image"}
QUERIES = {
    "preproc": {"space": None, "desc": "preproc", "suffix": "T1w", **IMAGES},
    "mask": {"space": None, "desc": "brain", "suffix": "mask", **IMAGES},
    "dseg": {"space": None, "desc": None, "suffix": "dseg", **IMAGES},
    "tpms": {"space": None, "label": ["GM", "WM", "CSF"], "suffix": "probseg", **IMAGES},
    "forward": {"from": "T1w", "to": SPACE, **TRANSFORM},
    "reverse": {"from": SPACE, "to": "T1w", **TRANSFORM},
}
"""What sMRIPrep 0.19 asks pybids for when it collects precomputed derivatives."""


@pytest.mark.parametrize("entities", ["sub-01_ses-1", "sub-01_ses-1_acq-mprage_run-2"])
def test_smriprep_finds_each_file_of_the_full_grid_once(tmp_path, entities):
    image = ImageName("sub-01/ses-1/anat", entities, "T1w").on_full_grid
    forward, reverse = (image.transform(*ends, "h5") for ends in (("T1w", SPACE), (SPACE, "T1w")))
    maps = [image.probseg(tissue.label) for tissue in TISSUES]
    for name in (image.preproc, image.mask, image.dseg, *maps, forward, reverse):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.with_name(path.name.split(".")[0] + ".json").write_text("{}")
    dataset = tmp_path / "derivatives/full-grid"
    write_json(dataset / "dataset_description.json", script.describe(tmp_path, dataset))
    layout = BIDSLayout(dataset, config=["bids", "derivatives"], validate=False)
    counts = {name: len(layout.get(**query, **ANAT)) for name, query in QUERIES.items()}
    assert counts == {**dict.fromkeys(QUERIES, 1), "tpms": 3}
    # The dataset above it does not show these files.
    write_json(tmp_path / "dataset_description.json", script.describe(tmp_path, tmp_path))
    assert BIDSLayout(tmp_path, is_derivative=True).get(suffix="dseg") == []


def test_the_tissues_are_the_same_on_both_grids(tmp_path):
    """An image, and the same image cut to a box."""
    shape, box = (24, 26, 28), [[2, 22], [3, 23], [4, 26]]
    grid = np.indices(shape) - np.array(shape)[:, None, None, None] / 2
    radius = np.sqrt((grid**2).sum(axis=0))
    image = np.select([radius < 4, radius < 6, radius < 8], [200, 800, 500], 20).astype(np.int16)
    post = np.stack([(image == level) for level in (200, 500, 800)], axis=-1).astype(np.float32)
    nib.save(nib.Nifti1Image(post[::2, ::2, ::2], np.diag([2.0, 2, 2, 1])), tmp_path / "post.nii")
    field = np.ones((12, 13, 14), dtype=np.float32)
    nib.save(nib.Nifti1Image(field, np.diag([2.0, 2, 2, 1])), tmp_path / "field.nii")
    labels = {}
    for name, pairs in {"whole": None, "cut": box}.items():
        window = tuple(slice(*pair) for pair in pairs) if pairs else (...,)
        files = [tmp_path / f"{name}.nii", tmp_path / f"{name}_mask.nii"]
        nib.save(nib.Nifti1Image(image[window], np.eye(4)), files[0])
        nib.save(nib.Nifti1Image((radius < 8)[window].astype(np.uint8), np.eye(4)), files[1])
        facts = {"ReorientedShape": shape, **({"CropBox": pairs} if pairs else {})}
        write_json(tmp_path / f"{name}.json", facts)
        maps = [tmp_path / f"{name}_{tissue.label}.nii" for tissue in TISSUES]
        outputs = Outputs(tmp_path / f"{name}_c.nii", tmp_path / f"{name}_dseg.nii", maps)
        inputs = Inputs(*files, tmp_path / "post.nii", tmp_path / "field.nii")
        segment(inputs, outputs, sources=["bids::x"])
        labels[name] = np.asarray(nib.load(outputs.dseg).dataobj)
    window = tuple(slice(*pair) for pair in box)
    np.testing.assert_array_equal(labels["whole"][window], labels["cut"])
    assert labels["whole"].sum() == labels["cut"].sum()


def test_the_mask_of_the_full_grid_says_that_it_is_a_brain(tmp_path):
    mask = np.zeros((4, 4, 4), dtype=np.uint8)
    mask[1:3] = 1
    nib.save(nib.Nifti1Image(mask, np.eye(4)), tmp_path / "given.nii.gz")
    write_json(tmp_path / "image.json", {"OriginalShape": [4, 4, 4], "Warnings": []})
    made = tmp_path / "desc-brain_mask.nii.gz"
    full_grid.write_mask(tmp_path / "image.nii", tmp_path / "given.nii.gz", made, ["bids:raw:x"])
    np.testing.assert_array_equal(np.asarray(nib.load(made).dataobj), mask)
    sidecar = json.loads((tmp_path / "desc-brain_mask.json").read_text())
    assert (sidecar["Type"], sidecar["OriginalShape"]) == ("Brain", [4, 4, 4])


def test_a_shifted_image_comes_to_lie_on_the_template(tmp_path):
    """The transform moves the image by 2 mm to the right, which is one voxel of the template."""
    grid = nib.Nifti1Image(np.zeros((12, 12, 12), np.float32), np.diag([2.0, 2, 2, 1]))
    grid.set_sform(grid.affine, 4)
    nib.save(grid, tmp_path / "head.nii")
    template = Template("x", tmp_path / "head.nii", tmp_path / "head.nii", None, (), "", {})
    ball = (np.indices((12, 12, 12)) - 5.5).__pow__(2).sum(axis=0) < 14
    left = np.indices((12, 12, 12))[0] < 5
    values = {
        "corrected": np.where(ball, 100, -50).astype(np.float32),
        "mask": ball.astype(np.uint8),
        "CSF": np.zeros(ball.shape, np.float32),
        "GM": (ball & left).astype(np.float32),
        "WM": (ball & ~left).astype(np.float32),
    }
    expected = values | {"dseg": ((ball & left) + 2 * (ball & ~left)).astype(np.uint8)}
    inputs = {kind: tmp_path / f"{kind}.nii" for kind in values}
    outputs = {kind: tmp_path / f"made_{kind}.nii.gz" for kind in expected}
    for kind, array in values.items():
        nib.save(nib.Nifti1Image(array, np.diag([2.0, 2, 2, 1])), inputs[kind])
    transform = tmp_path / "shift.txt"
    transform.write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        "Parameters: 1 0 0 0 1 0 0 0 1 2 0 0\nFixedParameters: 0 0 0\n"
    )
    template_space.to_template(inputs, outputs, transform, template, provider="embedded")
    made = {kind: nib.load(path) for kind, path in outputs.items()}
    for kind, image in made.items():
        shifted = np.roll(expected[kind], 1, axis=0)
        np.testing.assert_allclose(image.get_fdata(), shifted, atol=2e-2, err_msg=kind)
        assert int(image.header["sform_code"]) == 4
    types = [str(made[kind].get_data_dtype()) for kind in ("corrected", "mask", "dseg", "GM")]
    assert types == ["float32", "uint8", "uint8", "uint16"]


def test_outputs_that_cannot_be_made_are_refused(tmp_path):
    (tmp_path / "sub-01").mkdir()
    given = {"bids_dir": str(tmp_path), "outputs": "fmriprep"}
    assert resolve(given, tmp_path)["outputs"] == ["fmriprep"]
    with pytest.raises(InputError, match="deface removes the face"):
        resolve({**given, "deface": "true"}, tmp_path)
    with pytest.raises(InputError, match="only the method ants"):
        resolve({**given, "skullstrip": {"method": "none"}}, tmp_path)


def test_results_with_a_face_are_removed_and_others_are_listed(tmp_path):
    names = (
        "sub-01/anat/sub-01_desc-preproc_T1w.nii.gz",
        "sub-01/anat/sub-01_desc-biascorrected_T1w.nii.gz",
        "sub-01/anat/sub-01_space-MNI_desc-biascorrected_T1w.nii.gz",
        "sub-01/anat/sub-01_space-MNI_dseg.nii.gz",
        "sub-01/anat/sub-01_space-T2w_desc-brain_mask.nii.gz",
        "sub-01/anat/sub-01_run-2_desc-biascorrected_T1w.nii.gz",
        "derivatives/full-grid/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    every = ["fmriprep", "template"]
    assert leftovers(tmp_path, ["01"], deface=False, outputs=every) == []
    assert [path.name for path in leftovers(tmp_path, ["01"], deface=False)] == [
        "full-grid",
        "sub-01_space-MNI_desc-biascorrected_T1w.nii.gz",
        "sub-01_space-MNI_dseg.nii.gz",
    ]
    assert remove_faces(tmp_path) == ["sub-01_T1w"]
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.nii.gz")}
    assert left == {names[3], names[4], names[5]}


def test_labels_and_the_container_are_described():
    table = script.descriptions("full_grid", ["brain"])
    assert table.splitlines()[0] == "desc_id\tdescription"
    assert table.splitlines()[1:] == ["desc-brain\tBrain mask"]
    sif = {"SINGULARITY_NAME": "/somewhere/ecdysis.sif"}
    container = {"Type": "singularity", "Tag": "ecdysis.sif"}
    assert generated_by(sif)["Container"] == container
    assert "Container" not in generated_by({})


@pytest.mark.parametrize(
    ("remote", "public"),
    [
        ("https://code.example.org/group/ecdysis.git", True),
        ("https://me:secret@code.example.org/group/ecdysis.git", False),
        ("/home/me/ecdysis", False),
    ],
)
def test_only_a_public_address_of_the_code_is_named(tmp_path, monkeypatch, remote, public):
    git = tmp_path / "git"
    git.write_text(f"#!/bin/sh\necho {remote}\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert generated_by({}).get("CodeURL") == (remote if public else None)
