"""The small image that brain extraction works on, and the way back to the native grid."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from ecdysis.errors import InputError
from ecdysis.image.components import filled
from ecdysis.image.resampling import isotropic_grid, resample
from ecdysis.skullstrip import working_image
from scipy import ndimage

HERE = Path("sub-01_T1w.nii")


def ball(shape, zooms, radius):
    """A ball in the middle of a field; radius in mm."""
    index = [
        (np.arange(size) - (size - 1) / 2) * zoom for size, zoom in zip(shape, zooms, strict=True)
    ]
    x, y, z = np.meshgrid(*index, indexing="ij")
    return (x**2 + y**2 + z**2 < radius**2).astype(np.float32)


@pytest.mark.parametrize("zooms", [(0.7, 0.7, 0.7), (1, 1, 5), (4, 4, 4)])
def test_a_ball_keeps_its_place_and_volume_there_and_back(zooms):
    shape = tuple(int(160 / zoom) for zoom in zooms)
    data = ball(shape, zooms, 60)
    small_shape, _ = isotropic_grid(shape, np.diag([*zooms, 1.0]), 2.0)
    small = resample(data, zooms, small_shape, (2.0,) * 3)
    assert small.sum() * 8 == pytest.approx(data.sum() * np.prod(zooms), rel=0.02)
    back = resample(small, (2.0,) * 3, shape, zooms) > 0.5
    both = back & (data > 0)
    assert 2 * both.sum() / (back.sum() + data.sum()) > 0.985


def test_the_working_grid_has_the_centre_of_the_native_one():
    affine = nib.affines.from_matvec(
        nib.eulerangles.euler2mat(0.3, 0.2, 0.1) @ np.diag([-0.9, 1.1, 3.3]), [10, 20, 30]
    )
    shape, new = isotropic_grid((100, 120, 40), affine, 2.0)
    old_centre = nib.affines.apply_affine(affine, (np.array([100, 120, 40]) - 1) / 2)
    assert np.allclose(nib.affines.apply_affine(new, (np.array(shape) - 1) / 2), old_centre)
    assert np.allclose(new[:3, :3].T @ new[:3, :3], 4 * np.eye(3))
    assert np.sign(np.linalg.det(new[:3, :3])) == np.sign(np.linalg.det(affine[:3, :3]))


def test_a_sheared_affine_gets_orthogonal_axes():
    affine = np.eye(4)
    affine[0, 1] = 0.1
    _, new = isotropic_grid((100, 100, 100), affine, 2.0)
    assert np.allclose(new[:3, :3].T @ new[:3, :3], 4 * np.eye(3))


@pytest.mark.parametrize(
    ("data", "zooms", "problem"),
    [
        (np.ones((40, 40, 40), np.float32), (4, 4, 4), "hardly differ"),
        (np.random.default_rng(0).random((80, 80, 12)), (2, 2, 4), "48 mm in one direction"),
        (np.ones((40, 40, 40, 3), np.float32), (4, 4, 4), "4 dimensions"),
        (700 - 600 * ball((40, 40, 40), (4, 4, 4), 50), (4, 4, 4), "intensities are inverted"),
    ],
)
def test_what_cannot_hold_a_brain_is_refused(data, zooms, problem):
    image = nib.Nifti1Image(data.astype(np.float32), np.diag([*zooms, 1.0]))
    with pytest.raises(InputError, match=problem):
        working_image.prepare(image, HERE, 2.0, (0.5, 99.9))


def test_nan_and_a_trailing_dimension_of_one_are_taken():
    data = ball((40, 40, 40), (4, 4, 4), 50)[..., None] * 700
    data[0, 0, 0] = np.nan
    image = nib.Nifti1Image(data, np.diag([4.0, 4, 4, 1]))
    working = working_image.prepare(image, HERE, 2.0, (0.5, 99.9))
    values = working.get_fdata()
    # The air is a border of one value, of which four layers stay.
    assert working.shape == (58, 58, 58)
    assert (values.min(), values.max()) == (0, 1000)


def test_finish_leaves_one_component_without_holes():
    prior = ball((80, 80, 80), (2, 2, 2), 50)
    prior[38:42, 38:42, 38:42] = 0
    prior[2:5, 2:5, 2:5] = 1
    grid = working_image.NativeGrid((160, 160, 40), np.diag([1.0, 1, 4, 1]), (1.0, 1.0, 4.0))
    mask = working_image.finish(prior, 2.0, grid)
    assert mask.shape == grid.shape
    assert ndimage.label(mask)[1] == 1
    assert np.array_equal(ndimage.binary_fill_holes(mask), mask)
    assert mask.sum() * 4 == pytest.approx(4 / 3 * np.pi * 50**3, rel=0.02)


def test_finish_of_nothing_is_nothing():
    grid = working_image.NativeGrid((20, 20, 20), np.diag([4.0, 4, 4, 1]), (4.0, 4.0, 4.0))
    assert not working_image.finish(np.zeros((40, 40, 40), np.float32), 2.0, grid).any()


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_a_mask_gets_the_affines_of_its_image_but_no_text(tmp_path, kind):
    source = kind(np.zeros((4, 5, 6), np.int16), np.diag([-1.0, 2, 3, 1]))
    source.set_sform(np.diag([-1.0, 2, 3, 1]), 4)
    source.set_qform(np.diag([-1.0, 2, 3, 1]), 1)
    source.header["descrip"] = b"A Name"
    working_image.write_mask(np.ones((4, 5, 6), bool), source, tmp_path / "mask.nii")
    mask = nib.load(tmp_path / "mask.nii")
    assert isinstance(mask, kind)
    assert mask.get_data_dtype() == np.uint8
    assert np.array_equal(mask.affine, source.affine)
    assert (int(mask.header["qform_code"]), int(mask.header["sform_code"])) == (1, 4)
    assert not bytes(mask.header["descrip"]).strip(b"\0")


def test_a_border_of_one_value_is_no_part_of_the_working_image():
    values = np.random.default_rng(0).normal(0, 10, (40, 44, 42)).astype(np.float32)
    plain = nib.Nifti1Image(values, np.diag([2.0, 2, 2, 1]))
    wide = np.pad(values, ((30, 30), (50, 30), (0, 0)), constant_values=-1024)
    moved = plain.affine.copy()
    moved[:3, 3] = -60, -100, 0
    cut = (0.5, 99.9)
    padded = working_image.prepare(nib.Nifti1Image(wide, moved), HERE, 2.0, cut)
    assert padded.shape == (48, 44 + 4 + 24, 42)
    head = working_image.prepare(plain, HERE, 2.0, cut).get_fdata()
    assert np.corrcoef(padded.get_fdata()[4:-4, 24:-4].ravel(), head.ravel())[0, 1] > 0.99
    corner = nib.affines.apply_affine(padded.affine, [4, 24, 0])
    np.testing.assert_allclose(corner, 0, atol=1e-6)


def test_holes_are_filled_as_by_scipy():
    mask = np.random.default_rng(0).random((9, 10, 11)) > 0.4
    np.testing.assert_array_equal(filled(mask), ndimage.binary_fill_holes(mask))


def test_resampling_does_not_depend_on_the_order_of_the_memory():
    data = np.random.default_rng(0).random((6, 7, 8), dtype=np.float32)
    grid = (1.0, 1.0, 2.0), (9, 7, 8), (0.7, 1.0, 2.0), (slice(2, 8), slice(1, 7), slice(None))
    made = resample(data, *grid)
    np.testing.assert_array_equal(made, resample(np.asfortranarray(data), *grid))
    np.testing.assert_array_equal(made, resample(data, *grid[:3])[grid[3]])
