"""The border of a warped mask follows the cortex, on balls whose tissue is known."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from ecdysis.skullstrip.brain_recipe import RECIPE
from ecdysis.skullstrip.cortex_border import follow_cortex, tissue_interval
from ecdysis.skullstrip.tissues import Brightness
from ecdysis.skullstrip.working_image import NativeGrid

RADIUS, SHIFT = 30.0, np.array([0.0, 3.0, 0.0])


def distance(size, spacing, centre=(0.0, 0.0, 0.0)):
    """Distance (mm) of each voxel of a cube to `centre`."""
    axis = (np.arange(size) - (size - 1) / 2) * spacing
    steps = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.sqrt(sum((one - at) ** 2 for one, at in zip(steps, centre, strict=True)))


def strip(contrast, added_at_most):
    """Strip a brain whose warped mask lies 3 mm too far back; scalp is 12 mm outside."""
    fluid, grey, white, scalp = {"T1w": (20, 60, 100, 120), "T2w": (150, 70, 45, 60)}[contrast]
    far = distance(96, 1.0)
    head = np.full(far.shape, 5.0)
    head[(far > RADIUS + 12) & (far < RADIUS + 16)] = scalp
    head[far < RADIUS + 3] = fluid
    head[far < RADIUS] = grey
    head[far < RADIUS - 4] = white
    head[far < 8] = fluid
    head += np.random.default_rng(0).normal(0, 3, head.shape)
    affine, coarse = np.eye(4), np.diag([2.0, 2.0, 2.0, 1.0])
    near, shifted = distance(48, 2.0), distance(48, 2.0, -SHIFT)
    prior = np.clip((RADIUS - shifted) / 2 + 0.5, 0, 1).astype(np.float32)
    inside = shifted < RADIUS + 2
    classes = [(near < 8) | (near > RADIUS), (near >= 26) & (near <= RADIUS), (near >= 8)]
    classes[2] &= near < 26
    posteriors = [(one & inside).astype(np.float32) for one in classes]
    return follow_cortex(
        nib.Nifti1Image(head.astype(np.float32), affine),
        nib.Nifti1Image(np.ones(near.shape, np.float32), coarse),
        nib.Nifti1Image(prior, coarse),
        posteriors,
        NativeGrid(far.shape, affine, (1.0, 1.0, 1.0)),
        replace(RECIPE.border, added_at_most=added_at_most),
        RECIPE.closing,
    )


@pytest.fixture(params=["T1w", "T2w"])
def stripped(request):
    """The mask, and the distances from the centres of the brain and of the warped mask."""
    return strip(request.param, 0.5), distance(96, 1.0), distance(96, 1.0, -SHIFT)


def test_when_too_much_would_be_added_the_warped_mask_is_kept():
    warped = distance(96, 1.0, -SHIFT) < RADIUS
    assert (strip("T1w", 0.02) != warped).sum() < 0.02 * warped.sum()


def test_cortex_that_the_warped_mask_cuts_is_added(stripped):
    mask, far, warped = stripped
    brain = far < RADIUS - 0.5
    assert (brain & (warped > RADIUS)).sum() > 0.03 * brain.sum()
    assert (brain & ~mask).sum() < 0.002 * brain.sum()


def test_neither_fluid_nor_scalp_is_added(stripped):
    mask, far, warped = stripped
    added = mask & (warped > RADIUS + 1)
    assert (added & (far > RADIUS + 1)).sum() < 0.002 * mask.sum()
    assert not mask[far > RADIUS + 8].any()


CAVITY = distance(96, 1.0, (RADIUS - 4, 0, 0)) < 8
"""A cavity in the cortex that opens to the fluid outside."""


def trimmed(contrast, too_large_mm, fluid_mm=2.0, removed_at_most=0.2, healthy=None):
    """Strip a brain whose warped mask is too large, as in images that are not T1w.

    With `healthy`, which is 0 in a lesion, the brain has a `CAVITY`.
    """
    fluid, grey, white = {"T2w": (150, 70, 45), "FLAIR": (14, 80, 62), "PDw": (71, 70, 55)}[
        contrast
    ]
    far, near = distance(96, 1.0), distance(48, 2.0)
    head = np.full(far.shape, 2.0)  # bone
    head[far < RADIUS + fluid_mm] = fluid
    head[far < RADIUS] = grey
    head[far < RADIUS - 6] = white
    head[far < 14] = fluid
    if healthy is not None:
        head[CAVITY & (far < RADIUS)] = fluid
    head += np.random.default_rng(0).normal(0, 2, head.shape)
    edge = RADIUS + too_large_mm
    classes = [near < 14, (near >= 24) & (near <= edge), (near >= 14) & (near < 24)]
    affine, coarse = np.eye(4), np.diag([2.0, 2.0, 2.0, 1.0])
    return follow_cortex(
        nib.Nifti1Image(head.astype(np.float32) - 1024, affine),
        nib.Nifti1Image(np.ones(near.shape, np.float32), coarse),
        nib.Nifti1Image(np.clip((edge - near) / 2 + 0.5, 0, 1).astype(np.float32), coarse),
        [volume.astype(np.float32) for volume in classes],
        NativeGrid(far.shape, affine, (1.0, 1.0, 1.0)),
        replace(RECIPE.border, removed_at_most=removed_at_most),
        RECIPE.closing,
        healthy=healthy,
        is_t1w=False,
    )


@pytest.mark.parametrize("contrast", ["T2w", "FLAIR"])
def test_bone_and_fluid_are_removed(contrast):
    mask, far = trimmed(contrast, 2.0), distance(96, 1.0)
    assert mask[far < RADIUS - 0.5].all()
    assert not mask[far > RADIUS + 1.5].any()


def test_wide_fluid_is_removed():
    mask, far = trimmed("T2w", 6.0, fluid_mm=6.0, removed_at_most=0.5), distance(96, 1.0)
    assert mask[far < RADIUS - 0.5].all()
    assert not mask[far > RADIUS + 1.5].any()


def test_a_lesion_keeps_its_place():
    near, far = distance(48, 2.0, (RADIUS - 4, 0, 0)), distance(96, 1.0)
    deep = CAVITY & (far < RADIUS - 1)
    with_mask = trimmed("T2w", 2.0, healthy=(near >= 8).astype(np.float32))
    without_mask = trimmed("T2w", 2.0, healthy=np.ones(near.shape, np.float32))
    assert with_mask[deep].all()
    assert without_mask[deep].mean() < 0.7


def test_where_fluid_is_as_bright_as_cortex_only_bone_is_removed():
    mask, far = trimmed("PDw", 4.0), distance(96, 1.0)
    assert mask[far < RADIUS - 0.5].all()
    assert not mask[far > RADIUS + 3.5].any()


def test_when_too_much_would_be_removed_the_warped_mask_is_kept():
    mask, warped = trimmed("T2w", 6.0), distance(96, 1.0) < RADIUS + 6
    assert (mask != warped).sum() < 0.02 * warped.sum()


def test_without_examples_of_tissue_there_is_no_interval():
    assert tissue_interval([None, None, Brightness(100, 5)], 2) is None
