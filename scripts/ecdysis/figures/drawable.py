"""Prepare images for drawing: along world axes, no finer than a screen shows.

Files are read as in the steps of the workflow, so that an image with an unusual affine is drawn at
the same position. The drawn voxels are at whole multiples of their spacing, so that an image and
its mask have the same voxels.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, from_matvec, voxel_sizes
from nibabel.processing import resample_from_to
from numpy.typing import NDArray

from ecdysis.image.arrays import Values
from ecdysis.image.geometry import Affine, Box, Voxels, cropped_affine, orientation_of
from ecdysis.image.head import find_head
from ecdysis.image.volume import Volume, read_anatomical, without_gaps

FINEST = 1.0
"""Spacing in mm below which an image is resampled before it is drawn."""
ALIGNED = 1e-4
"""Maximum cosine between axes that count as aligned with the world."""
WINDOW = (1.0, 99.0)
"""Percentiles of the bright voxels that are drawn black and white."""
BRIGHT = 0.15
"""Bright voxels are above this fraction of the 98th percentile, which excludes air."""
ROOM = 3.0
"""Margin in mm around a region, so that its outline is closed."""
CANVAS_SPACING, CANVAS_ROOM = 3.0, 6.0
"""Voxel size and border, in mm, of the empty image under a before and after."""

Place = NDArray[np.float64]
"""Two opposite corners of a box along world axes, in mm, shape (2, 3): lowest, highest."""


@dataclass(frozen=True)
class Drawable:
    """An image as it is drawn, and the file that it was read from.

    The image is float32 with the shape (x, y, z), its axes are along world RAS, and its spacing is
    `FINEST` mm or coarser.
    """

    image: nib.Nifti1Image
    source: Volume

    @property
    def data(self) -> Values:
        """The voxels that are drawn, shape (x, y, z)."""
        return np.asarray(self.image.dataobj, dtype=np.float32)

    @property
    def zooms(self) -> NDArray[np.float64]:
        """Spacing of the voxels that are drawn, in mm."""
        return np.asarray(self.image.header.get_zooms()[:3], dtype=np.float64)

    @property
    def facts(self) -> str:
        """Orientation, shape and spacing of the file, in words."""
        shape = " × ".join(map(str, self.source.stored.shape))
        spacing = " × ".join(f"{zoom:.3g}" for zoom in self.source.zooms_mm)
        return f"{orientation_of(self.source.affine)}, {shape} voxels of {spacing} mm"

    @cached_property
    def window(self) -> tuple[float, float]:
        """The intensities to draw black and white: those of the head, not of the air."""
        data = self.data[::2, ::2, ::2]
        bright = data[data > BRIGHT * np.percentile(data, 98)]
        if not bright.size:
            return float(data.min()), float(data.max()) + 1.0
        low, high = np.percentile(bright, WINDOW)
        return min(0.0, float(low)), float(high)

    @cached_property
    def head(self) -> Place:
        """The box of the head; the whole image if no head is found."""
        box = find_head(self.source) or Box.whole(self.source.stored.shape)
        return _place(self.source.affine, box)

    def around(self, place: Place, margin: float) -> nib.Nifti1Image:
        """Return the part of the image within `margin` mm of a box, a nibabel image."""
        corners = apply_affine(np.linalg.inv(self.image.affine), place)
        ends = np.stack([np.floor(corners[0]), np.ceil(corners[1]) + 1], axis=1)
        box = Box.of(ends.astype(int).tolist())
        kept = box.grown(margin, self.zooms.tolist()) & Box.whole(self.image.shape)
        return self.image.slicer[kept.slices]


def load_drawable(path: str | Path, spacing: float = FINEST) -> Drawable:
    """Read an anatomical image and resample it for drawing, at `spacing` mm or more.

    Raises
    ------
    InputError
        The image cannot be used; see `ecdysis.image.volume.read_anatomical`.
    """
    source = read_anatomical(path).volume
    # Two-byte integers are drawn like floats, in half the memory.
    small = source.stored.dtype.kind in "iu" and source.stored.dtype.itemsize == 2
    data = source.stored if small else without_gaps(source).stored.astype(np.float32)
    drawn = _along_world(data, source.affine, spacing)
    slope, inter = source.scaling
    values = drawn.dataobj.astype(np.float32) * np.float32(slope) + np.float32(inter)
    return Drawable(nib.Nifti1Image(values, drawn.affine), source)


def load_mask(path: str | Path) -> Drawable:
    """Read a brain mask: 1 inside and 0 outside, with a soft edge where it is resampled.

    Raises
    ------
    InputError
        The image cannot be used; see `ecdysis.image.volume.read_anatomical`.
    ValueError
        The mask is empty.
    """
    source = read_anatomical(path).volume
    inside = source.stored != 0
    box = Box.around(inside)
    if box is None:
        raise ValueError("the mask is empty")
    box = box.grown(ROOM, source.zooms_mm) & Box.whole(source.stored.shape)
    part = inside[box.slices].astype(np.float32)
    return Drawable(_along_world(part, cropped_affine(source.affine, box), FINEST), source)


def mask_place(mask: Drawable) -> Place:
    """Return the box of a mask; raise a ValueError if it is empty."""
    box = Box.around(mask.data > 0.5)
    if box is None:
        raise ValueError("the mask is empty")
    return _place(mask.image.affine, box)


def canvas(*drawables: Drawable) -> nib.Nifti1Image:
    """Return an empty image that contains all of them, with space for a box around them."""
    places = [_place(item.image.affine, Box.whole(item.image.shape)) for item in drawables]
    first = np.min([place[0] for place in places], axis=0) - CANVAS_ROOM
    last = np.max([place[1] for place in places], axis=0) + CANVAS_ROOM
    affine = from_matvec(np.eye(3) * CANVAS_SPACING, first)
    shape = np.ceil((last - first) / CANVAS_SPACING).astype(int)
    return nib.Nifti1Image(np.zeros(shape, np.float32), affine)


def depth(item: Drawable, grid: nib.Nifti1Image) -> nib.Nifti1Image:
    """Return an image of the depth of each voxel of `grid` in the field of view of a file.

    In mm to the nearest face, negative outside; 0 is the border of the field of view, also if it is
    oblique.
    """
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    voxel = apply_affine(np.linalg.inv(item.source.affine) @ grid.affine, index)
    faces = np.minimum(voxel + 0.5, np.array(item.source.stored.shape) - 0.5 - voxel)
    nearest = (faces * item.source.zooms_mm).min(axis=-1)
    return nib.Nifti1Image(nearest.astype(np.float32), grid.affine)


def _along_world(data: Voxels, affine: Affine, spacing: float) -> nib.Nifti1Image:
    """Reorient an image to world axes; oblique or fine images are interpolated linearly."""
    turned = nib.as_closest_canonical(nib.Nifti1Image(data, affine))
    # Voxels that are contiguous in memory are resampled nearly twice as fast.
    image = nib.Nifti1Image(np.ascontiguousarray(turned.dataobj), turned.affine)
    zooms = voxel_sizes(image.affine)
    wanted = np.maximum(zooms, spacing)
    if np.abs(image.affine[:3, :3] / zooms - np.eye(3)).max() < ALIGNED and (wanted == zooms).all():
        return image
    place = _place(image.affine, Box.whole(image.shape))
    first, last = np.floor(place[0] / wanted), np.ceil(place[1] / wanted)
    shape = tuple((last - first).astype(int) + 1)
    return resample_from_to(image, (shape, from_matvec(np.diag(wanted), first * wanted)), order=1)


def _place(affine: Affine, box: Box) -> Place:
    """Return the world extent of a box of voxels, to the centres of its outermost voxels."""
    ends = zip(box.start, np.subtract(box.stop, 1), strict=True)
    corners = apply_affine(affine, np.stack(np.meshgrid(*ends), axis=-1).reshape(-1, 3))
    return np.stack([corners.min(axis=0), corners.max(axis=0)])
