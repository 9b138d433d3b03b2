"""Defacing: what goes, what stays, and that nothing else changes."""

import json
from dataclasses import replace

import deface as script
import nibabel as nib
import numpy as np
import pytest
from ecdysis.deface.face import BRAIN_MARGIN_MM, away_from, face_region, landmarks
from ecdysis.deface.surface import shaded_views
from ecdysis.errors import InputError
from ecdysis.phantom.head import HeadSettings, build_head
from ecdysis.skullstrip.itk import write_affine
from ecdysis.template import embedded


@pytest.fixture(scope="module")
def head():
    """A tilted head with neck at 3 mm."""
    return build_head(
        HeadSettings(
            spacing_mm=(3.0,) * 3, neck_mm=60, size=0.9, rotation_deg=(10, 0, 15), deformation_mm=3
        )
    )


@pytest.fixture(scope="module")
def template_mask(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "mask.nii.gz"
    nib.save(nib.load(embedded(2).brain_mask), path)
    return path


@pytest.fixture
def inputs(head, template_mask, tmp_path):
    return _inputs(head, template_mask, tmp_path)


@pytest.fixture(scope="module")
def removed(head, template_mask, tmp_path_factory):
    """What is removed from the head."""
    folder = tmp_path_factory.mktemp("removed")
    made = script.Outputs(folder / "defaced.nii.gz", folder / "face.nii.gz")
    script.deface(_inputs(head, template_mask, folder), made, sources=[])
    return np.asanyarray(nib.load(made.defacemask).dataobj) > 0


def _inputs(head, template_mask, tmp_path):
    nib.save(head.image, tmp_path / "head.nii.gz")
    nib.save(head.mask, tmp_path / "mask.nii.gz")
    (tmp_path / "head.json").write_text(json.dumps({"CropBox": [[0, 1]] * 3}))
    write_affine(head.affine, tmp_path / "affine.txt")
    return script.Inputs(
        tmp_path / "head.nii.gz",
        tmp_path / "mask.nii.gz",
        template_mask,
        (tmp_path / "affine.txt",),
    )


@pytest.fixture
def outputs(tmp_path):
    return script.Outputs(tmp_path / "defaced.nii.gz", tmp_path / "face.nii.gz")


def voxel_of(head, point_mm):
    """The voxel of a point that is given in the template's space."""
    world = nib.affines.apply_affine(head.affine, head.deformation.moved(np.array([point_mm])))
    return tuple(
        np.rint(nib.affines.apply_affine(np.linalg.inv(head.image.affine), world[0])).astype(int)
    )


def test_the_face_goes_and_the_brain_stays_bit_by_bit(head, inputs, outputs):
    details = script.deface(inputs, outputs, sources=["bids::x"])
    before = np.asanyarray(head.image.dataobj)
    after = np.asanyarray(nib.load(outputs.image).dataobj)
    removed = np.asanyarray(nib.load(outputs.defacemask).dataobj) > 0
    brain = np.asanyarray(head.mask.dataobj) > 0
    assert after.dtype == before.dtype
    assert np.array_equal(after[brain], before[brain])
    assert np.array_equal(after[~removed], before[~removed])
    assert not after[removed].any()
    assert not (removed & brain).any()
    assert details["FaceVolume"] > 200
    assert details["warnings"] == []
    assert details["ResidualFace"]["verdict"] == "none"


@pytest.mark.parametrize(
    ("point_mm", "gone"),
    [
        ((31, 60, -38), True),  # right eye
        ((-31, 60, -38), True),  # left eye
        ((0, 88, -45), True),  # tip of the nose
        ((0, 60, -85), True),  # mouth and teeth
        ((0, 88, 5), True),  # root of the brows
        ((83, -35, -45), True),  # right ear
        ((-83, -35, -45), True),  # left ear
        ((0, 75, 62), False),  # forehead at the hairline
        ((0, -110, 0), False),  # back of the head
        ((76, 0, 20), False),  # temple
        ((0, -60, -85), False),  # nape
    ],
)
def test_landmarks_of_the_face(head, removed, point_mm, gone):
    voxel = voxel_of(head, point_mm)
    if all(0 <= i < n for i, n in zip(voxel, removed.shape, strict=True)):
        assert bool(removed[voxel]) is gone
    else:
        # Only the air in front of the field of view may be missing.
        assert gone


def test_affines_are_chained(head, inputs, outputs):
    """The same face by two steps: from the template to a T1w, and on to the image."""
    script.deface(inputs, outputs, sources=[])
    direct = np.asanyarray(nib.load(outputs.defacemask).dataobj)
    step = nib.affines.from_matvec(np.eye(3), [4, -3, 9])
    first, second = (inputs.affines[0].with_name(name) for name in ("first.txt", "second.txt"))
    write_affine(np.linalg.inv(step) @ head.affine, first)
    write_affine(step, second)
    chained = replace(inputs, affines=(first, second))
    script.deface(chained, outputs, sources=[])
    assert np.array_equal(np.asanyarray(nib.load(outputs.defacemask).dataobj), direct)


def test_a_field_without_a_face_is_reported(head, inputs, outputs):
    away = nib.affines.from_matvec(np.eye(3), [0, 0, -400]) @ head.affine
    write_affine(away, inputs.affines[0])
    details = script.deface(inputs, outputs, sources=[])
    assert details["FaceVolume"] == 0
    assert "outside the field of view" in details["warnings"][0]


def test_a_change_of_a_brain_voxel_would_be_noticed(head, inputs, outputs):
    script.deface(inputs, outputs, sources=[])
    image = nib.load(outputs.image)
    data = np.asanyarray(image.dataobj).copy()
    brain = np.asanyarray(head.mask.dataobj) > 0
    data[tuple(np.argwhere(brain)[0])] += 1
    nib.save(nib.Nifti1Image(data, image.affine, image.header), outputs.image)
    with pytest.raises(RuntimeError, match="defacing changed"):
        script.check(script.read(inputs.preproc), brain, outputs)
    assert not outputs.image.exists()


def test_an_empty_brain_mask_is_refused(head, inputs, outputs):
    empty = nib.Nifti1Image(np.zeros(head.mask.shape, np.uint8), head.mask.affine)
    nib.save(empty, inputs.mask)
    with pytest.raises(InputError, match="empty"):
        script.deface(inputs, outputs, sources=[])
    assert not outputs.image.exists()


def test_the_region_follows_the_grid_not_its_order(template_mask):
    marks = landmarks(nib.load(template_mask))
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = [-100, -130, -130]
    shape = (50, 60, 60)
    region = face_region(shape, affine, marks)
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = shape[0] - 1
    assert np.array_equal(face_region(shape, affine @ flip, marks), region[::-1])
    assert 0.02 < region.mean() < 0.4


def test_nothing_near_the_brain_is_taken():
    mask = np.zeros((60, 60, 60), bool)
    mask[20:40, 20:40, 20:40] = True
    far = away_from(mask, np.eye(4), BRAIN_MARGIN_MM)
    assert not far[mask].any()
    assert not far[16:44, 30, 30].any()
    assert far[:13, 30, 30].all()


def test_the_surface_shows_a_ball_from_all_sides():
    grid = np.indices((60, 60, 60)) - 29.5
    ball = nib.Nifti1Image(
        ((grid**2).sum(axis=0) < 20**2).astype(np.float32), np.diag([2.0, 2, 2, 1])
    )
    views = shaded_views(ball, 0.5)
    assert len(views) == 3
    for view in views:
        seen = view > 0
        assert seen.sum() * 1.5**2 == pytest.approx(np.pi * 40**2, rel=0.05)
        rows, columns = np.nonzero(seen)
        middle = view[int(rows.mean()), int(columns.mean())]
        assert middle == pytest.approx(1, abs=0.05)
        assert view[rows.min() + 1, int(columns.mean())] < 0.7


def test_the_surface_of_nothing_is_black():
    views = shaded_views(nib.Nifti1Image(np.zeros((9, 9, 9), np.float32), np.eye(4)), 0.5)
    assert not any(view.any() for view in views)
