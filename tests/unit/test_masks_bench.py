"""The measures of brain masks and the builder of heads from label maps, against known answers."""

import nibabel as nib
import numpy as np
import pytest

from tests.bench import mask_measures
from tests.bench.label_heads import INTENSITY, Scan, build

ONE_MM = (1.0, 1.0, 1.0)
WHITE, CORTEX, FLUID, BONE, SKIN = 2, 3, 24, 515, 511


def cube(size: int, shift: int = 0, volume: int = 40) -> mask_measures.Mask:
    """Return a cube in a volume, shifted along the first axis from its first place."""
    mask = np.zeros((volume,) * 3, dtype=bool)
    mask[10 + shift : 10 + shift + size, 10 : 10 + size, 10 : 10 + size] = True
    return mask


def nested() -> mask_measures.NDArray[np.int16]:
    """Return labels of boxes one in the other: skin, bone, fluid, cortex, white matter."""
    labels = np.zeros((44, 48, 40), dtype=np.int16)
    for depth, label in zip((4, 6, 9, 11, 14), (SKIN, BONE, FLUID, CORTEX, WHITE), strict=True):
        labels[(slice(depth, -depth),) * 3] = label
    return labels


def test_overlap_of_a_cube_and_the_same_cube_shifted():
    measured = mask_measures.overlap(cube(20), cube(20, shift=2), ONE_MM)
    assert measured == {"dice": pytest.approx(0.9), "hd95": pytest.approx(2.0)}
    assert mask_measures.overlap(cube(20), cube(20), ONE_MM) == {"dice": 1.0, "hd95": 0.0}


def test_distances_of_an_overlap_are_in_mm():
    assert mask_measures.overlap(cube(20), cube(20, shift=2), (3.0, 3.0, 3.0))["hd95"] == 6.0


def test_signed_distance_counts_from_the_border_between_voxels():
    distance = mask_measures.signed_distance(cube(20), (2.0, 2.0, 2.0))
    assert distance[7:13, 20, 20].tolist() == [-5 + 10, 3, 1, -1, -3, -5]


def test_missing_and_extra_of_a_cube_shifted_against_two_tools():
    tools = [cube(20), cube(20)]
    bright = np.tile(np.linspace(1, 3, 40, dtype=np.float32), (40, 40, 1))
    same = mask_measures.against_tools(cube(20), tools, bright, ONE_MM)
    assert (same["dice"], same["missing"], same["tissue"], same["extra"]) == (1, 0, 0, 0)
    measured = mask_measures.against_tools(cube(20, shift=3), tools, bright, ONE_MM)
    # 18 planes lie at least 1 mm inside, of which the mask lacks 2; 2 of its 20 are beyond 1 mm.
    assert measured["missing"] == pytest.approx(100 * 2 / 18)
    assert measured["extra"] == pytest.approx(100 * 2 / 20)
    # Three classes of equal width: a third of the lost part is darker than the lower threshold.
    assert measured["tissue"] / measured["missing"] == pytest.approx(2 / 3, abs=0.06)


def test_cortex_and_other_tissue_that_a_mask_lacks():
    labels = nested()
    brain, tissue, cortex = labels < 200, np.isin(labels, (WHITE, CORTEX)), labels == CORTEX
    brain &= labels > 0
    whole = mask_measures.against_labels(tissue, brain, tissue, cortex, ONE_MM)
    with_fluid = whole.pop("with_fluid")
    assert whole == {"dice": 1.0, "hd95": 0.0, "cortex": 0.0, "other": 0.0, "extra": 0.0}
    assert with_fluid == pytest.approx(2 * tissue.sum() / (tissue.sum() + brain.sum()))
    eroded = labels == WHITE
    assert mask_measures.against_labels(eroded, brain, tissue, cortex, ONE_MM)["cortex"] == 100
    grown = mask_measures.against_labels(labels > 0, brain, tissue, cortex, ONE_MM)
    assert grown["extra"] == pytest.approx(100 * (1 - brain.sum() / (labels > 0).sum()))


def test_true_brain_fills_sulci_and_ventricles_but_nothing_else():
    tissue, ventricle, sulcus = cube(20), (slice(19, 23),) * 3, np.s_[13:15, 11:29, 20:29]
    tissue[ventricle] = tissue[13:15, 11:29, 20:] = False
    brain = mask_measures.true_brain(tissue, ONE_MM)
    assert brain[ventricle].all()
    assert brain[sulcus].all()
    assert not (brain & ~cube(20)).any()


def test_vertices_outside_are_counted_in_world_coordinates():
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (-30, 5, 7)
    last = 29 * 2 + 1
    places = np.array([[last + 0.5, 40, 40], [last + 1.5, 40, 40], [40, 40, 40], [40, 40, 0]])
    measured = mask_measures.against_surfaces(cube(20), affine, places + affine[:3, 3])
    assert measured == {"pial": 50.0}


@pytest.mark.parametrize("contrast", INTENSITY)
def test_a_head_has_the_labels_and_contrast_that_were_asked_for(tmp_path, contrast):
    path = tmp_path / "labels.nii"
    nib.save(nib.Nifti1Image(nested(), np.diag([1.0, 1.0, 1.0, 1.0])), path)
    image, labels = build(path, Scan(contrast, bias=0, seed=1))
    assert image.shape == nested().shape
    assert np.array_equal(image.affine, np.eye(4))
    assert np.array_equal(labels.dataobj, nested())
    values = np.asanyarray(image.dataobj) / 5
    for label, tissue in {WHITE: "white", FLUID: "fluid"}.items():
        # Each head draws its intensities within 5 %; a border blurs thin layers.
        inner = values[nested() == label].mean()
        assert inner == pytest.approx(INTENSITY[contrast][tissue], rel=0.3, abs=6)


def test_thick_slices_keep_the_middle_of_the_head_and_exact_labels(tmp_path):
    path = tmp_path / "labels.nii"
    nib.save(nib.Nifti1Image(nested(), np.eye(4)), path)
    image, labels = build(path, Scan(slice_mm=5, seed=1))
    assert image.shape == labels.shape == (44, 48, 8)
    assert image.header.get_zooms() == (1, 1, 5)
    assert np.array_equal(labels.dataobj, nested()[:, :, 2::5])
    assert image.affine[:3, 3].tolist() == [0, 0, 2]


def test_a_child_has_thinner_layers_and_the_same_brain(tmp_path):
    path = tmp_path / "labels.nii"
    nib.save(nib.Nifti1Image(nested(), np.eye(4)), path)
    image, labels = build(path, Scan(scale=(0.9, 0.8, 0.9), layers=0.5, seed=1))
    thinner = np.asanyarray(labels.dataobj)
    assert np.array_equal((thinner > 0) & (thinner < 200), (nested() > 0) & (nested() < 200))
    assert (thinner == SKIN).sum() < (nested() == SKIN).sum()
    assert image.header.get_zooms() == pytest.approx((0.9, 0.8, 0.9))
