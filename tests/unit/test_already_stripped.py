"""An image without skull is recognised; a head is not."""

import numpy as np
import pytest
from ecdysis.skullstrip.already_stripped import stripped_brain
from ecdysis.skullstrip.working_image import NativeGrid

SIZE, SPACING = 64, 3.0
GRID = NativeGrid((SIZE,) * 3, np.diag([SPACING, SPACING, SPACING, 1]), (SPACING,) * 3)
BRAIN_MM, SCALP_MM = 65.0, 78.0


def head(air):
    """Brain, bone and scalp around each other; returns the head and its brain."""
    axis = (np.arange(SIZE) - (SIZE - 1) / 2) * SPACING
    far = np.sqrt(sum(one**2 for one in np.meshgrid(axis, axis, axis, indexing="ij")))
    values = np.full(far.shape, float(air))
    for radius, value in ((SCALP_MM, 100), (SCALP_MM - 6, 15), (BRAIN_MM, 70), (BRAIN_MM - 8, 95)):
        values[far < radius] = air + value
    noise = np.random.default_rng(0).normal(0, 3, far.shape)
    return np.where(far < SCALP_MM, values + noise, values).astype(np.float32), far < BRAIN_MM


@pytest.mark.parametrize("air", [0, -1024])
def test_a_brain_on_a_constant_background_is_recognised(air):
    values, brain = head(air)
    values[~brain] = air
    assert np.array_equal(stripped_brain(values, GRID), brain)


def test_a_head_on_a_constant_background_is_not():
    assert stripped_brain(head(0)[0], GRID) is None


def test_a_brain_in_noise_is_not():
    values, brain = head(0)
    noise = np.random.default_rng(1).normal(0, 1, values.shape)
    assert stripped_brain(np.where(brain, values, noise).astype(np.float32), GRID) is None


def test_neither_a_lemon_nor_a_constant_image_is_a_brain():
    values, _ = head(0)
    small = np.zeros_like(values)
    small[28:36, 28:36, 28:36] = values[28:36, 28:36, 28:36]
    assert stripped_brain(small, GRID) is None
    assert stripped_brain(np.zeros_like(values), GRID) is None
