"""The layers of the viewer of an image, on the grid of the raw image."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from ecdysis.figures.layers import (
    GREY_MATTER,
    MASK,
    WHITE_MATTER,
    brain_window,
    head_box,
    window_of,
)
from ecdysis.figures.mosaic import Canonical
from ecdysis.figures.viewer import (
    FEWER_LEVELS,
    LEVELS,
    MaskFile,
    ViewerGrid,
    ViewerLayer,
    image_layer,
    label_layer,
    mask_layer,
    ratio_layer,
    write_viewer,
)
from ecdysis.image.arrays import Mask
from ecdysis.image.geometry import Box, cropped_affine
from ecdysis.skullstrip.tissues import TISSUES

FLUID, LESION = (60, 220, 160), (230, 80, 230)
COLOURS = {"GM": GREY_MATTER, "WM": WHITE_MATTER, "CSF": FLUID}


def write_image_viewer(
    page: Path,
    title: str,
    raw: Canonical,
    images: Sequence[tuple[str, str, Canonical]],
    *,
    back: str,
    aligned: Sequence[tuple[str, str, Canonical]] = (),
    mask: Canonical | None = None,
    automatic: Canonical | None = None,
    lesion: Canonical | None = None,
    labels: Canonical | None = None,
    mask_path: Path | None = None,
) -> None:
    """Write the viewer of an image.

    The `raw` image gives the grid; it is shown only if it is one of `images`. These have id, title
    and image; the first is shown when the page opens, and `aligned` are registered to it. `back` is
    the address of the page that links to the viewer, `automatic` the automatic mask that `mask`
    replaces, and `mask_path` the place of a corrected mask within a folder of masks.
    """
    first = images[0][2]
    box = head_box(raw) if first is raw else _box_in(raw, first)
    cross, inside = box, None
    if mask is not None:
        box |= _box_in(raw, mask)
        inside = mask.on(raw, nearest=True) > 0.5
        cross = Box.around(inside) or box
    middle = [(start + stop - 1) / 2 for start, stop in cross.pairs]
    cross_mm = apply_affine(raw.affine, middle)
    grid = ViewerGrid(box.shape, cropped_affine(raw.affine, box), cross_mm)
    layers = [
        *_image_layers(images, raw, box, inside, LEVELS),
        *_image_layers(aligned, raw, box, inside, FEWER_LEVELS),
    ]
    layers[0] = replace(layers[0], shown=True)
    for name, words, region, colour in (
        ("mask", "brain mask", mask, MASK),
        ("automatic", "automatic mask", automatic, GREY_MATTER),
        ("lesion", "lesions", lesion, LESION),
    ):
        if region is not None:
            values = region.on(raw, nearest=True)[box.slices] > 0.5
            layers.append(mask_layer(name, words, values, colour, shown=region is mask))
    if labels is not None:
        layers.append(_tissue_layer(labels.on(raw, nearest=True)[box.slices]))
    mask_file = MaskFile(mask_path, raw, box.start) if mask_path else None
    write_viewer(page, title, grid, layers, back=back, mask_file=mask_file)


def _image_layers(
    images: Sequence[tuple[str, str, Canonical]],
    raw: Canonical,
    box: Box,
    inside: Mask | None,
    levels: int,
) -> list[ViewerLayer]:
    """Make the layers of images; those after the first are stored as ratios where this is exact."""
    layers: list[ViewerLayer] = []
    before = None
    for name, words, image in images:
        values = image.on(raw)
        window = window_of(values) if inside is None else brain_window(values, inside)
        values = values[box.slices]
        layer = image_layer(name, words, values, window, levels=levels)
        if before is None:
            before = values
        elif levels == LEVELS:
            layer = ratio_layer(layer, values, layers[0], before)
        layers.append(layer)
    return layers


def _tissue_layer(tissues: NDArray[Any]) -> ViewerLayer:
    ordered = sorted(TISSUES, key=lambda tissue: tissue.index)
    colours = [COLOURS[tissue.label] for tissue in ordered]
    names = {tissue.index: tissue.name for tissue in ordered}
    return label_layer("tissues", "tissues", tissues, colours, names)


def _box_in(raw: Canonical, image: Canonical) -> Box:
    """Return the voxels of `raw` that an image covers."""
    corners = list(product(*((0, size - 1) for size in image.values.shape)))
    voxels = apply_affine(np.linalg.inv(raw.affine) @ image.affine, corners)
    low, high = np.rint(voxels.min(axis=0)), np.rint(voxels.max(axis=0)) + 1
    return Box.of(np.stack([low, high], axis=1).astype(int).tolist()) & Box.whole(raw.values.shape)
