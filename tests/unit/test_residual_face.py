"""The residual-face score: a phantom's face is seen, and each part that is left."""

import nibabel as nib
import numpy as np
import pytest
from ecdysis.deface.face import face_region, landmarks
from ecdysis.deface.residual import PARTS, align_to_template, residual_face
from ecdysis.phantom.head import HeadSettings, build_head
from ecdysis.template import embedded

EARS = {"right ear", "left ear"}


@pytest.fixture(scope="module")
def head():
    """A tilted small head of 3 mm, with the alignment of its brain mask."""
    made = build_head(
        HeadSettings(
            spacing_mm=(3.0,) * 3,
            neck_mm=40,
            size=0.9,
            rotation_deg=(12, 0, 8),
            shift_mm=(5, -9, 12),
            orientation="PSR",
            deformation_mm=4,
        )
    )
    return made, align_to_template(made.mask)


def _without(head, chosen):
    """Return the head with air where the face is and `chosen` (template mm) is true."""
    image = head.image
    to_template = np.linalg.inv(head.affine) @ image.affine
    region = face_region(image.shape, to_template, landmarks(nib.load(embedded(2).brain_mask)))
    grid = np.moveaxis(np.indices(image.shape), 0, -1)
    points = nib.affines.apply_affine(to_template, grid)
    region &= chosen(*np.moveaxis(points, -1, 0))
    return nib.Nifti1Image(np.where(region, 0, np.asanyarray(image.dataobj)), image.affine)


def test_the_alignment_is_that_of_the_head(head) -> None:
    made, (matrix, overlap) = head
    places = np.array([[0, 88, -45], [83, -35, -45], [0, 0, 70]])
    apart = nib.affines.apply_affine(matrix, places) - nib.affines.apply_affine(made.affine, places)
    assert overlap > 0.93
    assert np.linalg.norm(apart, axis=1).max() < 7


@pytest.mark.parametrize(
    ("chosen", "visible", "verdict"),
    [
        (lambda x, y, z: x > 1e9, set(PARTS), "face"),
        (lambda x, y, z: x < 1e9, set(), "none"),
        (lambda x, y, z: x > 0, {"left eye", "left ear"}, "face"),
        (lambda x, y, z: (abs(x) < 14) & (y > 60), set(PARTS) - {"nose"}, "face"),
        (lambda x, y, z: abs(x) < 70, EARS, "ears"),
    ],
    ids=["undefaced", "defaced", "right half", "nose only", "all but the ears"],
)
def test_what_is_left_of_the_face_is_seen(head, chosen, visible, verdict) -> None:
    made, aligned = head
    score = residual_face(_without(made, chosen), made.mask, aligned)
    # At 3 mm with a deformed head an ear may be flat, and half a nose may count or not.
    unsure = {"nose"} if visible == {"left eye", "left ear"} else set()
    assert visible - EARS <= set(score.visible) <= visible | unsure
    assert score.verdict == verdict


def test_parts_outside_the_field_of_view_are_not_judged(head) -> None:
    made, aligned = head
    top = np.argmax(np.abs(made.image.affine[2, :3]))
    keep = [slice(None)] * 3
    size = made.image.shape[top]
    upwards = made.image.affine[2, top] > 0
    keep[top] = slice(size * 2 // 3, None) if upwards else slice(None, size // 3)
    score = residual_face(made.image.slicer[tuple(keep)], made.mask, aligned)
    assert set(score.distances_mm.values()) == {None}
    assert score.verdict == "none"


def test_a_mask_that_is_no_brain_gives_no_verdict(head) -> None:
    made, _ = head
    stick = np.zeros(made.mask.shape, np.uint8)
    stick[10:14, 10:14] = 1
    score = residual_face(made.image, nib.Nifti1Image(stick, made.mask.affine))
    assert score.verdict == "unknown"
    with pytest.raises(ValueError, match="empty"):
        residual_face(made.image, nib.Nifti1Image(stick * 0, made.mask.affine))
