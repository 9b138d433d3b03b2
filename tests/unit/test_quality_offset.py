"""Measures of images whose air is not at 0, or that hold extreme voxels."""

import numpy as np
import pytest
from ecdysis.quality.measured_image import MeasuredImage
from measure import measure

from tests.unit.made_head import Made

OF_ZERO = {"efc", "fber", "qi_2"}
OF_SIGNAL = {
    *(f"{ratio}_{name}" for ratio in ("snr", "snrd") for name in ("csf", "gm", "wm", "total")),
    "wm2max",
    "inu_blocks",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("offset"))


@pytest.fixture(scope="module")
def plain(made):
    """The image as it was made, and its measures."""
    return made.image, measure(made.whole())["measures"]


def same(found, expected, without=frozenset()):
    """All measures but some agree with those of the plain image."""
    assert set(found["not_computable"]) == set(without)
    assert not found["warnings"]
    for key in set(expected) - set(without):
        assert found["measures"][key] == pytest.approx(expected[key], rel=0.02, abs=1e-3), key


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image - 1024,
        lambda image: image - 200,
        lambda image: image + 1000,
        lambda image: ((image - image.mean()) / image.std()).astype(np.float32),
    ],
    ids=["air at -1024", "air at -200", "air at 1000", "z-scores"],
)
def test_an_offset_is_subtracted_and_what_needs_the_true_zero_has_a_reason(made, plain, change):
    made.image = change(plain[0])
    found = measure(made.whole())
    same(found, plain[1], OF_ZERO)
    assert all("have an offset" in found["not_computable"][key] for key in OF_ZERO)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("place", [(5, 5, 80), (48, 50, 46)], ids=["air", "brain"])
def test_a_few_extreme_voxels_change_no_measure(made, plain, sign, place):
    made.image = plain[0].astype(np.float32)
    made.image[tuple(slice(at, at + 2) for at in place)] = sign * 1e6
    same(measure(made.whole()), plain[1])


def test_all_at_once(made, plain):
    made.image = plain[0].astype(np.float32) - 1024
    made.image[60, 50, 46] = 1e9
    same(measure(made.whole()), plain[1], OF_ZERO)


def test_z_scores_inside_a_mask_have_no_zero(made, plain):
    inside = plain[0][made.brain]
    made.image = np.zeros(plain[0].shape, np.float32)
    made.image[made.brain] = (inside - inside.mean()) / inside.std()
    found = measure(made.whole())
    assert set(found["not_computable"]) >= OF_ZERO | OF_SIGNAL
    assert "z-scores" in found["not_computable"]["snr_total"]
    for key in ("cjv", "fwhm_avg", "icvs_gm", "inu_range"):
        assert key in found["measures"]


def test_signed_noise_around_0_is_no_offset(made, plain):
    noise = np.random.default_rng(3).normal(0, 20, plain[0].shape)
    made.image = np.where(plain[0] < 100, noise, plain[0]).astype(np.float32)
    found = measure(made.whole())
    assert MeasuredImage(made.inputs()).zero == 0
    assert "magnitude" in found["not_computable"]["snrd_total"]
    assert found["measures"]["snr_total"] == pytest.approx(plain[1]["snr_total"], rel=0.01)


@pytest.mark.parametrize("coils", [1, 8, 32])
def test_an_ordinary_image_is_measured_as_it_is(made, coils):
    """Noise of many coils has a high mean, and is no offset; bright vessels are no outliers."""
    draw = np.random.default_rng(coils)
    signal = 500.0 * made.brain
    parts = sum(draw.normal(0, 10, made.brain.shape) ** 2 for _ in range(2 * coils - 1))
    voxels = np.sqrt((signal + draw.normal(0, 10, made.brain.shape)) ** 2 + parts)
    voxels[40:42, 50, 46] = 2000
    made.image = np.rint(voxels).astype(np.int16)
    inputs = made.inputs()
    image = MeasuredImage(inputs)
    assert image.volume.stored is inputs.volume.stored
    assert image.zero == 0
