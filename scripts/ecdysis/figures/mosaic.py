"""Mosaics of slices at native in-plane resolution, drawn pixel for pixel with Pillow.

A rater judges motion, ringing and noise by single voxels, so no slice is resampled within its
plane unless its voxels are not square. All layers of one `Layout` show the same slices at the same
pixels: a page can switch between them in place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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

    Attributes
    ----------
    values : array (X, Y, Z)
    affine : float array (4, 4)
        In mm.
    source : Volume
        The file.
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

    Attributes
    ----------
    box : Box
        The part of every slice that is shown.
    axial, sagittal : tuple of int
        Indices of the slices, from below and from the left.
    zooms : tuple of three floats
        Voxel size, mm.
    affine : float array (4, 4)
        Of the image, for the coordinates.
    """

    box: Box
    axial: tuple[int, ...]
    sagittal: tuple[int, ...]
    zooms: tuple[float, float, float]
    affine: NDArray[np.float64]

    def tiles(self, values: Values, *, nearest: bool = False) -> list[list[Values]]:
        """Return the axial and the sagittal slices, each with square pixels and its top first."""
        x, y, z = self.box.slices
        axial = [
            _square(values[x, y, k].T[::-1], self.zooms[1], self.zooms[0], nearest=nearest)
            for k in self.axial
        ]
        sagittal = [
            _square(values[i, y, z].T[::-1], self.zooms[2], self.zooms[1], nearest=nearest)
            for i in self.sagittal
        ]
        return [axial, sagittal]

    def arrange(self, values: Values, *, nearest: bool = False) -> Values:
        """Return one picture with all slices (rows, columns), 0 between them."""
        blocks = [_rows(tiles) for tiles in self.tiles(values, nearest=nearest) if tiles]
        width = max(block.shape[1] for block in blocks)
        padded = [np.pad(block, ((0, GAP), (0, width - block.shape[1]))) for block in blocks]
        return np.concatenate(padded)

    def places(self) -> list[tuple[int, int, str, str]]:
        """Return row, column, axis and coordinate in mm of the corner of each slice."""
        corners, top = [], 0
        sizes = _tile_size(self, "z"), _tile_size(self, "x")
        centre = np.array([(a + b - 1) / 2 for a, b in self.box.pairs])
        for (height, width), axis, indices in zip(
            sizes, (2, 0), (self.axial, self.sagittal), strict=True
        ):
            columns = _columns(width)
            for number, index in enumerate(indices):
                point = centre.copy()
                point[axis] = index
                mm = apply_affine(self.affine, point)[axis]
                row, column = divmod(number, columns)
                name = "z" if axis == 2 else "x"
                corner = top + row * (height + GAP), column * (width + GAP)
                corners.append((*corner, name, f"{name} = {round(float(mm))} mm"))
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
    scale = source.zooms_mm[0] / voxel_sizes(source.affine)[0]
    affine = np.diag([scale, scale, scale, 1.0]) @ source.affine
    turn = io_orientation(affine)
    turned = apply_orientation(_scaled(source), turn)
    return Canonical(turned, affine @ inv_ornt_aff(turn, source.stored.shape), source)


def _scaled(source: Volume) -> Values:
    """Return the intensities of a file; integers without scaling are not converted."""
    if source.stored.dtype.kind in "iu" and source.scaling == (1.0, 0.0):
        return source.stored
    slope, inter = source.scaling
    return without_gaps(source).stored.astype(np.float32) * np.float32(slope) + np.float32(inter)


def layout_of(grid: Canonical, box: Box, pixels: int, *, sagittal: bool = True) -> Layout:
    """Choose the slices of a box.

    Parameters
    ----------
    grid : Canonical
    box : Box
        In voxels of `grid`.
    pixels : int
        Approximate maximum number of pixels of the picture.
    sagittal : bool
        Whether to add a row of sagittal slices.
    """
    zooms = grid.zooms
    high, wide = _size(box.shape[1], box.shape[0], zooms[1], zooms[0])
    columns = _columns(wide)
    rows = max(1, round(pixels / (columns * wide * high)))
    axial = _spread(box.pairs[2], rows * columns)
    beside = _spread(
        box.pairs[0],
        _columns(_size(box.shape[2], box.shape[1], zooms[2], zooms[1])[1]),
        SAGITTAL_SHARE,
    )
    sizes = (float(zooms[0]), float(zooms[1]), float(zooms[2]))
    return Layout(box, axial, beside if sagittal else (), sizes, grid.affine)


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
    for top, left, _, words in layout.places():
        number = words.split(" = ")[1]
        draw.text((left + 2, top + 1), number, **style)
    first: dict[str, bool] = {}
    for top, left, axis, _ in layout.places():
        if axis in first:
            continue
        first[axis] = True
        ends = ("L", "R") if axis == "z" else ("P", "A")
        height, width = _tile_size(layout, axis)
        middle = top + height // 2
        draw.text((left + 2, middle), ends[0], anchor="lm", **style)
        draw.text((left + width - 3, middle), ends[1], anchor="rm", **style)
    return image


def _tile_size(layout: Layout, axis: str) -> tuple[int, int]:
    """Return height and width of a slice in pixels."""
    shape, zooms = layout.box.shape, layout.zooms
    if axis == "z":
        return _size(shape[1], shape[0], zooms[1], zooms[0])
    return _size(shape[2], shape[1], zooms[2], zooms[1])


def _size(rows: int, columns: int, high: float, wide: float) -> tuple[int, int]:
    """Return the pixels of a slice: squares of the finer size, or of `LARGEST_PIXEL_MM`."""
    fine = min(high, wide, LARGEST_PIXEL_MM)
    return max(1, round(rows * high / fine)), max(1, round(columns * wide / fine))


def _square(plane: Values, high: float, wide: float, *, nearest: bool) -> Values:
    """Stretch a slice (rows, columns) to square pixels."""
    size = _size(plane.shape[0], plane.shape[1], high, wide)
    if size == plane.shape:
        return plane
    factors = np.divide(size, plane.shape)
    return np.asarray(
        ndimage.zoom(plane, factors, order=0 if nearest else 1, grid_mode=True, mode="nearest")
    )


def _columns(width: int) -> int:
    """Return how many slices of this width fit in a row."""
    return max(1, (WIDTH + GAP) // (width + GAP))


def _rows(tiles: list[Values]) -> Values:
    """Arrange slices of one size in rows."""
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


def _spread(ends: Sequence[int], count: int, share: float = AXIAL_SHARE) -> tuple[int, ...]:
    """Return `count` different indices, evenly spread over the central part of a range."""
    start, stop = ends
    size = stop - start
    edge = (1 - share) * size / 2
    places = np.linspace(start + edge, stop - 1 - edge, min(count, size))
    return tuple(dict.fromkeys(round(place) for place in places))
