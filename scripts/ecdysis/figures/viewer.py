"""An interactive viewer: a page, and beside it one file of voxels for each layer.

The page loads the files of its layers as scripts, because browsers let a page that was opened from
a disk load scripts but not read files. Voxels keep the native resolution.
"""

import gzip
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from nibabel.nifti1 import Nifti1Header
from numpy.typing import NDArray
from scipy import ndimage

from ecdysis.figures.mosaic import Canonical
from ecdysis.files import atomic, write_text
from ecdysis.html_pages import assets, environment
from ecdysis.image.geometry import Box, rigid

MOST_VOXELS = 60_000_000
"""A larger grid is thinned, because a browser would need more than 1 GB for it."""
TOP = 99.99
"""Percentile of the intensities that is stored as 255, so that single voxels do not matter."""
LEVELS, FEWER_LEVELS = 255, 85
"""Grey levels of an image, and of one that is only compared with it, whose file is smaller."""
BLOCK = 3
"""Voxels along each axis of the blocks on which the ratio of two images is smoothed."""
FINEST_RATIO = 0.005
"""Step of the stored ratio: half of it is a grey level of the brightest tissue."""
EXACT = 99
"""Percentage of the voxels that an image stored as a ratio must have right."""
COMPRESSION = 6
OPACITY = 0.5
MIDDLE = 128
"""Stored value of 0 in a statistical map."""
SCRIPTS = ("viewer_layers.js", "viewer_panes.js", "viewer_mask.js", "viewer.js")


Colour = tuple[int, int, int]
Values = NDArray[Any]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class ViewerLayer:
    """A layer of a viewer; its values have the shape of the grid."""

    id: str
    """Part of a file name."""
    title: str
    kind: str
    """``image``, ``mask``, ``labels`` or ``map``."""
    values: Bytes
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the script needs to know of this kind; see `report/viewer_layers.js`."""
    shown: bool = False
    """Whether the layer is visible when the page opens."""
    file: str = ""
    """Name of the data file; empty for one that belongs to this page alone."""


@dataclass(frozen=True)
class ViewerGrid:
    """The voxels of a viewer: a part of an image with axes near right, anterior, superior.

    `affine` is in mm; `cross` is the first position of the crosshair, three numbers in mm.
    """

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    cross: Sequence[float]


@dataclass(frozen=True)
class MaskFile:
    """Where a corrected mask belongs."""

    path: Path
    """Within a folder of masks, such as ``sub-01/anat/sub-01_desc-brain_mask.nii.gz``."""
    image: Canonical
    """The raw image, on whose grid the mask is saved."""
    start: Sequence[int]
    """The voxel of the raw image at which the grid of the viewer starts."""

    @property
    def facts(self) -> dict[str, Any]:
        """What the script needs: name, folder, shape, start, and the NIfTI header."""
        return {
            "name": self.path.name,
            "folder": self.path.parent.as_posix(),
            "shape": list(self.image.values.shape),
            "start": list(self.start),
            "header": b64encode(mask_header(self.image)).decode(),
        }


def mask_header(image: Canonical) -> bytes:
    """Return the first 352 bytes of a NIfTI file of a mask on the grid of an image.

    Nothing but the grid is taken from the header of the image.
    """
    header = Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(image.values.shape)
    header.set_sform(image.affine, 1)
    header.set_qform(rigid(image.affine), 1)
    header["xyzt_units"] = int(image.source.header["xyzt_units"]) & 7
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    return bytes(header.binaryblock) + bytes(4)


def image_layer(
    name: str,
    title: str,
    values: Values,
    window: tuple[float, float],
    *,
    levels: int = LEVELS,
    shown: bool = False,
    file: str = "",
) -> ViewerLayer:
    """Make the layer of an image; `window` holds the intensities drawn black and white.

    Square roots of the intensities are stored, so that the noise of the air keeps its levels.
    `levels` is the number of grey levels, a divisor of 255.
    """
    low = float(values.min())
    high = max(float(np.percentile(values[::2, ::2, ::2], TOP)), window[1], low + 1e-6)
    part = np.clip((values.astype(np.float32) - low) / (high - low), 0, 1)
    stored = np.rint(levels * np.sqrt(part)).astype(np.uint8) * np.uint8(LEVELS // levels)
    facts = {"range": [low, high], "window": list(window)}
    return ViewerLayer(name, title, "image", stored, facts, shown, file)


def ratio_layer(
    layer: ViewerLayer, values: Values, base: ViewerLayer, before: Values
) -> ViewerLayer:
    """Store an image as its ratio to another one where that is smooth, as after N4.

    The file of a smooth ratio takes a few per cent of that of the image. `values` and `before` are
    the intensities of the image and of the other one, `base`. The layer is returned as it was if
    its intensities would change by more than a grey level of its window.
    """
    known = (values > 0) & (before > 0)
    box = Box.around(known)
    if box is None or before.min() < 0:
        return layer
    after, first = (_block_means(np.where(known, image, 0)) for image in (values, before))
    weight = np.maximum(ndimage.gaussian_filter(first, 1), 1e-30)
    coarse = ndimage.gaussian_filter(after, 1) / weight
    # Averages are one-sided at the border of the head; the average of what is left repairs this.
    coarse += ndimage.gaussian_filter(after - coarse * first, 1) / weight
    shift = (1 - BLOCK) / 2 / BLOCK
    ratio = ndimage.affine_transform(
        coarse, np.eye(3) / BLOCK, shift, values.shape, order=1, mode="nearest"
    )
    low, high = (float(end) for end in (ratio[known].min(), ratio[known].max()))
    step = max((high - low) / (LEVELS - 1), FINEST_RATIO)
    stored = 1 + np.rint((np.clip(ratio, low, high) - low) / step).astype(np.uint8)
    # Inside the crop, 0 where both images are 0 would make the file large.
    outside = np.ones(values.shape, dtype=np.bool_)
    outside[box.slices] = False
    stored[outside | ((values <= 0) & (before > 0))] = 0
    again = np.where(stored > 0, low + step * (stored.astype(np.float32) - 1), 0) * before
    black, white = layer.facts["window"]
    if np.percentile(np.abs(again - values)[::2, ::2, ::2], EXACT) > (white - black) / LEVELS:
        return layer
    facts = {**layer.facts, "of": base.id, "ratios": [low, step]}
    return replace(layer, values=stored, facts=facts)


def _block_means(values: Values) -> Values:
    padded = np.pad(values, [(0, -size % BLOCK) for size in values.shape], mode="edge")
    parts = [part for size in padded.shape for part in (size // BLOCK, BLOCK)]
    means: Values = padded.reshape(parts).mean(axis=(1, 3, 5), dtype=np.float32)
    return means


def mask_layer(
    name: str, title: str, inside: Values, colour: Colour, *, shown: bool = False
) -> ViewerLayer:
    """Make the layer of a mask."""
    facts = {"colours": [colour], "opacity": OPACITY}
    return ViewerLayer(name, title, "mask", (inside > 0).astype(np.uint8), facts, shown)


def label_layer(
    name: str, title: str, labels: Values, colours: Sequence[Colour], names: Mapping[int, str]
) -> ViewerLayer:
    """Make the layer of labels from 0 to 255."""
    facts = {"colours": list(colours), "opacity": OPACITY, "names": dict(names)}
    return ViewerLayer(name, title, "labels", labels.astype(np.uint8), facts)


def map_layer(name: str, title: str, values: Values, threshold: float) -> ViewerLayer:
    """Make the layer of a statistical map; values smaller than the threshold are transparent."""
    top = max(float(np.abs(values).max()), 1e-30)
    stored = (np.rint(values / top * (MIDDLE - 1)) + MIDDLE).astype(np.uint8)
    facts = {"maximum": top, "threshold": threshold, "opacity": 0.8}
    return ViewerLayer(name, title, "map", stored, facts, shown=True)


def write_viewer(
    page: Path,
    title: str,
    grid: ViewerGrid,
    layers: Sequence[ViewerLayer],
    *,
    back: str,
    mask_file: MaskFile | None = None,
    note: str = "",
) -> None:
    """Write a page and the data files of its layers, images first, all of the shape of the grid.

    Data files are named after the page, unless a layer names its file; an existing file that a
    layer names is kept, since several pages share it. `back` is the address of the page that links
    to this one. With a `mask_file` the layer ``mask`` can be corrected and saved.
    """
    step = max(1, math.ceil((math.prod(grid.shape) / MOST_VOXELS) ** (1 / 3)))
    affine = grid.affine @ np.diag([step, step, step, 1])
    cross = np.rint(apply_affine(np.linalg.inv(affine), grid.cross))
    shape = [math.ceil(size / step) for size in grid.shape]
    described = []
    for layer in layers:
        file = layer.file or f"{page.stem}.{layer.id}.js"
        if not (layer.file and page.with_name(file).exists()):
            _write_values(page.with_name(file), layer.id, layer.values[::step, ::step, ::step])
        words = {"id": layer.id, "title": layer.title, "kind": layer.kind, "file": file}
        described.append(words | {"shown": layer.shown} | dict(layer.facts))
    if step > 1:
        note = f"{note} Every voxel in {step} along each axis is shown.".strip()
    edit = mask_file.facts if mask_file and step == 1 else None
    data = {
        "shape": shape,
        "zooms": voxel_sizes(affine).tolist(),
        "affine": affine[:3].tolist(),
        "cross": np.clip(cross, 0, np.subtract(shape, 1)).astype(int).tolist(),
        "layers": described,
        "edit": edit,
    }
    template = environment().get_template("viewer.html.j2")
    own = assets("viewer.css", SCRIPTS, files=" file: 'self'")
    text = template.render(assets=own, title=title, note=note, back=back, edit=edit, data=data)
    write_text(page, text)


def _write_values(path: Path, name: str, values: Bytes) -> None:
    """Write voxels, x fastest, as a script: differences between neighbours, gzip, base64."""
    flat = values.ravel(order="F")
    changes = np.diff(flat, prepend=flat.dtype.type(0))
    content = b64encode(gzip.compress(changes.tobytes(), COMPRESSION, mtime=0))
    with atomic(path) as partial:
        partial.write_bytes(b'ecdysisLayer("' + name.encode() + b'","' + content + b'")\n')
