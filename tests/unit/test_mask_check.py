"""The self-check of a brain mask."""

import nibabel as nib
import numpy as np
import pytest
from ecdysis.skullstrip import mask_check
from ecdysis.skullstrip.itk import read_affine
from ecdysis.skullstrip.working_image import NativeGrid
from scipy.io import savemat

GOOD = {
    "volume_ml": 1400.0,
    "edge_cm2": 1.0,
    "fragment_fraction": 0.0,
    "left_right_difference": 0.01,
    "affine_overlap": 0.95,
    "similarity": 0.7,
}


def test_a_good_mask_is_ok():
    assert mask_check.judge(GOOD) == {"verdict": "ok", "reasons": []}


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"volume_ml": 900.0}, "look"),
        ({"volume_ml": 300.0}, "fail"),
        ({"volume_ml": 2600.0}, "look"),
        ({"volume_ml": 3100.0}, "fail"),
        ({"edge_cm2": 200.0}, "look"),
        ({"similarity": 0.0}, "fail"),
        ({"left_right_difference": 0.1, "affine_overlap": 0.5}, "fail"),
    ],
)
def test_the_worst_measure_gives_the_verdict_and_each_its_reason(change, verdict):
    judged = mask_check.judge(GOOD | change)
    assert judged["verdict"] == verdict
    assert len(judged["reasons"]) == len(change)
    assert f"{next(iter(change.values())):g}" in judged["reasons"][0]


@pytest.mark.parametrize(
    ("measures", "verdict"),
    [
        ({"similarity": 0.3, "template_correlation": 0.8}, "look"),
        ({"similarity": 0.3}, "ok"),
        ({"similarity": 0.19}, "look"),
    ],
)
def test_only_a_t1w_has_to_be_much_like_the_template(measures, verdict):
    assert mask_check.judge(GOOD | measures)["verdict"] == verdict
    assert mask_check.is_aligned(GOOD | measures) == (verdict == "ok")


def test_every_failing_value_is_also_one_to_look_at():
    for limit in (*mask_check.LIMITS.values(), *mask_check.OTHER_CONTRASTS.values()):
        assert limit.fail[0] <= limit.look[0] < limit.look[1] <= limit.fail[1]


def test_edge_area_counts_the_faces_of_the_field():
    mask = np.zeros((10, 10, 10), bool)
    mask[4:6, 4:6, 0:3] = True
    assert mask_check.edge_area(mask, (2.0, 3.0, 4.0)) == 4 * 2 * 3


@pytest.mark.parametrize(
    ("side_cm", "upwards", "edge_cm2"), [(2, 1, 0), (2, -1, 4), (10, 1, 100 - 7.93), (10, -1, 100)]
)
def test_a_brain_stem_at_the_lowest_layer_is_no_cut(side_cm, upwards, edge_cm2):
    mask = np.zeros((20, 20, 20), bool)
    mask[5 : 5 + side_cm, 5 : 5 + side_cm, :10] = True
    grid = NativeGrid(mask.shape, np.diag([10, 10, 10 * upwards, 1.0]), (10.0,) * 3)
    assert mask_check.measure_shape(mask, grid)["edge_cm2"] == pytest.approx(edge_cm2)


def test_shape_measures():
    mask = np.zeros((100, 100, 100), bool)
    mask[10:60, 10:60, 10:60] = True
    mask[90, 90, 90] = True
    measures = mask_check.measure_shape(
        mask, NativeGrid(mask.shape, np.eye(4) * [2, 2, 2, 1], (2.0,) * 3)
    )
    assert measures["volume_ml"] == pytest.approx(1000, abs=0.1)
    assert measures["fragment_fraction"] == pytest.approx(1 / 125001, abs=1e-5)
    assert measures["edge_cm2"] == 0


def test_correlation_ratio_sees_any_dependence_and_its_absence():
    draw = np.random.default_rng(1).normal(size=20000).astype(np.float32)
    assert mask_check.correlation_ratio(np.abs(draw), draw) > 0.9
    assert mask_check.correlation_ratio(draw, np.random.default_rng(2).normal(size=20000)) < 0.01
    assert mask_check.correlation_ratio(np.ones(9, np.float32), draw[:9]) == 0


def test_an_itk_affine_is_read_as_ras(tmp_path):
    # Turns about the point (10, 20, 30) in LPS and shifts by 5 mm to the left.
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    path = tmp_path / "affine.mat"
    values = np.concatenate([turn.ravel(), [5, 0, 0]])[:, None].astype(np.float32)
    centre = np.array([[10.0], [20], [30]])
    savemat(path, {"AffineTransform_float_3_3": values, "fixed": centre}, format="4")
    matrix = read_affine(path)
    assert np.allclose(nib.affines.apply_affine(matrix, [-10, -20, 30]), [-15, -20, 30])
    # One mm to the left of the centre (LPS x) becomes one mm to the back (LPS y).
    assert np.allclose(nib.affines.apply_affine(matrix, [-11, -20, 30]), [-15, -21, 30])


def test_a_t1w_with_the_contrast_of_its_template_is_ok_and_another_is_not():
    draw = np.random.default_rng(3)
    label = draw.integers(0, 3, (20, 20, 20))
    classes = [np.float32(label == tissue) for tissue in range(3)]
    template = np.float32(np.array([30, 70, 100])[label])
    inside = np.ones(label.shape, bool)
    noise = np.float32(draw.normal(0, 3, label.shape))
    good = mask_check.measure_t1w(classes, inside, template * 7 + noise, template)
    assert mask_check.judge(good)["verdict"] == "ok"
    reversed_contrast = mask_check.measure_t1w(classes, inside, 200 - template + noise, template)
    assert reversed_contrast["template_correlation"] < -0.9
    assert mask_check.judge(reversed_contrast)["verdict"] == "look"


def test_a_ring_of_contrast_agent_that_takes_the_class_of_white_matter_is_seen():
    label = np.zeros((10, 10, 10), int)
    label[2:] = 1
    label[9, :5] = 2
    classes = [np.float32(label == tissue) for tissue in range(3)]
    head = np.float32(label * 50 + 20)
    measures = mask_check.measure_t1w(classes, np.ones(label.shape, bool), head, head)
    assert measures["white_fraction"] == 0.05
    assert mask_check.judge(measures)["verdict"] == "look"


def test_ct_has_no_contrast_in_the_brain():
    draw = np.random.default_rng(4)
    data = np.full((30, 30, 30), -1000, np.float32)
    mask = np.zeros(data.shape, bool)
    mask[8:22, 8:22, 8:22] = True
    data[mask] = draw.normal(30, 8, mask.sum())
    measured = mask_check.contrast(mask, data)
    assert mask_check.judge({"contrast": round(measured, 3)})["verdict"] == "fail"
