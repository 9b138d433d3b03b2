"""Where an image is cropped: around the head, by length, by slices, around the brain."""

import functools
import itertools

import numpy as np
import pytest
from ecdysis.errors import InputError
from ecdysis.image.crop import crop_box
from ecdysis.image.geometry import Box, axis_change
from ecdysis.image.volume import Volume, reoriented, with_values
from nibabel.affines import apply_affine
from nibabel.nifti1 import Nifti1Header

SETTINGS = {"modes": ["auto"], "slices": {}, "margin": 10, "fov": 170}


@functools.cache
def head(code="RAS", zoom=2.0):
    """A ball of 80 mm radius around z = 10 mm on a neck, in 240 x 260 x 280 mm of air."""
    shape = tuple(int(size / zoom) for size in (240, 260, 280))
    affine = np.diag([zoom, zoom, zoom, 1.0])
    affine[:3, 3] = [-120, -130, -170]
    x, y, z = np.indices(shape) * zoom + affine[:3, 3].reshape(3, 1, 1, 1)
    ball = x**2 + y**2 + (z - 10) ** 2 < 80**2
    neck = (x**2 + y**2 < 50**2) & (z < 0)
    voxels = np.where(ball | neck, 1000, 0).astype("int16")
    header = Nifti1Header()
    header.set_data_dtype("int16")
    header.set_data_shape(shape)
    header.set_sform(affine, 1)
    header.set_qform(affine, 1)
    volume = Volume(header, voxels)
    return reoriented(volume, axis_change(code, affine))


def extent(volume, box):
    """The world box of the voxel centres, 3 x 2 in mm."""
    ends = itertools.product(*[(start, stop - 1) for start, stop in box.pairs])
    corners = apply_affine(volume.affine, list(ends))
    return np.array([np.min(corners, axis=0), np.max(corners, axis=0)]).T


@pytest.mark.parametrize("code", ["RAS", "LPI", "SAL", "PIR"])
def test_auto_leaves_the_head_and_the_margin(code):
    volume = head(code)
    box, _ = crop_box(volume, SETTINGS)
    np.testing.assert_allclose(extent(volume, box), [[-90, 90], [-90, 90], [-170, 100]], atol=6)
    without = volume.stored.copy()
    without[box.slices] = 0
    assert not without.any()


@pytest.mark.parametrize("code", ["RAS", "LPI", "SAL", "PIR"])
@pytest.mark.parametrize("length", [100, 170])
def test_fov_keeps_what_lies_below_the_top(code, length):
    volume = head(code)
    box, decided = crop_box(volume, {**SETTINGS, "modes": ["fov"], "fov": length})
    low, high = extent(volume, box)[2]
    assert low == pytest.approx(90 - length, abs=6)
    assert high == 108
    assert decided["CropModes"] == ["fov"]
    changed = [n != old for n, old in zip(box.shape, volume.stored.shape, strict=True)]
    assert sum(changed) == 1


def spoiled(kind):
    random = np.random.default_rng(0)
    values = head().stored.astype("f4")
    if kind in {"noise", "noise and padding"}:
        values = np.hypot(
            values + random.normal(0, 150, values.shape), random.normal(0, 150, values.shape)
        )
    if kind == "ghost":
        values = values + 0.1 * np.roll(values, values.shape[1] // 2, axis=1)
    if kind == "noise and padding":
        values[:12] = values[-12:] = values[:, :12] = values[..., -8:] = 0
    if kind == "defaced":
        values = values + random.normal(0, 20, values.shape).clip(0)
        values[:, 85:, :70] = 0
    if kind == "not a number":
        values[values == 0] = np.nan
    if kind == "offset":
        values = values - 1024
    if kind == "huge values":
        values = values * np.float32(1e30)
    if kind == "bright spots in air":
        values[5:9, 5:9, -9:-5] = 4000
    if kind == "hot voxel":
        values[5, 5, 5] = 1e9
    return with_values(head(), values.astype("f4"))


@pytest.mark.parametrize(
    "kind",
    [
        "noise",
        "ghost",
        "noise and padding",
        "defaced",
        "not a number",
        "offset",
        "huge values",
        "bright spots in air",
        "hot voxel",
    ],
)
def test_auto_finds_the_head_whatever_is_in_the_air(kind):
    volume = spoiled(kind)
    box, _ = crop_box(volume, SETTINGS)
    np.testing.assert_allclose(extent(volume, box)[[0, 2]], [[-90, 90], [-170, 100]], atol=6)
    assert extent(volume, box)[1, 0] == pytest.approx(-90, abs=6)


def test_modes_intersect_and_none_does_nothing():
    volume = head()
    slices = {"x": [32, -32], "z": [None, 130]}
    both, decided = crop_box(
        volume, {**SETTINGS, "modes": ["slices", "auto", "fov"], "slices": slices}
    )
    assert both.pairs[0] == [32, 88]
    assert both.stop[2] == 130
    assert extent(volume, both)[2, 0] == pytest.approx(-80, abs=6)
    assert decided["CroppedShape"] == list(both.shape)
    nothing, decided = crop_box(volume, {**SETTINGS, "modes": ["none"]})
    assert nothing == Box.whole(volume.stored.shape)
    assert decided["CropModes"] == ["none"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"modes": ["slices"], "slices": {"x": [60, 60]}}, "leave no voxel"),
        ({"modes": ["slices"], "slices": {"x": [500, 600]}}, "leave no voxel"),
        ({"modes": ["slices", "auto"], "slices": {"x": [0, 3]}}, "leave no voxel"),
        ({"modes": ["none", "auto"]}, r"crop\.modes"),
    ],
)
def test_impossible_crops_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        crop_box(head(), {**SETTINGS, **change})


def test_the_box_is_enlarged_to_hold_the_brain_mask():
    volume = head()
    mask = np.zeros(volume.stored.shape, "uint8")
    mask[40:60, 50:60, 70:95] = 1
    box, decided = crop_box(
        volume,
        {**SETTINGS, "modes": ["slices"], "slices": {"x": [50, 70]}},
        with_values(volume, mask),
    )
    assert box.pairs[0] == [38, 70]
    assert decided["BrainMaskEnlargement"] == [[12, 0], [0, 0], [0, 0]]
