"""The phantom is what its settings say, and its mask is the truth."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from ecdysis.phantom.anatomy import CONTRASTS, anatomy
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.deformation import deformation
from ecdysis.phantom.head import Head, HeadSettings, build_head, head_affine
from ecdysis.template import embedded
from nibabel.affines import apply_affine, voxel_sizes
from scipy import ndimage

SMALL = HeadSettings(spacing_mm=(4.0, 4.0, 4.0))
PLAIN = replace(SMALL, snr=None, bias=0.0)


def voxels(head: Head) -> np.ndarray:
    return np.asarray(head.image.dataobj)


def volume_ml(head: Head) -> float:
    return float(np.asarray(head.mask.dataobj).sum() * voxel_sizes(head.mask.affine).prod() / 1000)


@pytest.fixture(scope="module")
def small() -> Head:
    return build_head(SMALL)


@pytest.fixture(scope="module")
def plain() -> Head:
    return build_head(PLAIN)


def test_same_settings_give_the_same_bits_and_another_seed_another_head(small):
    again, other = build_head(SMALL), build_head(replace(SMALL, seed=1))
    assert np.array_equal(voxels(small), voxels(again))
    assert np.array_equal(small.mask.get_fdata(), again.mask.get_fdata())
    assert not np.array_equal(other.deformation.forward, small.deformation.forward)


def test_another_scan_of_a_person_changes_noise_but_not_the_brain(small):
    other = build_head(replace(SMALL, scan=1))
    assert not np.array_equal(voxels(small), voxels(other))
    assert np.array_equal(small.mask.get_fdata(), other.mask.get_fdata())


@pytest.mark.parametrize("size", [0.8, 1.0, 1.2])
def test_brain_volume_is_that_of_the_template_times_the_scale(size):
    brain = anatomy(2, "T1w").brain
    head = build_head(replace(SMALL, size=size, rotation_deg=(30.0, -20.0, 40.0)))
    assert volume_ml(head) == pytest.approx(brain.sum() * 8 / 1000 * size**3, rel=0.03)


def test_mask_is_one_piece_without_holes_and_holds_the_ventricles(small):
    mask = np.asarray(small.mask.dataobj) > 0
    assert ndimage.label(mask)[1] == 1
    assert np.array_equal(ndimage.binary_fill_holes(mask), mask)
    raw = np.asarray(nib.load(embedded(2).brain_mask).dataobj).sum()
    assert raw < anatomy(2, "T1w").brain.sum() < 1.03 * raw


def test_mask_agrees_with_the_nearest_template_voxel_carried_by_the_map():
    settings = HeadSettings(spacing_mm=(2.0, 2.0, 2.0), rotation_deg=(-20.0, 10.0, 35.0), size=1.1)
    head = build_head(settings)
    truth = np.asarray(head.mask.dataobj) > 0
    source = anatomy(2, "T1w")
    world = apply_affine(head.mask.affine, np.indices(truth.shape).reshape(3, -1).T)
    template = head.deformation.moved(apply_affine(np.linalg.inv(head.affine), world), inverse=True)
    index = np.rint(apply_affine(np.linalg.inv(source.affine), template)).astype(int).T
    inside = ((index >= 0) & (index < np.array(source.brain.shape)[:, None])).all(axis=0)
    carried = np.zeros(truth.size, dtype=bool)
    carried[inside] = source.brain[tuple(index[:, inside])] > 0.5
    carried = carried.reshape(truth.shape)
    assert 2 * (carried & truth).sum() / (carried.sum() + truth.sum()) > 0.99


def test_deformation_is_invertible_bounded_and_refused_when_it_folds():
    low, high = np.array([-90.0, -120.0, -70.0]), np.array([90.0, 90.0, 100.0])
    warp = deformation(low, high, 10.0, 20.0, seed=3)
    assert warp.min_jacobian > 0
    assert 5 < warp.max_displacement_mm <= 10
    points = np.random.default_rng(0).uniform(low, high, (500, 3))
    back = warp.moved(warp.moved(points), inverse=True)
    assert np.abs(back - points).max() < 0.5
    assert np.abs(warp.moved(points) - points).max() > 3
    with pytest.raises(ValueError, match="folds"):
        deformation(low, high, 150.0, 8.0, seed=3)


@pytest.mark.parametrize("code", ["LPI", "PSR", "IAL", "SRA", "ARS"])
def test_orientation_only_renames_the_voxels(plain, code):
    head = build_head(replace(PLAIN, orientation=code))
    assert "".join(nib.aff2axcodes(head.image.affine)) == code
    canonical = nib.as_closest_canonical(head.image)
    np.testing.assert_allclose(canonical.affine, plain.image.affine, atol=1e-9)
    difference = canonical.get_fdata() - plain.image.get_fdata()
    assert np.abs(difference).max() <= 1  # the sums round in another order
    assert np.array_equal(nib.as_closest_canonical(head.mask).get_fdata(), plain.mask.get_fdata())


def test_header_says_spacing_and_both_forms_agree():
    spacing = (4.0, 5.0, 6.0)
    image = build_head(replace(PLAIN, spacing_mm=spacing, oblique_deg=(20.0, 5.0, -10.0))).image
    np.testing.assert_allclose(image.header.get_zooms(), spacing, rtol=1e-6)
    np.testing.assert_allclose(image.get_sform(), image.get_qform(), atol=1e-3)
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)
    assert image.get_data_dtype() == np.int16
    assert image.header.get_xyzt_units()[0] == "mm"
    assert nib.affines.obliquity(image.affine).max() == pytest.approx(np.deg2rad(20), abs=0.1)


def test_turned_slices_leave_the_head_in_its_place(plain):
    oblique = build_head(replace(PLAIN, oblique_deg=(25.0, 0.0, 0.0)))
    centres = [
        apply_affine(head.mask.affine, ndimage.center_of_mass(head.mask.get_fdata()))
        for head in (plain, oblique)
    ]
    np.testing.assert_allclose(centres[0], centres[1], atol=0.5)


def test_rotation_shift_and_size_are_exact_in_the_affine():
    settings = HeadSettings(rotation_deg=(0.0, 0.0, 90.0), size=2.0, shift_mm=(1.0, 2.0, 3.0))
    moved = apply_affine(head_affine(settings), np.array([[10.0, -18.0, 5.0]]))
    np.testing.assert_allclose(moved, [[1.0, 4.0, 8.0]], atol=1e-9)


def test_bias_field_is_known_and_has_the_strength_asked_for(plain):
    head = build_head(replace(PLAIN, bias=0.6))
    assert np.abs(np.log(head.bias)).max() == pytest.approx(0.6, abs=1e-5)
    bright = voxels(plain) > 300
    ratio = voxels(head)[bright] / voxels(plain)[bright]
    np.testing.assert_allclose(ratio, head.bias[bright], rtol=0.01)


def test_noise_in_air_is_rayleigh_of_the_sigma_asked_for(plain):
    head = build_head(replace(PLAIN, snr=10.0))
    air = voxels(plain) == 0
    assert air.mean() > 0.2
    assert voxels(head)[air].mean() == pytest.approx(80 * np.sqrt(np.pi / 2), rel=0.02)


def test_contrasts_order_the_tissues_as_they_should():
    t1w = anatomy(2, "T1w")
    inner = ndimage.binary_erosion(t1w.brain > 0.5, iterations=4)
    white = inner & (t1w.head > 760)
    grey = inner & (np.abs(t1w.head - 530) < 40)
    fluid = inner & (t1w.head < 230)
    assert min(part.sum() for part in (white, grey, fluid)) > 100
    means = {
        name: [anatomy(2, name).head[part].mean() for part in (fluid, grey, white)]
        for name in CONTRASTS
    }
    for name in ("T1w", "child", "low"):
        assert means[name] == sorted(means[name])
    assert means["T2w"] == sorted(means["T2w"], reverse=True)
    assert means["FLAIR"][0] < means["FLAIR"][2] < means["FLAIR"][1]
    contrast = {name: (m[2] - m[1]) / m[2] for name, m in means.items()}
    assert contrast["child"] < 0.6 * contrast["T1w"]
    assert contrast["low"] < 0.6 * contrast["T1w"]


def test_neck_lengthens_the_field_below_and_never_the_brain(plain):
    head = build_head(replace(PLAIN, neck_mm=PLAIN.neck_mm + 80))
    assert head.image.shape[2] == plain.image.shape[2] + 20
    assert volume_ml(head) == pytest.approx(volume_ml(plain), rel=0.01)
    lowest = voxels(head)[:, :, 0]
    assert (lowest > 100).mean() > 0.1  # there is tissue down to the edge


def test_neck_joins_the_head_without_a_step():
    head = anatomy(2, "T1w").head
    profile = np.abs(np.diff(head, axis=2)).mean(axis=(0, 1))
    join = round((-70 - anatomy(2, "T1w").affine[2, 3]) / 2) - 1
    assert profile[join] < 1.3 * profile[join + 1 : join + 10].max()


def test_cut_and_shape_set_the_field_of_view(plain):
    cut = build_head(replace(PLAIN, cut_mm=((0.0, 0.0), (0.0, 0.0), (0.0, 40.0))))
    assert cut.image.shape[2] == plain.image.shape[2] - 10
    assert cut.mask.get_fdata()[:, :, -1].any()
    wide = build_head(replace(PLAIN, shape=(64, 70, 60)))
    assert wide.image.shape == (64, 70, 60)
    assert volume_ml(wide) == pytest.approx(volume_ml(plain), rel=0.01)


def test_ghost_and_zipper_stand_in_the_air(plain):
    air = voxels(plain) == 0
    ghost = build_head(replace(PLAIN, ghost=0.1))
    assert voxels(ghost)[air].max() > 50
    zipper = build_head(replace(PLAIN, zipper=0.5))
    changed = np.unique(np.nonzero(voxels(zipper) != voxels(plain))[2])
    assert len(changed) == 1


@pytest.mark.parametrize(
    "wrong", [{"orientation": "RAR"}, {"cut_mm": ((500.0, 0.0), (0.0, 0.0), (0.0, 0.0))}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"orientation|empty"):
        build_head(replace(PLAIN, **wrong))


def test_bids_dataset_has_images_sidecars_and_truth(tmp_path):
    images = write_bids(tmp_path, 2, 2, SMALL)
    assert [image.relative_to(tmp_path).as_posix() for image in images] == [
        f"sub-0{s}/ses-{v}/anat/sub-0{s}_ses-{v}_T1w.nii.gz" for s in (1, 2) for v in (1, 2)
    ]
    for image in images:
        assert image.with_name(image.name.replace(".nii.gz", ".json")).is_file()
        mask = tmp_path / "derivatives/truth" / image.relative_to(tmp_path)
        mask = mask.with_name(mask.name.replace("_T1w", "_desc-brain_mask"))
        np.testing.assert_array_equal(nib.load(mask).affine, nib.load(image).affine)
        assert np.unique(nib.load(mask).dataobj).tolist() == [0, 1]
    data = [np.asarray(nib.load(image).dataobj) for image in images]
    assert not np.array_equal(data[0], data[1])
    people = (tmp_path / "participants.tsv").read_text().split()
    assert people == ["participant_id", "sub-01", "sub-02"]
