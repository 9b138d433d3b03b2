"""Render the surface of a head from several sides, to see whether a face could be recognised.

Along each line of sight the surface is the first voxel brighter than air; its slope gives the
shade (Lambert's cosine law).
"""

import nibabel as nib
import numpy as np
from nibabel.eulerangles import euler2mat
from scipy import ndimage

from ecdysis.image.arrays import Values
from ecdysis.image.components import largest_component
from ecdysis.image.geometry import zooms_of
from ecdysis.image.resampling import isotropic_grid, resample

SPACING_MM = 1.5
TURNS_DEG = (0.0, 45.0, 90.0)
"""Rotation about the body axis: from the front, half from the right, from the right."""
SMOOTH_MM = 1.0
AMBIENT = 0.15


def shaded_views(image: nib.Nifti1Image, threshold: float) -> list[Values]:
    """Render a head (3-D) from several sides; voxels brighter than `threshold` are head.

    The views (rows, columns) are 0 for air, up to 1; the first row is the top.
    """
    head = nib.as_closest_canonical(image)
    zooms = zooms_of(head.affine)
    shape, _ = isotropic_grid(head.shape[:3], head.affine, SPACING_MM)
    data = np.nan_to_num(head.get_fdata(dtype=np.float32)).reshape(head.shape[:3])
    small = resample(data, zooms.tolist(), shape, (SPACING_MM,) * 3)
    smooth = ndimage.gaussian_filter(small, SMOOTH_MM / SPACING_MM)
    # Only the largest component is drawn, so that noise and wrap-around in the air hide nothing.
    largest = largest_component(smooth > threshold)
    if not largest.any():
        return [np.zeros((1, 1), dtype=np.float32) for _ in TURNS_DEG]
    return [_shaded(np.where(largest, smooth, 0), threshold, turn) for turn in TURNS_DEG]


def _shaded(volume: Values, threshold: float, turn_deg: float) -> Values:
    """Render the view along the y axis from the front, after a rotation about z."""
    size = int(np.ceil(np.hypot(*volume.shape[:2])))
    turned = _turned(volume, turn_deg, size)
    solid = turned[:, ::-1] > threshold
    seen = solid.any(axis=1)
    depth = np.where(seen, solid.argmax(axis=1), size).astype(np.float32)
    # Interpolated between voxels, so that the surface has no steps.
    x, z = np.nonzero(seen)
    y = np.clip(depth[seen].astype(int), 1, None)
    near, far = turned[:, ::-1][x, y - 1, z], turned[:, ::-1][x, y, z]
    depth[seen] = y - np.clip((far - threshold) / np.maximum(far - near, 1e-6), 0, 1)
    across, along = np.gradient(depth)
    shade = AMBIENT + (1 - AMBIENT) / np.sqrt(1 + across**2 + along**2)
    # In a view from the front the right side of the person is on the left.
    return np.where(seen, shade, 0).astype(np.float32).T[::-1]


def _turned(volume: Values, turn_deg: float, size: int) -> Values:
    """Rotate about z to the centre of a field of `size` voxels along x and y."""
    quarters, rest = divmod(turn_deg, 90)
    if rest == 0:
        turned = np.rot90(volume, -int(quarters))
        before = [(size - have) // 2 for have in turned.shape[:2]]
        after = [size - have - first for have, first in zip(turned.shape, before, strict=False)]
        return np.pad(turned, [*zip(before, after, strict=True), (0, 0)])
    rotation = euler2mat(z=np.deg2rad(turn_deg))
    centre, middle = (np.array(volume.shape) - 1) / 2, np.array([size - 1, size - 1, 0]) / 2
    middle[2] = centre[2]
    field = (size, size, volume.shape[2])
    offset = centre - rotation @ middle
    return np.asarray(
        ndimage.affine_transform(volume, rotation, offset, output_shape=field, order=1)
    )
