"""Heads whose brain mask is known: the embedded template, deformed and with artefacts of a scan.

The brain mask is transformed like the image, so it is the ground truth for skull stripping. The
same settings always give the same voxels.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from nibabel.eulerangles import euler2mat
from numpy.typing import NDArray
from scipy import ndimage

from ecdysis.image.arrays import Array, Values
from ecdysis.phantom.anatomy import Anatomy, anatomy
from ecdysis.phantom.deformation import GRID_MM, Deformation, deformation

Triple = tuple[float, float, float]
Pair = tuple[float, float]

WHITE_MATTER = 800.0
# The box of the deformation: head and face. The neck moves with its lower edge.
BOX_MM = np.array([-80.0, -110.0, -75.0]), np.array([80.0, 85.0, 90.0])
CENTRE_MM = np.array([0.0, -18.0, 5.0])
AXES = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}


@dataclass(frozen=True)
class HeadSettings:
    """One person in one scan."""

    spacing_mm: Triple = (1.0, 1.0, 1.0)
    orientation: str = "RAS"
    """Directions of the array's axes, such as ``RAS``, ``LPI`` or ``PSR``."""
    shape: tuple[int, int, int] | None = None
    """By default as many voxels as the head needs. The head is in the middle, but the distance of
    its top from the edge is always `air_mm`."""
    air_mm: float = 15.0
    """Air between head and edge of the field of view."""
    neck_mm: float = 20.0
    """Length of the field of view below the brain; with 0, it ends at the foramen magnum."""
    cut_mm: tuple[Pair, Pair, Pair] = ((0.0, 0.0),) * 3
    """Lengths cut off the field of view at (left, right), (back, front), (bottom, top)."""
    size: float | Triple = 1.0
    """Scale of the head along its own x, y, z. At 1 the brain has about 1850 ml, which is large,
    and at 0.93 about 1500 ml."""
    rotation_deg: Triple = (0.0, 0.0, 0.0)
    """Right-handed rotation of the head in the scanner about x (nose up), then y, then z."""
    shift_mm: Triple = (0.0, 0.0, 0.0)
    """Shift of the head in the scanner, along world x, y, z."""
    oblique_deg: Triple = (0.0, 0.0, 0.0)
    """Rotation of the slices, not of the head, about x, then y, then z."""
    deformation_mm: float = 6.0
    """Bound of the displacement of the random diffeomorphism."""
    smoothness_mm: float = 20.0
    """Sigma of its field."""
    contrast: str = "T1w"
    """``T1w``, ``low``, ``child``, ``T2w``, ``FLAIR`` or ``PDw``."""
    bias: float = 0.2
    """Largest absolute value of the natural logarithm of the receive field."""
    snr: float | None = 30.0
    """White matter of T1w (800) over the sigma of the Rician noise; None for no noise."""
    ghost: float = 0.0
    """Strength of a Nyquist ghost, shifted by half a field of view from front to back."""
    zipper: float = 0.0
    """Strength of a line of radio interference through all slices, over white matter."""
    seed: int = 0
    """Seed of the person, that is, of the deformation."""
    scan: int = 0
    """Seed of the scan: noise, bias and interference."""


@dataclass(frozen=True)
class Head:
    """A phantom with its known properties; the head is ``affine(deformation(template))``."""

    image: nib.Nifti1Image
    """int16 (i, j, k), sform and qform of code 1."""
    mask: nib.Nifti1Image
    """uint8 brain mask on the same grid, with ventricles and cisterns."""
    settings: HeadSettings
    affine: Array
    """Template mm, after the deformation, to world mm."""
    deformation: Deformation
    bias: Values
    """The field that the signal was multiplied by (i, j, k)."""


def build_head(settings: HeadSettings) -> Head:
    """Make the phantom that `settings` describe.

    Image and mask are resampled once, from the template by the composed map. Voxels larger than
    those of the template are the mean of several samples, like the slices of a scanner.

    Raises
    ------
    ValueError
        The deformation folds, the field of view is empty, or the orientation is unknown.
    """
    resolution = 2 if min(settings.spacing_mm) >= 2 else 1
    source = anatomy(resolution, settings.contrast)
    warp = deformation(*BOX_MM, settings.deformation_mm, settings.smoothness_mm, settings.seed)
    affine = head_affine(settings)
    grid, shape = _grid(settings, source, warp, affine)
    signal, brain = _sampled(source, warp, np.linalg.inv(affine) @ grid, shape, settings.spacing_mm)
    field = bias_field(shape, settings.bias, settings.scan)
    voxels = _with_artefacts(signal * field, settings)
    image = nib.Nifti1Image(voxels, grid)
    mask = nib.Nifti1Image((brain >= 0.5).astype(np.uint8), grid)
    for made in (image, mask):
        made.set_sform(grid, code=1)
        made.set_qform(grid, code=1)
        made.header.set_xyzt_units("mm", "sec")
    return Head(image, mask, settings, affine, warp, field)


def head_affine(settings: HeadSettings) -> Array:
    """Return template mm to world mm (4, 4): scale and rotation about the brain's middle, shift."""
    linear = _rotation(settings.rotation_deg) @ np.diag(np.broadcast_to(settings.size, 3))
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = CENTRE_MM - linear @ CENTRE_MM + settings.shift_mm
    return affine


def bias_field(shape: tuple[int, ...], bias: float, scan: int) -> Values:
    """Return a receive field of `shape`: the exponential of a random sum of slow cosines.

    The largest absolute value of its natural logarithm is `bias`.
    """
    weights = np.random.default_rng([scan, 2]).standard_normal((3, 3, 3))
    weights[0, 0, 0] = 0
    waves = [np.cos(np.outer(np.arange(3), np.pi * (np.arange(n) + 0.5) / n)) for n in shape]
    field = np.einsum("abc,ai,bj,ck->ijk", weights, *waves, optimize=True)
    return np.asarray(np.exp(field * (bias / np.abs(field).max())), dtype=np.float32)


def _rotation(degrees: Triple) -> Array:
    x, y, z = (
        euler2mat(**{axis: np.deg2rad(angle)}) for axis, angle in zip("xyz", degrees, strict=True)
    )
    return np.asarray(z @ y @ x)


def _grid(
    settings: HeadSettings, source: Anatomy, warp: Deformation, affine: Array
) -> tuple[Array, tuple[int, ...]]:
    """Return the voxel-to-world matrix (4, 4) and shape of a field of view around the head."""
    axes = [AXES[letter] for letter in settings.orientation]
    if sorted(axis for axis, _ in axes) != [0, 1, 2]:
        raise ValueError(f"orientation {settings.orientation} does not name three axes")
    directions = _rotation(settings.oblique_deg)  # columns: right, front and top of the slices
    surface, brain = (
        apply_affine(affine, warp.moved(points)) @ directions
        for points in (source.surface_mm, source.brain_mm)
    )
    bottom = brain[:, 2].min() - settings.neck_mm
    surface = surface[surface[:, 2] >= bottom]
    low = surface.min(axis=0) - settings.air_mm
    high = surface.max(axis=0) + settings.air_mm
    low[2] = bottom
    if settings.shape is not None:
        for axis in range(3):
            stored = [a for a, _ in axes].index(axis)
            room = settings.shape[stored] * settings.spacing_mm[stored] - (high - low)[axis]
            low[axis] -= room if axis == 2 else room / 2
            high[axis] += 0 if axis == 2 else room / 2
    cut = np.array(settings.cut_mm)
    low, high = low + cut[:, 0], high - cut[:, 1]
    if (high <= low).any():
        raise ValueError("the field of view is empty")
    grid, shape, corner = np.eye(4), [], np.zeros(3)
    for stored, (axis, sign) in enumerate(axes):
        spacing = settings.spacing_mm[stored]
        shape.append(int(np.ceil((high[axis] - low[axis]) / spacing - 1e-6)))
        grid[:3, stored] = directions[:, axis] * sign * spacing
        # The grid is the same for both directions, so an orientation only reorders voxels.
        steps = 0.5 if sign > 0 else shape[stored] - 0.5
        corner += directions[:, axis] * (low[axis] + steps * spacing)
    grid[:3, 3] = corner
    return grid, tuple(shape)


def _sampled(
    source: Anatomy, warp: Deformation, pull: Array, shape: tuple[int, ...], spacing: Triple
) -> tuple[Values, Values]:
    """Return head and brain averaged over each voxel; `pull` maps voxels to template mm."""
    step = source.affine[0, 0]
    counts = [max(1, int(size / step + 1e-6)) for size in spacing]
    offsets = list(product(*(((np.arange(n) + 0.5) / n - 0.5).tolist() for n in counts)))
    head, brain = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    # A few planes at a time, so that memory does not grow with the image.
    planes = max(1, 400_000 // (shape[1] * shape[2]))
    for start in range(0, shape[0], planes):
        part = slice(start, min(start + planes, shape[0]))
        voxels = np.indices((part.stop - start, *shape[1:])).reshape(3, -1).astype(np.float64)
        voxels[0] += start
        for offset in offsets:
            points = pull[:3, :3] @ (voxels + np.array(offset)[:, None]) + pull[:3, 3:]
            nodes = (points - warp.origin_mm[:, None]) / GRID_MM
            for axis, displacement in enumerate(warp.backward):
                points[axis] += ndimage.map_coordinates(
                    displacement, nodes, order=1, mode="nearest"
                )
            places = (points - source.affine[:3, 3:]) / step
            for volume, total in ((source.head, head), (source.brain, brain)):
                total[part].ravel()[:] += ndimage.map_coordinates(volume, places, order=1)
    share = np.float32(1 / len(offsets))
    return head * share, brain * share


def _with_artefacts(signal: Values, settings: HeadSettings) -> NDArray[np.int16]:
    """Add ghost, interference and noise to a magnitude image; round to int16."""
    front_to_back = [AXES[letter][0] for letter in settings.orientation].index(1)
    draw = np.random.default_rng([settings.scan, 3])
    if settings.ghost:
        half = signal.shape[front_to_back] // 2
        signal = signal + np.float32(settings.ghost) * np.roll(signal, half, axis=front_to_back)
    if settings.zipper:
        line: list[Any] = [slice(None)] * 3
        across = (front_to_back + 1) % 3
        line[across] = round(draw.uniform(0.3, 0.7) * signal.shape[across])
        burst = np.abs(draw.standard_normal(signal[tuple(line)].shape, dtype=np.float32))
        signal[tuple(line)] += np.float32(settings.zipper * WHITE_MATTER) * burst
    if settings.snr is not None:
        sigma = np.float32(WHITE_MATTER / settings.snr)
        real = signal + sigma * draw.standard_normal(signal.shape, dtype=np.float32)
        signal = np.hypot(real, sigma * draw.standard_normal(signal.shape, dtype=np.float32))
    return np.clip(np.rint(signal), 0, np.iinfo(np.int16).max).astype(np.int16)
