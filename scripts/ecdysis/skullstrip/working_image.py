"""The small image that brain extraction works on, and the way back to the native grid."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import scipy
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from ecdysis.errors import InputError
from ecdysis.files import atomic
from ecdysis.image.arrays import Mask, Values
from ecdysis.image.components import filled, largest_component
from ecdysis.image.distance import deeper_than, within
from ecdysis.image.geometry import Affine, Box, cropped_affine, faces
from ecdysis.image.resampling import isotropic_grid, resample
from ecdysis.image.volume import are_numbers
from ecdysis.skullstrip.itk import write_affine

MINIMAL_FIELD_MM = 65.0
"""Two thirds of the height of an adult brain, about 100 mm. A field of view that is shorter in any
direction does not hold enough of a brain to be aligned."""
DARK_PERCENTILE = 0.5
BRIGHT_AIR = 0.75
"""Part of the range of intensities above which the edge of the field is too bright for air."""
BORDER_VOXELS = 4
"""Layers of a constant border that stay around the head in the working image."""


@dataclass(frozen=True)
class NativeGrid:
    """Shape, affine and voxel sizes (mm) of the image that a mask is wanted for."""

    shape: tuple[int, ...]
    affine: Affine
    zooms: tuple[float, ...]


def native_grid(image: nib.Nifti1Image) -> NativeGrid:
    """Take the grid of a 3-D image."""
    zooms = tuple(float(zoom) for zoom in np.linalg.norm(image.affine[:3, :3], axis=0))
    return NativeGrid(image.shape[:3], image.affine, zooms)


def intensities(image: nib.Nifti1Image) -> Values:
    """Return the intensities (X, Y, Z) of an image; voxels that are no numbers become dark.

    They get percentile `DARK_PERCENTILE` of the others, since the level of air need not be 0.
    """
    values = image.get_fdata(dtype=np.float32, caching="unchanged")
    data: Values = values.reshape(image.shape[:3])
    numbers = are_numbers(data)
    if not numbers.all():
        dark = np.percentile(data[numbers], DARK_PERCENTILE) if numbers.any() else 0
        data = np.where(numbers, data, np.float32(dark))
    return data


def prepare(
    image: nib.Nifti1Image, where: Path, spacing: float, winsorize: tuple[float, float]
) -> nib.Nifti1Image:
    """Make the working image of a 3-D image: cubic voxels, cut percentiles, intensities 0 to 1000.

    `spacing` is the voxel size, mm; `winsorize` are the lower and the upper percentile. Errors name
    the image as `where`.

    Raises
    ------
    InputError
        Not 3-D, a field that is too small for a brain, no contrast, or a bright background.
    """
    if image.ndim > 3 and any(size != 1 for size in image.shape[3:]):
        raise InputError(
            where,
            f"it has {image.ndim} dimensions {image.shape}; brain extraction needs one volume",
            "Give one volume, or exclude the image by the config key filters",
        )
    grid = native_grid(image)
    field = np.array(grid.shape) * grid.zooms
    if field.min() < MINIMAL_FIELD_MM:
        raise InputError(
            where,
            f"its field of view is {field.min():.0f} mm in one direction; a brain needs at"
            f" least {MINIMAL_FIELD_MM:.0f} mm",
            "Exclude the image, or set skullstrip: {method: none}",
        )
    shape, affine = isotropic_grid(grid.shape, grid.affine, spacing)
    small = resample(intensities(image), grid.zooms, shape, (spacing,) * 3)
    small, affine = _without_border(small, affine)
    low, high = np.percentile(small, winsorize)
    if not high > low:
        raise InputError(
            where,
            f"its voxels hardly differ (percentiles {winsorize} are {low:g} and {high:g})",
            "Look at the image; exclude it when it is empty",
        )
    if _edge_level(small) > low + BRIGHT_AIR * (high - low):
        raise InputError(
            where,
            "its background is brighter than the head: its intensities are inverted",
            "Convert the image again, or exclude it by the config key filters",
        )
    scaled = (np.clip(small, low, high) - low) * np.float32(1000 / (high - low))
    return nib.Nifti1Image(scaled.astype(np.float32), affine)


def _edge_level(data: Values) -> float:
    """Return the median of the outermost voxels."""
    return float(np.median(np.concatenate([face.ravel() for face in faces(data)])))


def _without_border(data: Values, affine: Affine) -> tuple[Values, Affine]:
    """Cut layers of one value off both ends of each axis, as many at one end as at the other.

    So the centre of the grid remains, as `resample` needs it, and a wide border of zeros costs
    nothing. `BORDER_VOXELS` layers are kept around the content.
    """
    edge, reach = data[0, 0, 0], float(np.ptp(data))
    box = Box.around(np.abs(data - edge) > 1e-4 * reach)
    if box is None:
        return data, affine
    ends = zip(box.pairs, data.shape, strict=True)
    cuts = [max(min(start, size - stop) - BORDER_VOXELS, 0) for (start, stop), size in ends]
    kept = Box.of([[cut, size - cut] for cut, size in zip(cuts, data.shape, strict=True)])
    return np.ascontiguousarray(data[kept.slices]), cropped_affine(affine, kept)


def place(foreground: Path, template: Path, folder: Path, head_height: float) -> tuple[Path, Path]:
    """Make a mask of the head, and the shift that brings it to the template's head.

    `foreground` is above 0 where the working image is brighter than its background. What lies lower
    than `head_height` (mm) below the vertex is neck. `folder` gets the mask (uint8, the foreground
    closed and filled) and the ITK text transform of points from template to head.
    """
    image = nib.load(foreground)
    bright = np.asanyarray(image.dataobj) > 0
    spacing = float(np.linalg.norm(image.affine[:3, 0]))
    mask = filled(closed(bright, 4.0, spacing))
    head_mask = folder / "head_mask.nii"
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), image.affine), head_mask)

    target = nib.load(template)
    template_data = target.get_fdata(dtype=np.float32)
    fixed = _centre(template_data > template_data.mean(), target.affine, head_height)
    shift = np.eye(4)
    shift[:3, 3] = _centre(bright, image.affine, head_height) - fixed
    transform = folder / "initial.txt"
    write_affine(shift, transform, fixed)
    return head_mask, transform


def closed(mask: Mask, radius: float, spacing: float) -> Mask:
    """Close a mask of cubic voxels with a ball; `radius` and `spacing` in mm."""
    pad = int(np.ceil(radius / spacing)) + 1
    padded = np.pad(mask, pad)
    shrunk = deeper_than(within(padded, radius, spacing), radius, spacing)
    inner = (slice(pad, -pad),) * 3
    result: Mask = (shrunk | padded)[inner]
    return result


def coarse_file(image: Path, result: Path, spacing: float) -> Path:
    """Write `image` with cubic voxels of `spacing` mm; return the path of the result."""
    source = nib.load(image)
    grid = native_grid(source)
    shape, affine = isotropic_grid(grid.shape, grid.affine, spacing)
    small = resample(source.get_fdata(dtype=np.float32), grid.zooms, shape, (spacing,) * 3)
    nib.save(nib.Nifti1Image(small, affine), result)
    return result


def dilated_file(
    prior: Path, region: Path, dilation_mm: float, healthy: Path | None = None
) -> Path:
    """Write the region within `dilation_mm` of a mask (above 0.5); return its path.

    The region has no voxels where the image `healthy` is 0.
    """
    image = nib.load(prior)
    spacing = float(np.linalg.norm(image.affine[:3, 0]))
    near = within(image.get_fdata(dtype=np.float32) > 0.5, dilation_mm, spacing)
    if healthy is not None:
        near &= np.asanyarray(nib.load(healthy).dataobj) > 0
    nib.save(nib.Nifti1Image(near.astype(np.uint8), image.affine), region)
    return region


def grey_closed(prior: Values, radius: float, spacing: float) -> Values:
    """Close a soft mask (0 to 1) with a ball; its surface at 0.5 keeps its place between voxels."""
    reach = int(radius // spacing)
    box = Box.around(prior > 0)
    if reach < 1 or box is None:
        return prior
    steps = np.indices((2 * reach + 1,) * 3) - reach
    ball = (steps**2).sum(axis=0) <= reach**2
    padded = scipy.ndimage.grey_closing(np.pad(prior[box.slices], reach + 1), footprint=ball)
    result = prior.copy()
    result[box.slices] = padded[(slice(reach + 1, -reach - 1),) * 3]
    return result


def finish(prior: Values, spacing: float, grid: NativeGrid) -> Mask:
    """Bring a soft mask (0 to 1, cubic voxels of `spacing` mm) to `grid`, in one piece."""
    return solid(resample(prior, (spacing,) * 3, grid.shape, grid.zooms) > 0.5)


def solid(mask: Mask) -> Mask:
    """Keep the largest component of a mask and fill its holes, in place; return the mask."""
    box = Box.around(mask)
    if box is not None:
        part = mask[box.slices]
        part[:] = filled(largest_component(part))
    return mask


def write_mask(mask: Mask, source: nib.Nifti1Image, path: Path) -> None:
    """Write a mask as uint8 on the grid of `source`, with its affines and their codes.

    The header is a new one: free text of the source's header is not carried on.
    """
    image = type(source)(mask.astype(np.uint8), source.affine)
    image.header.set_xyzt_units(*source.header.get_xyzt_units())
    image.set_qform(source.get_qform(), int(source.header["qform_code"]))
    image.set_sform(source.get_sform(), int(source.header["sform_code"]))
    with atomic(path) as partial:
        nib.save(image, partial)


def _centre(mask: Mask, affine: Affine, head_height: float) -> NDArray[np.float64]:
    """Centre of mass (RAS, mm) of the part of a mask that is near its top."""
    points = apply_affine(affine, np.argwhere(mask))
    # Not the topmost voxel: noise may lie above the vertex.
    top = np.percentile(points[:, 2], 99.9)
    centre: NDArray[np.float64] = points[points[:, 2] > top - head_height].mean(axis=0)
    return centre
