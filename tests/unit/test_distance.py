"""Distances to a mask against scipy's distance transform."""

import numpy as np
import pytest
from ecdysis.image.distance import deeper_than, within
from scipy.ndimage import distance_transform_edt


@pytest.mark.parametrize(("radius", "spacing"), [(1, 1), (1.5, 1), (4, 1), (6, 1), (16, 1), (8, 2)])
def test_they_are_those_of_a_distance_transform(radius, spacing):
    mask = np.random.default_rng(0).random((24, 31, 3)) < 0.01
    outside = distance_transform_edt(~mask, sampling=spacing)
    np.testing.assert_array_equal(within(mask, radius, spacing), outside <= radius)
    depth = distance_transform_edt(~mask, sampling=spacing)
    np.testing.assert_array_equal(deeper_than(~mask, radius, spacing), depth > radius)


def test_nothing_is_near_an_empty_mask():
    assert not within(np.zeros((5, 5, 5), bool), 3.0, 1.0).any()
