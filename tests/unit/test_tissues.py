"""Tissue maps and the corrected image, on a made-up brain whose classes are known."""

import json

import nibabel as nib
import numpy as np
import pytest
import segment as script
from ecdysis import template
from ecdysis.image.resampling import resample
from ecdysis.image.sidecar import sidecar_of
from ecdysis.skullstrip.tissues import (
    TISSUES,
    by_brightness,
    classify,
    labelled,
    maps_of_template,
    tissues_by_maps,
)
from ecdysis.template import embedded
from scipy import ndimage

SHAPE, BOX = (40, 44, 36), [[4, 36], [2, 42], [3, 33]]
LEVELS = {"CSF": 200.0, "GM": 500.0, "WM": 800.0}


@pytest.fixture
def brain(tmp_path):
    """A ball of three shells at 1 mm under a bias field; what skull stripping leaves at 2 mm."""
    grid = np.indices(SHAPE) - (np.array(SHAPE)[:, None, None, None] - 1) / 2
    radius = np.sqrt((grid**2).sum(axis=0))
    truth = np.select([radius < 5, radius < 9, radius < 13], [0, 2, 1], -1)
    field = np.exp(0.3 * grid[0] / SHAPE[0]).astype(np.float32)
    levels = np.array([*LEVELS.values(), 0.0])[truth]
    noise = np.random.default_rng(0).normal(0, 20, SHAPE)
    image = np.clip((levels + noise) * field, 0, None).astype(np.int16)
    window = tuple(slice(*pair) for pair in BOX)
    affine = np.eye(4)
    small = tuple(n // 2 for n in SHAPE)
    names = ("preproc.nii.gz", "mask.nii.gz", "post.nii.gz", "field.nii.gz")
    files = [tmp_path / name for name in names]
    nib.save(nib.Nifti1Image(image[window], affine), files[0])
    (tmp_path / "preproc.json").write_text(
        json.dumps({"CropBox": BOX, "ReorientedShape": SHAPE, "Description": "x", "Sources": []})
    )
    nib.save(nib.Nifti1Image((truth >= 0)[window].astype(np.uint8), affine), files[1])
    coarse = [
        resample((truth == k).astype(np.float32), (1,) * 3, small, (2,) * 3) for k in range(3)
    ]
    nib.save(nib.Nifti1Image(np.stack(coarse, axis=-1), np.diag([2.0, 2, 2, 1])), files[2])
    # N4 leaves the scale of its field open.
    scaled = resample(0.6 * field, (1,) * 3, small, (2,) * 3)
    nib.save(nib.Nifti1Image(scaled, np.diag([2.0, 2, 2, 1])), files[3])
    return script.Inputs(*files), truth[window], image[window], field[window]


@pytest.fixture
def done(brain, tmp_path):
    outputs = script.Outputs(
        tmp_path / "desc-biascorrected_T1w.nii.gz",
        tmp_path / "dseg.nii.gz",
        [tmp_path / f"{tissue.label}_probseg.nii.gz" for tissue in TISSUES],
    )
    details = script.segment(brain[0], outputs, sources=["bids::x"])
    return outputs, details


def test_the_labels_are_those_of_the_shells(brain, done):
    _, truth, _, _ = brain
    labels = np.asanyarray(nib.load(done[0].dseg).dataobj)
    expected = np.array([tissue.index for tissue in TISSUES] + [0])[truth]
    assert (labels == expected)[truth >= 0].mean() > 0.99
    assert not labels[truth < 0].any()


def test_probabilities_sum_to_one_inside_and_are_zero_outside(brain, done):
    _, truth, _, _ = brain
    images = [nib.load(path) for path in done[0].probsegs]
    assert {image.get_data_dtype() for image in images} == {np.dtype(np.uint16)}
    total = sum(image.get_fdata() for image in images)
    assert np.allclose(total[truth >= 0], 1, atol=1e-4)
    assert not total[truth < 0].any()


def test_the_corrected_image_has_no_bias_and_the_same_brightness(brain, done):
    _, truth, image, field = brain
    corrected = nib.load(done[0].corrected).get_fdata()
    for shell in range(3):
        values = corrected[truth == shell]
        assert values.std() / values.mean() < 0.13
    flat = np.corrcoef(field[truth == 1], corrected[truth == 1])[0, 1]
    bent = np.corrcoef(field[truth == 1], image[truth == 1])[0, 1]
    assert abs(flat) < 0.1 < 0.7 < bent
    assert np.median(corrected[truth >= 0]) == pytest.approx(np.median(image[truth >= 0]), rel=0.05)


def test_sidecars_and_table(done):
    for image in (done[0].corrected, done[0].dseg, *done[0].probsegs):
        sidecar = json.loads(sidecar_of(image).read_text())
        assert sidecar["Sources"] == ["bids::x"]
        assert sidecar["CropBox"] == BOX
    table = (done[0].dseg.parent / "dseg.tsv").read_text().splitlines()
    assert table[0].split("\t") == ["index", "name", "abbreviation"]
    assert [row.split("\t")[::2] for row in table[1:]] == [
        ["0", "BG"],
        ["1", "GM"],
        ["2", "WM"],
        ["3", "CSF"],
    ]
    assert done[1]["TissueVolumes"]["CSF"] == pytest.approx(4 / 3 * np.pi * 5**3 / 1000, abs=0.1)


def test_classes_of_a_t1w_are_named_by_brightness():
    image = np.array([[[10.0, 20.0, 30.0]]])
    classes = [np.array([[[float(k == place) for k in range(3)]]]) for place in (2, 0, 1)]
    for place, one in enumerate(by_brightness(classes, image)):
        assert one[0, 0, place] == 1


def test_the_template_is_divided_by_brightness():
    source = embedded(2)
    head = nib.load(source.t1w).get_fdata(dtype=np.float32)
    brain = np.asanyarray(nib.load(source.brain_mask).dataobj) > 0
    maps = maps_of_template(head, brain)
    inner = ndimage.binary_erosion(brain, iterations=4)
    assert np.allclose(maps.sum(axis=0)[inner], 1, atol=0.02)
    means = [float((one * head).sum() / one.sum()) for one in maps]
    assert means == sorted(means)
    affine = np.linalg.inv(nib.load(source.t1w).affine)
    for point, index in (((-26, -22, 28), 2), ((26, -22, 28), 2), ((-12, 12, 10), 1)):
        voxel = tuple(np.rint(nib.affines.apply_affine(affine, point)).astype(int))
        assert maps[(slice(None), *voxel)].argmax() == index


def test_a_class_without_voxels_is_no_error():
    prior = np.zeros((3, 50), np.float32)
    prior[0] = 1
    posterior = classify(np.full(50, 7.0, np.float32), prior)
    assert np.isfinite(posterior).all()
    assert (labelled(posterior) == TISSUES[0].index).all()


def test_the_rules_name_the_maps_in_the_order_of_the_classes():
    assert tuple(tissue.label for tissue in TISSUES) == template.TISSUES


def test_warped_maps_divide_a_t2w_although_their_fluid_lies_in_bone(tmp_path):
    steps = np.indices((48, 48, 48)) * 2.0 - 47
    far = np.sqrt((steps**2).sum(axis=0))
    shells = [far < 14, far < 28, far < 36, far < 38, far < 46]
    truth = np.select(shells, [0, 2, 1, 0, -1], -2)  # fluid, white, grey, fluid, bone
    levels = np.array([150.0, 65.0, 45.0, 2.0, 5.0])  # the last two of air and of bone
    head = levels[truth] + np.random.default_rng(0).normal(0, 4, far.shape)
    # The template's brain is larger: its outer fluid lies in the bone of this head.
    shells = [far < 14, far < 28, far < 38, far < 44]
    warped = np.select(shells, [0, 2, 1, 0], -1)
    volumes = {"image": head, "prior": warped >= 0, "region": far < 44}
    volumes |= {f"map{index}": warped == index for index in range(3)}
    files = {name: tmp_path / f"{name}.nii" for name in volumes}
    for name, volume in volumes.items():
        nib.save(nib.Nifti1Image(volume.astype(np.float32), np.diag([2.0, 2, 2, 1])), files[name])
    made = tissues_by_maps(
        files["image"],
        files["prior"],
        files["region"],
        [files[f"map{index}"] for index in range(3)],
        tmp_path,
    )
    posteriors = np.stack([nib.load(file).get_fdata() for file in made])
    assert posteriors[:, truth < 0].any(axis=0).mean() < 0.001
    for index in range(3):
        assert (posteriors.argmax(axis=0)[truth == index] == index).mean() > 0.97
