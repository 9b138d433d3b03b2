"""Where air is looked for: above the face, away from the head, and not where it is masked."""

import nibabel as nib
import numpy as np
import pytest
from ecdysis.image.geometry import axis_change
from ecdysis.image.volume import Volume, reoriented, with_values
from ecdysis.quality.air import BELOW_VERTEX_MM, BLOCK_MM, MARGIN_MM, air_voxels, survey
from ecdysis.quality.sheet import NotComputableError

SPACING = 2.0
SHAPE = (110, 120, 116)
RADIUS = 80.0
SIGMA = 10.0


def in_mm():
    """Coordinates about the middle of the field, in mm."""
    return (np.indices(SHAPE) - (np.array(SHAPE)[:, None, None, None] - 1) / 2) * SPACING


def volume_of(voxels) -> Volume:
    image = nib.Nifti1Image(voxels, np.diag([SPACING] * 3 + [1]))
    image.set_sform(image.affine, 1)
    image.set_qform(image.affine, 1)
    return with_values(Volume(image.header, voxels), voxels)


@pytest.fixture
def head():
    """A ball in Rayleigh noise, int16."""
    draw = np.random.default_rng(0)
    signal = 800.0 * (np.sqrt((in_mm() ** 2).sum(axis=0)) < RADIUS)
    noise = draw.normal(0, SIGMA, (2, *SHAPE))
    return np.rint(np.hypot(signal + noise[0], noise[1])).astype(np.int16)


def test_air_is_away_from_the_head_and_above_the_plane(head):
    volume = volume_of(head)
    around = survey(volume)
    air, inside = air_voxels(volume, around)
    window = around.window
    radius, height = np.sqrt((in_mm() ** 2).sum(axis=0))[window], in_mm()[2][window]
    assert radius[air].min() > RADIUS + MARGIN_MM - np.sqrt(3) * BLOCK_MM
    assert height.min() == pytest.approx(RADIUS - BELOW_VERTEX_MM, abs=2 * BLOCK_MM)
    far = radius > RADIUS + MARGIN_MM + 2 * BLOCK_MM
    assert air[far].all()
    assert inside[radius < RADIUS - BLOCK_MM].all()
    assert head[window][air].std() == pytest.approx(SIGMA * np.sqrt(2 - np.pi / 2), rel=0.02)


@pytest.mark.parametrize("orientation", ["LPI", "PSR", "SAL"])
def test_the_same_air_in_every_orientation(head, orientation):
    volume = volume_of(head[:, :, :-4])
    other = reoriented(volume, axis_change(orientation, volume.affine))
    counts = [int(air_voxels(one, survey(one))[0].sum()) for one in (volume, other)]
    # Blocks begin at the other end, so their borders differ.
    assert counts[1] == pytest.approx(counts[0], rel=0.1)


def test_a_masked_part_is_left_out_and_the_rest_counts(head):
    head[:, 90:, :] = 0
    volume = volume_of(head)
    around = survey(volume)
    air, _ = air_voxels(volume, around)
    first = around.window[1].start
    assert not air[:, 90 - first :].any()
    assert air[:, : 80 - first].any()
    assert not (volume.stored[around.window][air] == 0).mean() > 0.01


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda image: np.where(image > 200, image, 0), "masked"),
        (lambda image: np.where(image > 35, image, 0), "one value"),
        (lambda image: image[28:-28, 33:-33, 31:-31], "only|ends there"),
        (lambda image: np.full_like(image, 7), "no head"),
    ],
    ids=["stripped", "clipped", "cut", "empty"],
)
def test_without_air_the_reason_is_reported(head, spoil, reason):
    volume = volume_of(spoil(head))
    with pytest.raises(NotComputableError, match=reason):
        air_voxels(volume, survey(volume))


def test_a_hole_in_the_head_is_no_air(head):
    radius = np.sqrt(((in_mm() - np.array([0, 0, 40.0])[:, None, None, None]) ** 2).sum(axis=0))
    head[radius < 30] = 1
    around = survey(volume_of(head))
    assert not around.voxels(around.away)[radius < 30].any()


def test_noise_in_voxels_as_large_as_a_block_is_not_taken_for_a_mask(head):
    coarse = head[::2, ::2, ::2].copy()
    volume = volume_of(coarse)
    for method in (volume.header.set_sform, volume.header.set_qform):
        method(np.diag([4.0, 4, 4, 1]), 1)
    around = survey(volume)
    assert not around.blank.any()
    assert air_voxels(volume, around)[0].sum() > 10_000
    coarse[:, 45:, :] = 0
    around = survey(volume)
    assert around.voxels(around.blank)[:, 46:].all()
    assert not around.voxels(around.blank)[:, :40].any()
