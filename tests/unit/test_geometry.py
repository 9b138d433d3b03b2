"""Boxes, changes of axes and affines."""

import itertools

import nibabel as nib
import numpy as np
import pytest
from ecdysis.errors import InputError
from ecdysis.image.geometry import (
    Box,
    axis_change,
    corner_distance,
    cropped_affine,
    orientation_of,
    permutation_and_flips,
    rigid,
    slices_box,
    superior_axis,
    undone,
    zooms_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.orientations import inv_ornt_aff

from tests.unit.nifti_images import AFFINE, noise, rotation

CODES = [
    "".join(letters)
    for order in itertools.permutations(["LR", "PA", "IS"])
    for letters in itertools.product(*order)
]


@pytest.mark.parametrize("code", CODES)
def test_a_change_of_axes_can_be_recorded_and_undone(code):
    voxels = noise((4, 5, 6, 2))
    change = axis_change(code, AFFINE)
    image = nib.Nifti1Image(voxels, AFFINE).as_reoriented(change)
    assert orientation_of(image.affine) == code
    permutation, flips = permutation_and_flips(change)
    assert image.shape[:3] == tuple(voxels.shape[axis] for axis in permutation)
    back = image.as_reoriented(undone(permutation, flips))
    np.testing.assert_array_equal(back.dataobj, voxels)
    np.testing.assert_allclose(back.affine, AFFINE, atol=1e-12)


def test_keep_changes_no_axis():
    unchanged = (0, 1, 2), (False, False, False)
    assert permutation_and_flips(axis_change("keep", AFFINE)) == unchanged


ends = st.none() | st.integers(-12, 12)


@given(st.dictionaries(st.sampled_from("xyz"), st.none() | st.lists(ends, min_size=2, max_size=2)))
def test_slices_mean_what_they_mean_to_nibabels_slicer(slices):
    voxels = np.arange(10 * 8 * 6, dtype="int16").reshape(10, 8, 6)
    index = tuple(slice(*(slices.get(axis) or (None, None))) for axis in "xyz")
    box = slices_box(slices, voxels.shape)
    assert box.empty == (voxels[index].size == 0)
    if box.empty:
        return
    expected = nib.Nifti1Image(voxels, AFFINE).slicer[index]
    np.testing.assert_array_equal(voxels[box.slices], expected.dataobj)
    # nibabel 5.4 takes a negative start for the offset itself; there its affine is wrong.
    if all((part.start or 0) >= 0 for part in index):
        np.testing.assert_allclose(cropped_affine(AFFINE, box), expected.affine)


@pytest.mark.parametrize(
    "slices", [{"a": [1, 2]}, {"x": [1]}, {"x": [1, 2, 3]}, {"x": [1.5, 3]}, {"x": 3}, {"x": "12"}]
)
def test_what_is_no_slice_is_refused(slices):
    with pytest.raises(InputError, match=r"crop\.slices"):
        slices_box(slices, (10, 10, 10))


boxes = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=3).map(
    Box.of
)


@given(boxes, boxes)
def test_intersection_and_hull_of_boxes(one, other):
    grid = np.zeros((5, 5, 5), bool)
    first, second = grid.copy(), grid.copy()
    first[one.slices] = True
    second[other.slices] = True
    common = one & other
    both = grid.copy()
    if not common.empty:
        both[common.slices] = True
    np.testing.assert_array_equal(both, first & second)
    if not one.empty and not other.empty:
        assert Box.around(first | second) == one | other


def test_the_box_around_nothing_is_none():
    assert Box.around(np.zeros((3, 3, 3))) is None


def test_a_box_grows_by_whole_voxels_that_cover_the_margin():
    assert Box((5, 5, 5), (6, 6, 6)).grown(3.0, (1.0, 1.5, 2.0)).pairs == [[2, 9], [3, 8], [3, 8]]


@pytest.mark.parametrize(
    ("code", "expected"),
    [("RAS", (2, True)), ("LPI", (2, False)), ("SAL", (0, True)), ("RIP", (1, False))],
)
def test_the_superior_axis_comes_from_the_affine(code, expected):
    affine = AFFINE @ inv_ornt_aff(axis_change(code, AFFINE), (9, 9, 9))
    assert superior_axis(affine) == expected


@settings(max_examples=50)
@given(st.floats(-180, 180), st.floats(-0.4, 0.4))
def test_rigid_takes_the_shear_and_keeps_the_zooms(angle, shear):
    affine = AFFINE.copy()
    affine[:3, :3] = rotation((1, 2, 3), angle) @ affine[:3, :3]
    sheared = affine.copy()
    sheared[:3, 0] += shear * affine[:3, 1]
    directions = rigid(sheared)[:3, :3] / zooms_of(sheared)
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(zooms_of(rigid(sheared)), zooms_of(sheared))
    np.testing.assert_allclose(rigid(affine), affine, atol=1e-9)


def test_corner_distance_is_that_of_the_worst_corner():
    other = AFFINE.copy()
    other[0, 0] += 0.01
    assert corner_distance(AFFINE, other, (101, 3, 3)) == pytest.approx(1.0)
