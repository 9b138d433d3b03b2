"""Mosaics of slices at native in-plane resolution, drawn pixel for pixel with Pillow.

A rater judges motion, ringing and noise by single voxels, so no slice is resampled within its
plane unless its voxels are not square. All layers of one `Layout` show the same slices at the same
pixels: a page can switch between them in place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from numpy.typing import NDArray
from scipy import ndimage

from ecdysis.image.geometry import Box
from ecdysis.image.volume import Volume, read_anatomical, without_gaps

WIDTH = 1340
"""Width of a page in pixels; one pixel of a mosaic is one pixel of the screen."""
LARGEST_PIXEL_MM = 1.5
"""Slices of coarser images are enlarged, so that they are legible and labels do not overlap."""
GAP = 2
"""Pixels between two slices."""
LETTER = 12
"""Height of the letters, in pixels."""
INK = (235, 235, 235)
AXIAL_SHARE, SAGITTAL_SHARE = 0.94, 0.6
"""The central part of a box over which slices are spread."""

Values = NDArray[Any]
Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Canonical:
    """An image with axes as close to right, anterior, superior as its voxels allow.

    `values` have the shape (X, Y, Z), `affine` is in mm, and `source` is the file.
    """

    values: Values
    affine: NDArray[np.float64]
    source: Volume

    @property
    def zooms(self) -> NDArray[np.float64]:
        """Voxel size, mm."""
        zooms: NDArray[np.float64] = voxel_sizes(self.affine)
        return zooms

    def on(self, grid: "Canonical", *, nearest: bool = False) -> Values:
        """Return the values at the voxels of another image, 0 outside of this one.

        Voxels that coincide are copied; only other grids are interpolated.
        """
        to_own = np.linalg.inv(self.affine) @ grid.affine
        start = np.rint(to_own[:3, 3]).astype(int)
        moved = np.eye(4)
        moved[:3, 3] = start
        if np.abs(to_own - moved).max() > 0.05:
            return np.asarray(
                ndimage.affine_transform(
                    self.values, to_own[:3, :3], to_own[:3, 3], grid.values.shape,
                    order=0 if nearest else 1,
                ),
                dtype=self.values.dtype,
            )  # fmt: skip
        result = np.zeros(grid.values.shape, self.values.dtype)
        ends = np.stack([-start, np.array(self.values.shape) - start], axis=1)
        shared = Box.of(ends.tolist()) & Box.whole(grid.values.shape)
        if not shared.empty:
            own = Box.of((np.array(shared.pairs) + start[:, None]).tolist())
            result[shared.slices] = self.values[own.slices]
        return result


@dataclass(frozen=True)
class Layout:
    """Which slices of an image are shown, and how they are arranged.

    `box` is the part of every slice that is shown, `axial` and `sagittal` are the indices of the
    slices, from below and from the left, and `zooms` the voxel size (mm).
    """

    box: Box
    axial: tuple[int, ...]
    sagittal: tuple[int, ...]
    zooms: tuple[float, ...]
    affine: NDArray[np.float64]

    def tiles(self, values: Values, *, nearest: bool = False) -> list[list[Values]]:
        """Return the axial and the sagittal slices, each with square pixels and its top first."""
        x, y, z = self.box.slices
        axial, sagittal = _tile_size(self, "z"), _tile_size(self, "x")
        return [
            [_stretched(values[x, y, k].T[::-1], axial, nearest=nearest) for k in self.axial],
            [_stretched(values[i, y, z].T[::-1], sagittal, nearest=nearest) for i in self.sagittal],
        ]

    def arrange(self, values: Values, *, nearest: bool = False) -> Values:
        """Return one picture with all slices (rows, columns), 0 between them."""
        blocks = [_rows(tiles) for tiles in self.tiles(values, nearest=nearest) if tiles]
        width = max(block.shape[1] for block in blocks)
        padded = [np.pad(block, ((0, GAP), (0, width - block.shape[1]))) for block in blocks]
        return np.concatenate(padded)

    def places(self) -> list[tuple[int, int, str, str]]:
        """Return row, column, axis and coordinate, such as ``-12 mm``, of each slice's corner."""
        corners, top = [], 0
        centre = np.array([(a + b - 1) / 2 for a, b in self.box.pairs])
        for name, axis, indices in (("z", 2, self.axial), ("x", 0, self.sagittal)):
            height, width = _tile_size(self, name)
            columns = _columns(width)
            for number, index in enumerate(indices):
                point = centre.copy()
                point[axis] = index
                mm = float(apply_affine(self.affine, point)[axis])
                row, column = divmod(number, columns)
                corner = top + row * (height + GAP), column * (width + GAP)
                corners.append((*corner, name, f"{round(mm)} mm"))
            if indices:
                top += -(-len(indices) // columns) * (height + GAP)
        return corners


def load_canonical(path: str | Path) -> Canonical:
    """Read an anatomical image, a mask or labels at native resolution.

    Raises
    ------
    InputError
        The image cannot be used; see `ecdysis.image.volume.read_anatomical`.
    """
    source = read_anatomical(path).volume
    values, (slope, inter) = source.stored, source.scaling
    if values.dtype.kind not in "iu" or (slope, inter) != (1.0, 0.0):
        values = without_gaps(source).stored.astype(np.float32)
        values = values * np.float32(slope) + np.float32(inter)
    turn = io_orientation(source.affine)
    affine = source.affine @ inv_ornt_aff(turn, source.stored.shape)
    return Canonical(apply_orientation(values, turn), affine, source)


def layout_of(grid: Canonical, box: Box, pixels: int) -> Layout:
    """Choose the slices of a box, in voxels of `grid`.

    `pixels` is the approximate maximum number of pixels of the axial slices.
    """
    empty = Layout(box, (), (), tuple(grid.zooms), grid.affine)
    high, wide = _tile_size(empty, "z")
    columns = _columns(wide)
    rows = max(1, round(pixels / (columns * wide * high)))
    axial = _spread(box.pairs[2], rows * columns, AXIAL_SHARE)
    sagittal = _spread(box.pairs[0], _columns(_tile_size(empty, "x")[1]), SAGITTAL_SHARE)
    return replace(empty, axial=axial, sagittal=sagittal)


def grey(picture: Values, window: tuple[float, float]) -> Pixels:
    """Map intensities between black and white to 256 grey levels."""
    low, high = window
    scaled = (picture.astype(np.float32) - low) * np.float32(255 / max(high - low, 1e-30))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def outlined(base: Pixels, regions: Sequence[tuple[Values, Colour]]) -> Pixels:
    """Draw the inner outline of regions, one pixel wide, on a grey picture; RGB."""
    picture = np.repeat(base[..., None], 3, axis=2)
    for region, colour in regions:
        inside = region > 0.5
        picture[inside & ~ndimage.binary_erosion(inside)] = colour
    return picture


def labelled(picture: Pixels, layout: Layout) -> Any:
    """Write coordinates and directions into the corners of the slices; a Pillow image."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(LETTER)
    ink: Any = INK if image.mode == "RGB" else INK[0]
    black: Any = (0, 0, 0) if image.mode == "RGB" else 0
    style: dict[str, Any] = {"font": font, "fill": ink, "stroke_width": 1, "stroke_fill": black}
    axes = set()
    for top, left, axis, coordinate in layout.places():
        draw.text((left + 2, top + 1), coordinate, **style)
        if axis in axes:
            continue
        axes.add(axis)
        ends = ("L", "R") if axis == "z" else ("P", "A")
        height, width = _tile_size(layout, axis)
        middle = top + height // 2
        draw.text((left + 2, middle), ends[0], anchor="lm", **style)
        draw.text((left + width - 3, middle), ends[1], anchor="rm", **style)
    return image


def _tile_size(layout: Layout, axis: str) -> tuple[int, int]:
    """Return height and width of a slice: squares of the finer size, or `LARGEST_PIXEL_MM`."""
    across, up = (0, 1) if axis == "z" else (1, 2)
    high, wide = layout.zooms[up], layout.zooms[across]
    fine = min(high, wide, LARGEST_PIXEL_MM)
    rows, columns = layout.box.shape[up], layout.box.shape[across]
    return max(1, round(rows * high / fine)), max(1, round(columns * wide / fine))


def _stretched(plane: Values, size: tuple[int, int], *, nearest: bool) -> Values:
    """Stretch a slice (rows, columns) to square pixels."""
    if size == plane.shape:
        return plane
    factors = np.divide(size, plane.shape)
    return np.asarray(
        ndimage.zoom(plane, factors, order=0 if nearest else 1, grid_mode=True, mode="nearest")
    )


def _columns(width: int) -> int:
    return max(1, (WIDTH + GAP) // (width + GAP))


def _rows(tiles: list[Values]) -> Values:
    columns = min(_columns(tiles[0].shape[1]), len(tiles))
    blank = np.zeros_like(tiles[0])
    lines = []
    for start in range(0, len(tiles), columns):
        line = tiles[start : start + columns]
        line = line + [blank] * (columns - len(line))
        spaced = [np.pad(tile, ((0, GAP), (0, GAP))) for tile in line]
        lines.append(np.concatenate(spaced, axis=1)[:, :-GAP])
    block: Values = np.concatenate(lines)[:-GAP]
    return block


def _spread(ends: Sequence[int], count: int, share: float) -> tuple[int, ...]:
    """Return `count` different indices, evenly spread over the central part of a range."""
    start, stop = ends
    size = stop - start
    edge = (1 - share) * size / 2
    places = np.linspace(start + edge, stop - 1 - edge, min(count, size))
    return tuple(dict.fromkeys(round(place) for place in places))
