"""Remove the face from an image."""

from collections.abc import Iterable
from pathlib import Path

import nibabel as nib
import numpy as np

from ecdysis.deface.face import BRAIN_MARGIN_MM, away_from, face_region, landmarks
from ecdysis.image.arrays import Mask
from ecdysis.image.volume import Volume
from ecdysis.skullstrip.itk import read_affine


def region_to_remove(
    volume: Volume, brain: Mask, template_mask: Path, affines: Iterable[Path]
) -> Mask:
    """Return the face region of an image, without voxels in or near the brain.

    `brain` is its brain mask, `template_mask` that of the template. `affines` are ITK transforms of
    points that lead from the template to the image, in this order.
    """
    to_template = np.eye(4)
    for file in affines:
        to_template = to_template @ np.linalg.inv(read_affine(file))
    marks = landmarks(nib.load(template_mask))
    region = face_region(volume.stored.shape, to_template @ volume.affine, marks)
    return region & away_from(brain, volume.affine, BRAIN_MARGIN_MM)


def without(volume: Volume, region: Mask) -> Volume:
    """Return an image with the value of air in a region; other voxels are unchanged."""
    return Volume(volume.header, np.where(region, volume.background, volume.stored))
