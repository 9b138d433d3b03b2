"""Lesion masks: which image they belong to, and what leaves them out."""

import json

import nibabel as nib
import numpy as np
import pytest
from ecdysis.bids.image_name import ImageName
from ecdysis.errors import InputError
from ecdysis.skullstrip.lesions import checked, lesion_fault, lesion_mask, require
from ecdysis.skullstrip.segmentation import Inputs, Outputs, segment

T1W = ImageName("sub-01/ses-a/anat", "sub-01_ses-a", "T1w")
T2W = ImageName("sub-01/ses-a/anat", "sub-01_ses-a", "T2w")
SESSION = [T1W, T2W]


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("sub-01/ses-a/anat/sub-01_ses-a_label-lesion_roi.nii.gz", T1W),
        ("sub-01/ses-a/anat/sub-01_ses-a_roi.nii", T1W),
        ("sub-01/ses-a/anat/sub-01_ses-a_T1w_label-lesion_roi.nii.gz", T1W),
        ("sub-01/ses-a/anat/sub-01_ses-a_space-T2w_label-lesion_desc-hand_mask.nii.gz", T2W),
        ("sub-01_ses-a_T2w_label-lesion_mask.nii.gz", T2W),
    ],
)
def test_a_lesion_mask_belongs_to_one_image(tmp_path, name, image):
    put(tmp_path, name)
    assert lesion_mask(tmp_path, image) == tmp_path / name
    other = T2W if image is T1W else T1W
    assert lesion_mask(tmp_path, other) is None
    assert lesion_fault(tmp_path, image, SESSION) is lesion_fault(tmp_path, other, SESSION) is None


def test_other_masks_are_no_lesions(tmp_path):
    put(
        tmp_path,
        "sub-01/ses-a/anat/sub-01_ses-a_label-hippocampus_roi.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_desc-brain_mask.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz",
        "sub-02/anat/sub-02_label-lesion_roi.nii.gz",
    )
    assert lesion_mask(tmp_path, T1W) is None
    assert lesion_fault(tmp_path, T1W, SESSION) is None


def test_a_mask_that_fits_no_image_fails_the_images_of_its_session_alone(tmp_path):
    put(tmp_path, "sub-01/ses-a/anat/sub-01_ses-a_acq-x_label-lesion_roi.nii.gz")
    fault = lesion_fault(tmp_path, T1W, SESSION)
    assert "no image of the session has the entities of sub-01_ses-a_acq-x_label" in fault
    with pytest.raises(InputError, match="Name each lesion mask after its image"):
        checked(None, fault, tmp_path)
    other = ImageName("sub-02/anat", "sub-02", "T1w")
    assert lesion_fault(tmp_path, other, [other]) is None


def test_two_masks_of_an_image_are_a_fault(tmp_path):
    names = [f"sub-01/ses-a/anat/sub-01_ses-a_desc-{n}_label-lesion_roi.nii" for n in "ab"]
    put(tmp_path, *names)
    assert lesion_mask(tmp_path, T1W) is None
    assert "more than one lesion mask" in lesion_fault(tmp_path, T1W, SESSION)


def test_the_setting_needs_the_method_ants_and_a_mask(tmp_path):
    def settings(method="ants"):
        return {"skullstrip": {"method": method, "lesions": str(tmp_path)}}

    with pytest.raises(InputError, match="has no masks"):
        require(settings())
    put(tmp_path, "sub-03/anat/sub-03_label-lesion_roi.nii.gz")
    require(settings())
    with pytest.raises(InputError, match="only ants leaves lesions out"):
        require(settings("bet"))
    require({"skullstrip": {"method": "bet", "lesions": None}})


def test_a_lesion_has_no_tissue_and_moves_no_class(tmp_path):
    shape, box = (20, 20, 20), [[2, 18], [0, 20], [3, 20]]
    label = np.broadcast_to(np.repeat([0, 1, 2, 2], 5)[:, None, None], shape)
    values = np.float32([200, 500, 800])[label] + np.random.default_rng(0).normal(0, 20, shape)
    lesion = np.zeros(shape, np.uint8)
    lesion[12:16, 5:15, 5:15] = 1
    values[lesion > 0] = 900
    affine = np.diag([1.0, 2, 1, 1])
    affine[:3, 3] = -5, 8, 2
    flipped = affine @ [[-1, 0, 0, 19], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    window = tuple(slice(*pair) for pair in box)
    part = affine.copy()
    part[:3, 3] += affine[:3, :3] @ [2, 0, 3]
    files = [tmp_path / name for name in ("preproc.nii", "mask.nii", "post.nii", "field.nii")]
    one_hot = np.float32(np.stack([label == k for k in range(3)], axis=-1))
    for file, voxels, where in (
        (files[0], np.float32(values)[window], part),
        (files[1], np.uint8(label >= 0)[window], part),
        (files[2], one_hot * (lesion == 0)[..., None], affine),
        (files[3], np.ones(shape, np.float32), affine),
        (tmp_path / "lesion.nii", lesion[::-1], flipped),
    ):
        image = nib.Nifti1Image(voxels, where)
        image.set_sform(image.affine, 1)
        image.set_qform(image.affine, 1)
        nib.save(image, file)
    facts = {"CropBox": box, "ReorientedShape": shape}
    (tmp_path / "preproc.json").write_text(json.dumps(facts))
    probsegs = [tmp_path / f"{name}.nii" for name in ("CSF", "GM", "WM")]
    outputs = Outputs(tmp_path / "corrected.nii", tmp_path / "dseg.nii", probsegs)
    segment(Inputs(*files, lesion=tmp_path / "lesion.nii"), outputs, sources=[])
    labels = np.asarray(nib.load(outputs.dseg).dataobj)
    left_out = lesion[window] > 0
    assert not labels[left_out].any()
    truth = np.array([3, 1, 2])[label[window]]
    assert (labels == truth)[~left_out].mean() > 0.999
    assert json.loads((tmp_path / "dseg.json").read_text())["LesionMasked"] is True
