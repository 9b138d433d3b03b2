"""Measures at the border of a mask, on a ball of grey and white matter in fluid and bone."""

import numpy as np
import pytest
from ecdysis.skullstrip import mask_check
from ecdysis.skullstrip.mask_border import measure_border, tissue_bounds
from ecdysis.skullstrip.working_image import NativeGrid

RADIUS, SIZE = 40.0, 64
MASK = RADIUS + 1.5
GRID = NativeGrid((SIZE,) * 3, np.diag([2.0, 2, 2, 1]), (2.0,) * 3)
CONTRASTS = {"T1w": (20, 60, 100), "FLAIR": (15, 90, 75), "T2w": (150, 70, 45)}
ERRORS = {
    "eroded": (MASK - 2, (0, 0, 0)),
    "dilated": (MASK + 3, (0, 0, 0)),
    "shifted to the right": (MASK, (3, 0, 0)),
    "shifted to the front": (MASK, (0, 3, 0)),
    "shifted to the top": (MASK, (0, 0, 3)),
}


def distance(centre=(0.0, 0.0, 0.0)):
    """Distance (mm) of each voxel to a point, relative to the centre."""
    axis = (np.arange(SIZE) - (SIZE - 1) / 2) * 2
    grid = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.sqrt(sum((one - at) ** 2 for one, at in zip(grid, centre, strict=True)))


def head(contrast, fluid_mm=3):
    fluid, grey, white = CONTRASTS[contrast]
    far = distance()
    values = np.full(far.shape, 10.0)
    for radius, value in ((RADIUS + 14, 120), (RADIUS + 10, 10), (RADIUS + fluid_mm, fluid)):
        values[far < radius] = value
    blocks = (
        np.random.default_rng(1).random((SIZE // 4,) * 3).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    )
    inner = np.where(blocks < 0.5, white, np.where(blocks < 0.88, grey, fluid))
    values = np.where(far < RADIUS - 4, inner, np.where(far < RADIUS, grey, values))
    bias = 1 + 0.1 * np.linspace(-1, 1, SIZE)
    noise = np.random.default_rng(0).normal(0, 3, far.shape)
    return (values * bias[:, None, None] + noise - 1024).astype(np.float32)


def verdict(measures):
    return mask_check.judge(measures)["verdict"]


@pytest.mark.parametrize("contrast", ["T1w", "FLAIR"])
def test_a_good_mask_is_ok_and_planted_errors_are_seen(contrast):
    data = head(contrast)
    good = measure_border(distance() < MASK, GRID, data)
    assert good["tissue_outside"] < 0.1
    assert good["tissue_inside"] > 0.7
    assert verdict(good) == "ok"
    missed = [
        name
        for name, (radius, centre) in ERRORS.items()
        if verdict(measure_border(distance(centre) < radius, GRID, data)) == "ok"
    ]
    assert missed == []


def test_in_thick_slices_a_mask_that_is_too_small_is_seen_within_the_slices():
    data = head("T1w").reshape(SIZE, SIZE, -1, 2).mean(axis=3)
    grid = NativeGrid(data.shape, np.diag([2.0, 2, 4, 1]), (2.0, 2.0, 4.0))
    good, eroded = (
        measure_border((distance() < radius)[:, :, ::2], grid, data) for radius in (MASK, MASK - 2)
    )
    assert good["tissue_outside_in_slices"] < 0.1
    assert "tissue_outside" not in good
    assert (verdict(good), verdict(eroded)) == ("ok", "look")


def test_a_mask_without_its_half_has_tissue_outside():
    half = distance() < MASK
    half[: SIZE // 2] = False
    assert measure_border(half, GRID, head("T1w"))["tissue_outside"] > 0.5


def test_large_voxels_and_an_empty_mask_have_no_measures():
    coarse = NativeGrid((SIZE,) * 3, np.diag([4.0, 4, 4, 1]), (4.0,) * 3)
    assert measure_border(distance() < MASK, coarse, head("T1w")) == {}
    assert measure_border(np.zeros((SIZE,) * 3, bool), GRID, head("T1w")) == {}


def test_thick_slices_leave_the_sides_within_the_slices():
    slices = slice(1, None, 2)
    data, mask = head("T1w")[..., slices], (distance(centre=(0, 3, 0)) < MASK)[..., slices]
    thick = NativeGrid(data.shape, np.diag([2.0, 2, 4, 1]), (2.0, 2.0, 4.0))
    assert verdict(measure_border(mask, thick, data)) != "ok"


def test_errors_are_seen_where_fluid_is_bright():
    data = head("T2w", fluid_mm=1)
    good = measure_border(distance() < RADIUS + 0.5, GRID, data)
    assert good["matter_outside"] < 0.1
    assert good["bone_inside"] < 0.05
    errors = {name: (radius - 1, centre) for name, (radius, centre) in ERRORS.items()}
    errors["eroded"] = (RADIUS - 3, (0, 0, 0))
    missed = [
        name
        for name, (radius, centre) in errors.items()
        if verdict(measure_border(distance(centre) < radius, GRID, data)) == "ok"
    ]
    assert missed == []


def test_the_bounds_of_tissue_leave_out_fluid():
    draw = np.random.default_rng(1)
    for contrast, expected in (("T1w", True), ("FLAIR", True), ("T2w", False)):
        fluid, grey, white = CONTRASTS[contrast]
        parts = ((fluid, 1300), (grey, 4000), (white, 6000))
        values = np.concatenate([draw.normal(centre, 4, count) for centre, count in parts])
        bounds = tissue_bounds(values.astype(np.float32))
        assert (bounds is not None) == expected
        assert bounds is None or fluid < bounds[0] < min(grey, white) < max(grey, white) < bounds[1]
