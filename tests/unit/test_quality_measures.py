"""Quality measures against their published definitions, where the answer is known."""

import numpy as np
import pytest
from ecdysis.quality.background import Noise, efc, fber, fit_chi, noise_of, qi_2, quantiles
from ecdysis.quality.brain import BLOCK_MM, fwhm, inu, inu_blocks, mask_figures
from ecdysis.quality.sheet import NotComputableError
from ecdysis.quality.tissue import (
    Statistics,
    cjv,
    cnr,
    fuzzy_jaccard,
    rpve,
    snr,
    snr_dietrich,
    statistics,
    sure_mask,
    volume_fractions,
    with_mean,
    wm2max,
)
from scipy import ndimage

GREY, WHITE = Statistics(500, 40, 30), Statistics(800, 30, 20)


def chi(channels: int, sigma: float, shape, seed: int = 0):
    """Sum of squares of so many coil channels that hold noise alone."""
    draw = np.random.default_rng(seed)
    parts = draw.normal(0, sigma, (2 * channels, *shape)).astype(np.float32)
    return np.sqrt((parts**2).sum(axis=0))


def air_of(values, step=0.0):
    return noise_of(values, np.ones(values.shape, dtype=bool), step)


def test_ratios_of_two_tissues_by_hand():
    assert cjv(WHITE, GREY) == pytest.approx((20 + 30) / 300)
    assert cnr(WHITE, GREY, 20) == pytest.approx(300 / np.sqrt(20**2 + 30**2 + 40**2))
    assert snr(WHITE) == pytest.approx(800 / 30)
    assert wm2max(WHITE, 1000) == pytest.approx(0.8)
    assert with_mean({"a": 1.0, "b": 4.0}) == [1, 4, 2.5]


def test_statistics_of_a_normal_tissue():
    values = np.random.default_rng(1).normal(500, 40, 400_000).astype(np.float32)
    found = statistics(values, "GM")
    assert found.median == pytest.approx(500, abs=0.5)
    assert found.stdev == pytest.approx(40, rel=0.01)
    assert found.mad == pytest.approx(40, rel=0.01)


def test_deviation_has_one_voxel_less():
    values = np.arange(100, dtype=np.float32)
    assert snr(statistics(values, "WM")) == pytest.approx(49.5 / np.std(values, ddof=1))


@pytest.mark.parametrize(
    "compute",
    [
        lambda: statistics(np.zeros(99, np.float32), "CSF"),
        lambda: cjv(GREY, GREY),
        lambda: snr(Statistics(500, 0, 0)),
        lambda: wm2max(WHITE, 0),
        lambda: volume_fractions([np.zeros(5, np.float32)] * 3),
        lambda: rpve(np.zeros(5, np.float32)),
        lambda: fuzzy_jaccard(np.zeros(5, np.float32), np.zeros(5, np.float32)),
        lambda: efc(np.zeros((3, 3, 3), np.float32)),
        lambda: air_of(np.full((9, 9, 9), 7, np.float32)),
    ],
)
def test_what_has_no_value_says_why(compute):
    with pytest.raises(NotComputableError, match=r"\w+ \w+"):
        compute()


def test_dietrich_gives_the_signal_to_noise_ratio_that_was_put_in():
    sigma = 20.0
    noise = air_of(chi(1, sigma, (60, 60, 60)))
    assert snr_dietrich(WHITE, noise.stdev) == pytest.approx(800 / sigma, rel=0.01)


def test_noise_of_few_steps_has_a_spread():
    """Rounded to one digit of noise, as scanners do where the signal is weak."""
    sigma = 1.2
    noise = air_of(np.rint(chi(1, sigma, (60, 60, 60))), step=1)
    assert snr_dietrich(WHITE, noise.stdev) == pytest.approx(800 / sigma, rel=0.02)
    assert noise.artefacts < 1e-3


def test_grouped_quantiles_are_those_before_rounding():
    values = chi(1, 3, (40, 40, 40))
    found = quantiles(np.rint(values).ravel(), (0.25, 0.5, 0.75), 1)
    assert found == pytest.approx(3 * np.sqrt(-2 * np.log([0.75, 0.5, 0.25])), rel=0.02)


def test_energy_ratio_counts_means_of_squares():
    values = np.array([[[3.0, 5.0], [1.0, 2.0]]], dtype=np.float32)
    head = np.array([[[True, True], [False, False]]])
    assert fber(values, head, ~head) == pytest.approx(((9 + 25) / 2) / ((1 + 4) / 2))


def test_entropy_is_0_for_one_voxel_and_1_for_equal_ones():
    one = np.zeros((8, 8, 8), np.float32)
    one[3, 4, 5] = 70
    assert efc(one) == pytest.approx(0, abs=1e-12)
    assert efc(np.full((8, 8, 8), 70, np.float32)) == pytest.approx(1)


def test_entropy_by_its_definition_and_without_what_is_dropped():
    values = np.random.default_rng(2).uniform(0, 9, (6, 7, 8)).astype(np.float32)
    x = values.astype(float).ravel() / np.sqrt((values.astype(float) ** 2).sum())
    n = x.size
    expected = -(x * np.log(x)).sum() / (np.sqrt(n) * np.log(np.sqrt(n)))
    assert efc(values) == pytest.approx(expected)
    padded = np.concatenate([values, np.zeros_like(values)], axis=1)
    drop = np.zeros(padded.shape, dtype=bool)
    drop[:, 7:] = True
    assert efc(padded, drop) == pytest.approx(expected)


def test_noise_alone_is_no_artefact_and_a_block_is_one_to_the_voxel():
    values = chi(1, 10, (50, 50, 50))
    clean = air_of(values)
    assert clean.artefacts == 0
    values[10:20, 10:20, 10:20] += 200
    values[30, 30, 30] = 200  # a single voxel is none
    noise = air_of(values)
    assert noise.artefacts == pytest.approx(1000 / values.size, abs=3 / values.size)
    assert noise.stdev == pytest.approx(clean.stdev, rel=0.01)


@pytest.mark.parametrize("channels", [1, 4, 16])
def test_the_noise_of_coils_fits_its_distribution(channels):
    values = chi(channels, 15, (60, 60, 60), seed=channels)
    freedom, scale = fit_chi(values)
    assert freedom == pytest.approx(2 * channels, rel=0.05)
    assert scale == pytest.approx(15, rel=0.03)
    assert qi_2(air_of(values)) < 0.01
    assert qi_2(air_of(np.rint(values), step=1)) < 0.01


def test_misfit_is_the_part_that_lies_where_noise_does_not():
    """A tenth of the air is a faint, structureless haze at eight times the noise."""
    noise = chi(1, 10, (60, 60, 60)).ravel()
    clean = qi_2(Noise(noise, 1, 0, 0))
    haze = np.random.default_rng(3).random(noise.size) < 0.1
    spoilt = np.where(haze, noise + 80, noise)
    assert clean < 0.01
    assert qi_2(Noise(spoilt, 1, 0, 0)) > 0.1
    assert qi_2(Noise(noise, 1, 0.25, 0)) == pytest.approx(0.25 + clean)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 1.0, 1.5)])
def test_smoothness_of_smoothed_noise_is_that_of_the_kernel_in_mm(spacing):
    width = 4.0
    sigmas = width / np.sqrt(8 * np.log(2)) / np.array(spacing)
    noise = np.random.default_rng(4).normal(size=(90, 90, 90))
    smooth = ndimage.gaussian_filter(noise, sigmas, mode="wrap", truncate=6).astype(np.float32)
    grid = np.indices(smooth.shape) - 44.5
    ball = (grid**2).sum(axis=0) < 42**2
    assert fwhm(smooth + 700, ball, spacing) == pytest.approx([width] * 3, rel=0.05)


def test_white_noise_has_no_smoothness():
    alternating = ((-1.0) ** np.indices((9, 9, 9)).sum(axis=0)).astype(np.float32)
    everywhere = np.ones(alternating.shape, dtype=bool)
    with pytest.raises(NotComputableError, match="white noise"):
        fwhm(alternating, everywhere, (1, 1, 1))
    with pytest.raises(NotComputableError, match="equal"):
        fwhm(np.ones_like(alternating), everywhere, (1, 1, 1))


def test_bias_field_range_is_relative():
    field = np.linspace(0.8, 1.2, 1001).astype(np.float32)
    assert inu(field) == pytest.approx([0.36, 1.0])
    assert inu(3 * field) == pytest.approx([0.36, 3.0])


def test_non_uniformity_of_blocks_is_that_of_their_bright_tissue():
    step = int(BLOCK_MM / 4)
    ramp = np.repeat(np.linspace(600, 1000, 5), step).astype(np.float32)
    values = np.broadcast_to(ramp[:, None, None], (5 * step, 5 * step, 5 * step)).copy()
    inside = np.ones(values.shape, dtype=bool)
    dark = np.random.default_rng(0).random(values.shape) < 0.6
    values[dark] *= 0.4  # grey matter and CSF, which must not count
    assert inu_blocks(values, inside, (4, 4, 4)) == pytest.approx(400 / 800)
    assert inu_blocks(values * 7, inside, (4, 4, 4)) == pytest.approx(400 / 800)
    with pytest.raises(NotComputableError, match="no intensities"):
        inu_blocks(values * 0, inside, (4, 4, 4))
    inside[:, step:], inside[3 * step :] = False, False
    with pytest.raises(NotComputableError, match="fewer than 20 blocks"):
        inu_blocks(values, inside, (4, 4, 4))


def test_fractions_of_probability():
    maps = [np.array([0.5, 0.0, 0]), np.array([0.5, 1, 0]), np.array([0, 0, 1.0])]
    assert volume_fractions(maps) == pytest.approx([0.5 / 3, 1.5 / 3, 1 / 3])


def test_partial_volume_of_pure_and_of_mixed_voxels():
    assert rpve(np.array([1.0] * 50 + [0.0] * 5000, np.float32)) == 0
    assert rpve(np.full(50, 0.5, np.float32)) == pytest.approx(0.5)
    assert rpve(np.array([0.25, 0.75] * 50, np.float32)) == pytest.approx(0.25)


def test_voxels_that_are_no_tissue_do_not_count():
    some = np.random.default_rng(6).uniform(0.01, 0.99, 3000).astype(np.float32)
    padded = np.concatenate([some, np.zeros(100_000, np.float32)])
    assert rpve(padded) == pytest.approx(rpve(some))
    assert rpve(some) == pytest.approx(0.25, abs=0.02)


def test_overlap_of_maps():
    one, other = np.array([1, 1, 0, 0.5]), np.array([1, 0, 0, 1.0])
    assert fuzzy_jaccard(one, other) == pytest.approx(1.5 / 3)
    assert fuzzy_jaccard(one, one) == 1


def test_erosion_is_that_of_faces_and_edges():
    beside = np.ones((5, 5, 5), np.float32)
    beside[1, 1, 2] = beside[4, 4, 4] = 0
    assert not sure_mask(beside, (1, 1, 1))[2, 2, 2]
    beside[1, 1, 2], beside[1, 1, 1] = 1, 0
    assert sure_mask(beside, (1, 1, 1))[2, 2, 2]
    whole = np.ones((5, 5, 5), np.float32)
    assert sure_mask(whole, (1, 1, 1)).sum() == 27
    assert sure_mask(whole, (1, 1, 2)).sum() == 125
    assert not sure_mask(whole * 0.8, (1, 1, 2)).any()


def test_figures_of_a_mask():
    brain, head = np.zeros((2, 20, 20, 20), bool)
    brain[0:10, 5:15, 5:15] = True
    brain[18, 18, 18] = True
    head[0:8, 2:18, 2:18] = True
    volume, edge, fragments, outside = mask_figures(brain, head, (2, 2, 2))
    assert volume == pytest.approx(1001 * 8 / 1000)
    assert edge == pytest.approx(100 * 4 / 100)
    assert fragments == pytest.approx(1 / 1001)
    assert outside == pytest.approx(201 / 1001)
    with pytest.raises(NotComputableError, match="empty"):
        mask_figures(np.zeros_like(brain), head, (1, 1, 1))
