"""The layers of the mosaics, between which a rater switches in place.

Three groups, each with one layout: ``head`` (input, bias-corrected, brain only, defaced), ``brain``
(plain, outline of the mask, tissues, the registered T1w or template), and ``air`` (the whole field
of view, stretched to the air).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from ecdysis.figures.mosaic import Canonical, Layout, Pixels, grey, labelled, layout_of, outlined
from ecdysis.files import atomic
from ecdysis.image.geometry import Box
from ecdysis.image.head import find_head
from ecdysis.image.volume import are_numbers
from ecdysis.quality.air import survey
from ecdysis.quality.sheet import NotComputableError
from ecdysis.skullstrip.tissues import TISSUES

HEAD_PIXELS, BRAIN_PIXELS, AIR_PIXELS = 1_200_000, 900_000, 600_000
"""Approximate number of pixels of the axial part of a mosaic; all layers take 3 MB per image."""
QUALITY = 88
"""Of JPEG, without chroma subsampling, which would blur outlines."""
HEAD_MARGIN, BRAIN_MARGIN = 4.0, 6.0
"""mm around the head, and around the brain."""
NECK_BELOW = 180.0
"""Lower end of a mosaic, in mm below the top of the head."""
FLOOR, BRIGHT, WINDOW = 2.0, 0.15, (1.0, 99.7)
"""Percentile of the air; part of the range above it where tissue begins; percentiles of tissue
that are drawn black and white."""
HEADROOM = 1.1
"""White in figures of the brain, relative to its brightest voxels, so that these have texture."""
AIR_WINDOW = (1.0, 99.5)
"""Percentiles of the air that are drawn black and white."""
THUMB_SIZE, THUMB_QUALITY, THUMB_BYTES = 200, 80, 20_000
MASK, GREY_MATTER, WHITE_MATTER = (255, 176, 0), (64, 176, 255), (255, 90, 77)
LABELS = {tissue.label: tissue.index for tissue in TISSUES}


@dataclass(frozen=True)
class Layer:
    """One picture of a group.

    Attributes
    ----------
    kind : str
        The ``desc`` of its file.
    group : str
        Layers of one group have one size and show the same slices.
    title, alt : str
        A short name, and a description in a sentence.
    picture : PIL.Image.Image
    """

    kind: str
    group: str
    title: str
    alt: str
    picture: Any


def window_of(values: NDArray[Any]) -> tuple[float, float]:
    """Return the intensities drawn black and white; the air may have any level."""
    sample = values[::2, ::2, ::2]
    floor, top = (float(level) for level in np.percentile(sample, (FLOOR, 98)))
    bright = sample[sample > floor + BRIGHT * (top - floor)]
    if not bright.size or not top > floor:
        return float(sample.min()), float(sample.max()) + 1e-6
    low, high = np.percentile(bright, WINDOW)
    return min(floor, float(low)), float(high)


def brain_window(values: NDArray[Any], inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the intensities drawn black and white in figures of the brain.

    Fat, which is the brightest tissue of many images, does not count.
    """
    low, high = window_of(values)
    brain = values[inside]
    white = float(np.percentile(brain, WINDOW[1])) if brain.size else high
    return (low, low + HEADROOM * (white - low)) if white > low else (low, high)


def head_box(image: Canonical) -> Box:
    """Return the box of the head, without the lower neck; the whole image if none is found."""
    whole = Box.whole(image.values.shape)
    head = find_head(image.source)
    if head is None:
        return whole
    to_own = np.linalg.inv(image.affine) @ _in_mm(image)
    ends = apply_affine(to_own, np.array([head.start, np.subtract(head.stop, 1)]))
    low, high = np.rint(ends.min(axis=0)).astype(int), np.rint(ends.max(axis=0)).astype(int) + 1
    low[2] = max(low[2], high[2] - round(NECK_BELOW / image.zooms[2]))
    box = Box.of(np.stack([low, high], axis=1).tolist())
    return box.grown(HEAD_MARGIN, image.zooms.tolist()) & whole


def head_layers(
    name: str,
    raw: Canonical,
    others: Sequence[tuple[str, str, Canonical]],
    mask: Canonical | None = None,
) -> list[Layer]:
    """Draw the input and what was made of it, each slice at the same position.

    Parameters
    ----------
    name : str
        Name of the image.
    raw : Canonical
        The input.
    others : sequence of (kind, title, image)
        Results on the grid of the input, or of a part of it.
    mask : Canonical, optional
        The brain; with it, its intensities define black and white.
    """

    def window(values: NDArray[Any]) -> tuple[float, float]:
        return window_of(values) if inside is None else brain_window(values, inside)

    inside = None if mask is None else mask.on(raw, nearest=True) > 0.5
    layout = layout_of(raw, head_box(raw), HEAD_PIXELS)
    words = _words(layout)
    layers = [
        Layer(
            "input", "head", "Input", f"The input image {name}, {words}.",
            _picture(layout, raw.values, window(raw.values)),
        )
    ]  # fmt: skip
    for kind, title, image in others:
        values = image.on(raw)
        picture = _picture(layout, values, window(values))
        layers.append(Layer(kind, "head", title, f"{title} of {name}: the same slices.", picture))
    return layers


def air_layer(name: str, raw: Canonical) -> Layer | None:
    """Draw the whole field of view with the grey scale of the air; None if the air is constant.

    Noise, ghosts and wrap-around are visible in the air first (Mortamet et al. 2009,
    doi:10.1002/mrm.21992).
    """
    window = air_window(raw)
    if window is None:
        return None
    layout = layout_of(raw, Box.whole(raw.values.shape), AIR_PIXELS)
    alt = (
        f"The whole field of view of {name} with the grey scale of the air: black is"
        f" {window[0]:.3g}, white {window[1]:.3g}. Noise, ghosts, wrap-around and spikes"
        " are visible here first."
    )
    return Layer("air", "air", "Air", alt, _picture(layout, raw.values, window))


def air_window(raw: Canonical) -> tuple[float, float] | None:
    """Return the intensities of air drawn black and white; None if the air is constant."""
    try:
        around = survey(raw.source)
    except NotComputableError:
        return None
    air = around.voxels(around.away)
    slope, inter = raw.source.scaling
    stored = raw.source.stored[air]
    values = stored[are_numbers(stored)].astype(np.float32) * slope + inter
    if not values.size:
        return None
    low, high = (float(level) for level in np.percentile(values, AIR_WINDOW))
    return (min(low, float(np.median(values))), high) if high > low else None


def brain_layers(
    name: str,
    image: Canonical,
    mask: Canonical,
    labels: Canonical | None = None,
    automatic: Canonical | None = None,
    aligned: Sequence[tuple[str, str, Canonical]] = (),
) -> list[Layer]:
    """Draw the brain plain, with the outline of its mask, and with the borders of its tissues.

    Parameters
    ----------
    name : str
        Name of the image.
    image, mask : Canonical
    labels : Canonical, optional
        Tissues.
    automatic : Canonical, optional
        The automatic mask that a mask by hand replaces; its outline is also drawn.
    aligned : sequence of (kind, title, image)
        Images that are registered to this one, to compare them at the same slices.
    """
    inside = mask.on(image, nearest=True) > 0.5
    box = Box.around(inside)
    if box is None:
        raise ValueError("the brain mask is empty")
    whole = Box.whole(image.values.shape)
    layout = layout_of(image, box.grown(BRAIN_MARGIN, image.zooms.tolist()) & whole, BRAIN_PIXELS)
    base = grey(layout.arrange(image.values), brain_window(image.values, inside))
    volume = np.count_nonzero(inside) * float(np.prod(image.zooms)) / 1000
    words = _words(layout)
    outlines = [(_arranged(layout, inside), MASK)]
    if automatic is not None:
        before = automatic.on(image, nearest=True) > 0.5
        outlines.insert(0, (_arranged(layout, before), GREY_MATTER))
        words += "; by hand, the automatic mask in blue"
    layers = [
        Layer(
            "mask", "brain", "Brain mask",
            f"The outline of the brain mask of {name} ({volume:.0f} mL), {words}.",
            labelled(outlined(base, outlines), layout),
        ),
        Layer(
            "plain", "brain", "Without outlines", f"The same slices of {name} without outlines.",
            labelled(base, layout),
        ),
    ]  # fmt: skip
    if labels is not None:
        layers.append(_tissue_layer(name, labels.on(image, nearest=True), base, layout))
    for kind, title, other in aligned:
        values = other.on(image)
        picture = _picture(layout, values, brain_window(values, inside))
        layers.append(Layer(kind, "brain", title, f"{title}: the same slices of {name}.", picture))
    return layers


def _tissue_layer(name: str, tissue: NDArray[Any], base: Pixels, layout: Layout) -> Layer:
    """Draw the borders of tissues over a picture of the brain; `tissue` holds their labels."""
    white = tissue == LABELS["WM"]
    both = white | (tissue == LABELS["GM"])
    borders = [(_arranged(layout, both), GREY_MATTER), (_arranged(layout, white), WHITE_MATTER)]
    return Layer(
        "tissues", "brain", "Tissues",
        f"The tissues of {name}: the outer border of grey matter in blue, the border of white"
        " matter in red.",
        labelled(outlined(base, borders), layout),
    )  # fmt: skip


def thumbnail(name: str, image: Canonical, mask: Canonical | None) -> Layer:
    """Draw one small sagittal slice next to the falx, with the outline of the mask if any."""
    from PIL import Image, ImageOps

    inside = None if mask is None else mask.on(image, nearest=True) > 0.5
    box = (Box.around(inside) if inside is not None else None) or head_box(image)
    box = box.grown(10, image.zooms.tolist()) & Box.whole(image.values.shape)
    middle = (box.start[0] + box.stop[0]) // 2 + round(8 / image.zooms[0])
    middle = min(max(middle, box.start[0]), box.stop[0] - 1)
    zooms = (float(image.zooms[0]), float(image.zooms[1]), float(image.zooms[2]))
    layout = Layout(box, (), (middle,), zooms, image.affine)
    base = grey(layout.arrange(image.values), window_of(image.values))
    if inside is not None:
        base = outlined(base, [(_arranged(layout, inside), MASK)])
    picture = ImageOps.contain(Image.fromarray(base), (THUMB_SIZE, THUMB_SIZE))
    square = Image.new("RGB", (THUMB_SIZE, THUMB_SIZE))
    square.paste(picture, ((THUMB_SIZE - picture.width) // 2, (THUMB_SIZE - picture.height) // 2))
    return Layer("thumb", "thumb", "Thumbnail", f"Sagittal slice of {name}.", square)


def save_layer(layer: Layer, path: Path) -> None:
    """Write a layer as a JPEG file with its title, description and group in a comment."""
    words = {"title": layer.title, "description": layer.alt, "group": layer.group}
    with atomic(path) as partial:
        layer.picture.save(
            partial,
            "jpeg",
            quality=THUMB_QUALITY if layer.group == "thumb" else QUALITY,
            subsampling=0,
            optimize=True,
            comment=json.dumps(words).encode(),
        )


def _picture(layout: Layout, values: NDArray[Any], window: tuple[float, float]) -> Any:
    """Draw grey slices with their coordinates."""
    return labelled(grey(layout.arrange(values), window), layout)


def _arranged(layout: Layout, region: NDArray[np.bool_]) -> Pixels:
    return layout.arrange(region.astype(np.uint8), nearest=True)


def _words(layout: Layout) -> str:
    """Describe the slices of a layout."""
    plane = " × ".join(f"{zoom:.3g}" for zoom in layout.zooms[:2])
    return (
        f"{len(layout.axial)} axial slices at the native resolution of {plane} mm and"
        f" {len(layout.sagittal)} sagittal slices"
    )


def _in_mm(image: Canonical) -> NDArray[np.float64]:
    """Return the affine of the file of an image, in mm."""
    source = image.source
    scale = source.zooms_mm[0] / float(np.sqrt((source.affine[:3, 0] ** 2).sum()))
    affine: NDArray[np.float64] = np.diag([scale, scale, scale, 1.0]) @ source.affine
    return affine
