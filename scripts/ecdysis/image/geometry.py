"""Geometry of voxel grids: boxes, and changes of axes between orientations.

Affines are 4 x 4, from voxel indices to world coordinates in RAS+ (NIfTI-1 standard,
section "3D image orientation and location in space"). An orientation code such as ``RAS``
names the *positive* end of each voxel axis, as nibabel's axis codes do: in an ``LPI``
image the first index grows to the left, the second to the back, the third downwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from nibabel.orientations import aff2axcodes, axcodes2ornt, io_orientation, ornt_transform

from ecdysis.errors import InputError

Affine = npt.NDArray[np.float64]
Ornt = npt.NDArray[np.float64]
"""Shape (3, 2), as in `nibabel.orientations`: output axis and direction (1 or -1) of each axis."""
Voxels = npt.NDArray[Any]
Triple = tuple[int, int, int]

KEEP = "keep"
AXES = "xyz"
CORNERS = np.indices((2, 2, 2)).reshape(3, 8)


@dataclass(frozen=True)
class Box:
    """A box of voxels, half-open: along each axis from `start` up to, not including, `stop`."""

    start: Triple
    stop: Triple

    @classmethod
    def whole(cls, shape: Sequence[int]) -> Box:
        """Return the box of a whole image of this shape (the first three axes)."""
        return cls((0, 0, 0), _triple(shape[:3]))

    @classmethod
    def of(cls, pairs: Sequence[Sequence[int]]) -> Box:
        """Return the box of ``[[start, stop], ...]``, as in `pairs`."""
        return cls(_triple([pair[0] for pair in pairs]), _triple([pair[1] for pair in pairs]))

    @classmethod
    def around(cls, mask: Voxels) -> Box | None:
        """Return the smallest box around the non-zero voxels of a 3-D mask, or None."""
        start, stop = [], []
        for axis in range(3):
            others = tuple(other for other in range(3) if other != axis)
            occupied = np.flatnonzero(mask.any(axis=others))
            if not occupied.size:
                return None
            start.append(int(occupied[0]))
            stop.append(int(occupied[-1]) + 1)
        return cls(_triple(start), _triple(stop))

    @property
    def pairs(self) -> list[list[int]]:
        """``[[start, stop], ...]``, one pair per axis, for JSON."""
        return [[start, stop] for start, stop in zip(self.start, self.stop, strict=True)]

    @property
    def shape(self) -> Triple:
        """The number of voxels along each axis."""
        return _triple([stop - start for start, stop in self.pairs])

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The index that cuts the box out of an array."""
        first, second, third = (slice(start, stop) for start, stop in self.pairs)
        return first, second, third

    @property
    def empty(self) -> bool:
        """Whether the box contains no voxel."""
        return min(self.shape) <= 0

    def __and__(self, other: Box) -> Box:
        """Return the intersection of two boxes."""
        return Box(
            _triple(np.maximum(self.start, other.start)), _triple(np.minimum(self.stop, other.stop))
        )

    def __or__(self, other: Box) -> Box:
        """Return the smallest box around both boxes."""
        return Box(
            _triple(np.minimum(self.start, other.start)), _triple(np.maximum(self.stop, other.stop))
        )

    def grown(self, margin: float, zooms: Sequence[float]) -> Box:
        """Move every side outwards by `margin` mm, rounded up to voxels of `zooms` mm."""
        voxels = np.ceil(margin / np.asarray(zooms) - 1e-6).astype(int)
        return Box(_triple(np.subtract(self.start, voxels)), _triple(np.add(self.stop, voxels)))


def faces(data: Voxels) -> list[Voxels]:
    """Return the first and last layer along each axis, three arrays whose first axis has size 2."""
    return [np.moveaxis(data, axis, 0)[[0, -1]] for axis in range(3)]


def axis_change(orientation: str, affine: Affine) -> Ornt:
    """Return the change of axes from an image with `affine` to an orientation code, or ``keep``."""
    start = io_orientation(affine)
    end = start if orientation == KEEP else axcodes2ornt(orientation)
    change: Ornt = ornt_transform(start, end)
    return change


def permutation_and_flips(change: Ornt) -> tuple[Triple, tuple[bool, bool, bool]]:
    """Return the input axis of each output axis, and whether it is read backwards."""
    permutation = np.argsort(change[:, 0])
    first, second, third = (bool(change[axis, 1] < 0) for axis in permutation)
    return _triple(permutation), (first, second, third)


def undone(permutation: Sequence[int], flips: Sequence[bool]) -> Ornt:
    """Return the change of axes that undoes a permutation and flips."""
    return np.column_stack([permutation, np.where(flips, -1, 1)]).astype(float)


def orientation_of(affine: Affine) -> str:
    """Return the code of an affine: the positive end of each axis, by the nearest world axis."""
    return "".join(aff2axcodes(affine))


def zooms_of(affine: Affine) -> npt.NDArray[np.float64]:
    """Return the voxel spacing along each axis, in the unit of the affine."""
    lengths: npt.NDArray[np.float64] = np.linalg.norm(affine[:3, :3], axis=0)
    return lengths


def cropped_affine(affine: Affine, box: Box) -> Affine:
    """Return the affine of the image cropped to `box`; only the origin changes."""
    cropped = affine.copy()
    cropped[:3, 3] = affine[:3, :3] @ np.asarray(box.start) + affine[:3, 3]
    return cropped


def corner_distance(first: Affine, other: Affine, shape: Sequence[int]) -> float:
    """Return the largest distance between the corners of a grid under two affines."""
    last = np.asarray(shape[:3]).reshape(3, 1) - 1
    difference = first - other
    moved = difference[:3, :3] @ (CORNERS * last) + difference[:3, 3:]
    return float(np.linalg.norm(moved, axis=0).max())


def rotation_of(affine: Affine) -> Affine:
    """Return the rotation or reflection (3, 3) nearest to an affine, by polar decomposition."""
    left, _, right = np.linalg.svd(affine[:3, :3] / zooms_of(affine))
    rotation: Affine = left @ right
    return rotation


def rigid(affine: Affine) -> Affine:
    """Return the nearest affine without shears, as nibabel's ``set_qform`` does."""
    straight = affine.copy()
    straight[:3, :3] = rotation_of(affine) * zooms_of(affine)
    return straight


def superior_axis(affine: Affine) -> tuple[int, bool]:
    """Return the voxel axis nearest to foot-head, and whether its index grows to the head."""
    code = orientation_of(affine)
    axis = next(axis for axis, end in enumerate(code) if end in "IS")
    return axis, code[axis] == "S"


def slices_box(slices: Mapping[str, Sequence[int | None] | None], shape: Sequence[int]) -> Box:
    """Convert ``{x: [32, -32]}`` to a box; each pair has the meaning of a Python slice.

    An axis or an end may be null, negative numbers count from the end, and ranges end at the edge
    of the image, as in nibabel's ``slicer``.

    Raises
    ------
    InputError
        An axis is not x, y or z, or a pair is not two whole numbers or nulls.
    """
    box = Box.whole(shape).pairs
    for name, pair in slices.items():
        if pair is None:
            continue
        ends = list(pair) if isinstance(pair, Sequence) else []
        if (
            name not in set(AXES)
            or len(ends) != 2
            or {type(end) for end in ends} - {int, type(None)}
        ):
            raise InputError(
                "crop.slices",
                f"{name}: {pair} is not a slice: expected x, y or z and [start, stop], "
                "each a whole number or null",
                "Write for example {x: [32, -32], z: [20, null]}",
            )
        axis = AXES.index(name)
        start, stop, _ = slice(*ends).indices(int(shape[axis]))
        box[axis] = [start, stop]
    return Box.of(box)


def _triple(values: Sequence[int] | npt.NDArray[Any]) -> Triple:
    first, second, third = (int(value) for value in values)
    return first, second, third
