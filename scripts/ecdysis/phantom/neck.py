"""A plausible neck for a head template that ends at the foramen magnum.

The outline is interpolated between the signed distances of the template's lowest section, jaw, neck
and shoulders. It contains fat, muscle with fat planes, vertebrae with discs, cord in its canal,
airway and mandible, in the template's T1w intensities. Sizes are rough ones of an adult without a
source; they suffice for tests of cropping.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ecdysis.image.arrays import Array, Mask

Volume = NDArray[np.floating[Any]]

NECK_LENGTH_MM = 150.0
# Intensities of the template's tissues.
FAT, MUSCLE, MARROW, DISC, CORD, CSF, BONE, AIR = 8600, 4200, 6300, 3600, 6800, 2000, 1200, 300
# Ellipses (centre x, y; radii x, y) in template mm, and the depths of these outlines.
JAW = (0.0, 30.0, 50.0, 54.0)
NECK = (0.0, -32.0, 62.0, 62.0)
SHOULDERS = (0.0, -40.0, 105.0, 75.0)
JAW_DEPTH_MM, NECK_DEPTH_MM, SHOULDER_DEPTH_MM = 32.0, 66.0, 105.0
CORD_Y_MM = -45.0
BLEND_MM = 22.0
TEXTURE_SEED = 20150721


def extended_below(
    t1w: Volume, silhouette: Mask, affine: Array, step: float
) -> tuple[Volume, Mask]:
    """Continue a head downwards by `NECK_LENGTH_MM`; return head and silhouette with the neck.

    The head `t1w` (i, j, k) has the axes R, A, S, lowest section first, and the spacing `step`
    (mm); `silhouette` is the head without holes, and `affine` maps voxels to template mm.
    """
    x = (affine[0, 3] + step * np.arange(t1w.shape[0], dtype=np.float32))[:, None]
    y = (affine[1, 3] + step * np.arange(t1w.shape[1], dtype=np.float32))[None, :]
    lowest = silhouette[:, :, 0]
    outside, inward = (ndimage.distance_transform_edt(part) for part in (~lowest, lowest))
    edge = (inward - outside).astype(np.float32) * step
    muscle = _muscle((*lowest.shape, round(NECK_LENGTH_MM / step)), step)
    nearest = ndimage.distance_transform_edt(~lowest, return_distances=False, return_indices=True)
    section = t1w[:, :, 0][tuple(nearest)]
    neck = np.empty(muscle.shape, dtype=np.float32)
    inside = np.empty(muscle.shape, dtype=np.bool_)
    for k in range(muscle.shape[2]):
        depth = (muscle.shape[2] - k) * step
        skin = _outline(x, y, depth, edge)
        smooth = ndimage.gaussian_filter(section, 0.15 * depth / step)
        share = _ramp(depth / BLEND_MM)
        neck[:, :, k] = smooth + share * (_section(x, y, depth, skin, muscle[:, :, k]) - smooth)
        inside[:, :, k] = skin > 0
    return np.concatenate([neck, t1w], axis=2), np.concatenate([inside, silhouette], axis=2)


def _outline(x: Volume, y: Volume, depth: float, edge: Volume) -> Volume:
    """Return the distance to the skin in mm, positive inside, `depth` mm below the template."""
    neck = _ellipse(x, y, NECK)
    jaw = np.maximum(_ellipse(x, y, JAW), neck)
    shoulders = np.maximum(_ellipse(x, y, SHOULDERS), neck)
    outline = edge + _ramp(depth / JAW_DEPTH_MM) * (jaw - edge)
    outline = outline + _ramp((depth - JAW_DEPTH_MM) / (NECK_DEPTH_MM - JAW_DEPTH_MM)) * (
        neck - outline
    )
    spread = _ramp((depth - SHOULDER_DEPTH_MM) / (NECK_LENGTH_MM - SHOULDER_DEPTH_MM))
    return outline + spread * (shoulders - outline)


def _section(x: Volume, y: Volume, depth: float, skin: Volume, muscle: Volume) -> Volume:
    """Return an axial section of the neck; later tissues overlay earlier ones."""
    jaw_share = 1 - _ramp((depth - JAW_DEPTH_MM) / 14)
    mandible = np.abs(skin - 13.0)
    canal = np.hypot(x, y - CORD_Y_MM)
    disc = _ramp((np.cos(2 * np.pi * depth / 19) - 0.55) / 0.3)
    body = _ellipse(x, y, (0.0, CORD_Y_MM + 23, 13.0, 11.0))
    spine = _ellipse(x, y, (0.0, CORD_Y_MM - 22, 3.5, 11.0))
    gap = _ramp((np.cos(2 * np.pi * depth / 19 + 2.5) + 0.2) / 0.4)
    layers: list[tuple[Volume, float | Volume]] = [
        (_ramp((skin - 1.0) / 1.5) * _ramp((8.5 - skin) / 2.5), FAT),
        (_ramp(7.0 - mandible) * _ramp((y - 5) / 10) * jaw_share, BONE),
        (_ramp(4.0 - mandible) * _ramp((y - 5) / 10) * jaw_share, MARROW),
        (_ramp((14.5 - canal) / 1.5), BONE),
        (_ramp(spine / 1.5) * (1 - gap), BONE),
        (_ramp((spine - 1.0) / 1.5) * (1 - gap), MARROW),
        (_ramp(body / 1.5), BONE),
        (_ramp((body - 1.2) / 1.5), MARROW + disc * (DISC - MARROW)),
        (_ramp((11.0 - canal) / 1.5), CSF),
        (_ramp((6.5 - canal) / 1.5), CORD),
        (_ramp(_ellipse(x, y, (0.0, 8.0, 10.0, 7.0)) / 2), AIR),
    ]
    section = muscle.copy()
    for weight, intensity in layers:
        section += weight * (intensity - section)
    return section


def _muscle(shape: tuple[int, ...], step: float) -> Volume:
    """Return muscle along the neck, with planes of fat where a smooth random field is zero."""
    coarse = [max(2, int(np.ceil(n * step / 4))) for n in shape]
    noise = np.random.default_rng(TEXTURE_SEED).standard_normal(coarse, dtype=np.float32)
    field = ndimage.gaussian_filter(noise, (1.7, 1.7, 8))
    field = ndimage.zoom(
        field / field.std(), [n / c for n, c in zip(shape, coarse, strict=True)], order=1
    )
    planes = np.exp(-((field / 0.12) ** 2))
    return np.asarray(MUSCLE + 250 * field + 2600 * planes, dtype=np.float32)


def _ellipse(x: Volume, y: Volume, ellipse: tuple[float, float, float, float]) -> Volume:
    """Return the approximate distance in mm to an ellipse, positive inside."""
    cx, cy, rx, ry = ellipse
    return np.asarray((1 - np.hypot((x - cx) / rx, (y - cy) / ry)) * min(rx, ry))


def _ramp(value: Volume | float) -> Volume:
    """Return a smooth step from 0 at 0 to 1 at 1."""
    clipped = np.clip(value, 0, 1)
    return np.asarray(clipped * clipped * (3 - 2 * clipped), dtype=np.float32)
