"""The layers of the mosaics, between which a rater switches in place.

Three groups, each with one layout: ``head`` (input, bias-corrected, brain only, defaced), ``brain``
(plain, outline of the mask, tissues, the registered T1w or template), and ``air`` (the whole field
of view, stretched to the air).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from ecdysis.figures.mosaic import Canonical, Layout, Pixels, grey, labelled, layout_of, outlined
from ecdysis.figures.picture import Picture
from ecdysis.image.geometry import Box
from ecdysis.image.head import find_head
from ecdysis.image.volume import are_numbers
from ecdysis.quality.air import survey
from ecdysis.quality.sheet import NotComputableError
from ecdysis.skullstrip.tissues import TISSUES

HEAD_PIXELS, BRAIN_PIXELS, AIR_PIXELS = 1_200_000, 900_000, 600_000
"""Approximate number of pixels of the axial part of a mosaic; all layers take 3 MB per image."""
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
THUMB_SIZE, THUMB_BYTES = 200, 20_000
MASK, GREY_MATTER, WHITE_MATTER = (255, 176, 0), (64, 176, 255), (255, 90, 77)
LABELS = {tissue.label: tissue.index for tissue in TISSUES}


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
    """Return the intensities drawn black and white in figures of the brain; fat does not count."""
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
    to_own = np.linalg.inv(image.affine) @ image.source.affine
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
) -> list[Picture]:
    """Draw the input and what was made of it, each slice at the same position.

    `others` are kind, title and image of results on the grid of the input, or of a part of it.
    The intensities inside the `mask`, if any, define black and white.
    """

    def draw(values: NDArray[Any]) -> Any:
        window = window_of(values) if inside is None else brain_window(values, inside)
        return _picture(layout, values, window)

    inside = None if mask is None else mask.on(raw, nearest=True) > 0.5
    layout = layout_of(raw, head_box(raw), HEAD_PIXELS)
    alt = f"The input image {name}, {_words(layout)}."
    pictures = [Picture("input", "head", "Input", alt, draw(raw.values))]
    for kind, title, image in others:
        alt = f"{title} of {name}: the same slices."
        pictures.append(Picture(kind, "head", title, alt, draw(image.on(raw))))
    return pictures


def air_layers(name: str, raw: Canonical) -> list[Picture]:
    """Draw the whole field of view with the grey scale of the air, unless the air is constant.

    Noise, ghosts and wrap-around are visible in the air first (Mortamet et al. 2009,
    doi:10.1002/mrm.21992).
    """
    window = air_window(raw)
    if window is None:
        return []
    layout = layout_of(raw, Box.whole(raw.values.shape), AIR_PIXELS)
    alt = (
        f"The whole field of view of {name} with the grey scale of the air: black is"
        f" {window[0]:.3g}, white {window[1]:.3g}. Noise, ghosts, wrap-around and spikes"
        " are visible here first."
    )
    return [Picture("air", "air", "Air", alt, _picture(layout, raw.values, window))]


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
) -> list[Picture]:
    """Draw the brain plain, with the outline of its mask, and with the borders of its tissues.

    `labels` are the tissues. `automatic` is the mask that a mask by hand replaces; its outline is
    also drawn. `aligned` are kind, title and image of what is registered to this image.

    Raises
    ------
    ValueError
        The mask is empty.
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
    alt = f"The outline of the brain mask of {name} ({volume:.0f} mL), {words}."
    outlined_base = labelled(outlined(base, outlines), layout)
    pictures = [
        Picture("mask", "brain", "Brain mask", alt, outlined_base),
        Picture(
            "plain",
            "brain",
            "Without outlines",
            f"The same slices of {name} without outlines.",
            labelled(base, layout),
        ),
    ]
    if labels is not None:
        pictures.append(_tissue_layer(name, labels.on(image, nearest=True), base, layout))
    for kind, title, other in aligned:
        values = other.on(image)
        drawn = _picture(layout, values, brain_window(values, inside))
        alt = f"{title}: the same slices of {name}."
        pictures.append(Picture(kind, "brain", title, alt, drawn))
    return pictures


def _tissue_layer(name: str, tissue: NDArray[Any], base: Pixels, layout: Layout) -> Picture:
    """Draw the borders of tissues over a picture of the brain; `tissue` holds their labels."""
    white = tissue == LABELS["WM"]
    both = white | (tissue == LABELS["GM"])
    borders = [(_arranged(layout, both), GREY_MATTER), (_arranged(layout, white), WHITE_MATTER)]
    alt = (
        f"The tissues of {name}: the outer border of grey matter in blue, the border of white"
        " matter in red."
    )
    return Picture("tissues", "brain", "Tissues", alt, labelled(outlined(base, borders), layout))


def thumbnail(name: str, image: Canonical, mask: Canonical | None) -> Picture:
    """Draw one small sagittal slice next to the falx, with the outline of the mask if any."""
    from PIL import Image, ImageOps

    inside = None if mask is None else mask.on(image, nearest=True) > 0.5
    box = (Box.around(inside) if inside is not None else None) or head_box(image)
    box = box.grown(10, image.zooms.tolist()) & Box.whole(image.values.shape)
    middle = (box.start[0] + box.stop[0]) // 2 + round(8 / image.zooms[0])
    middle = min(max(middle, box.start[0]), box.stop[0] - 1)
    layout = Layout(box, (), (middle,), tuple(image.zooms), image.affine)
    base = grey(layout.arrange(image.values), window_of(image.values))
    if inside is not None:
        base = outlined(base, [(_arranged(layout, inside), MASK)])
    square = ImageOps.pad(Image.fromarray(base).convert("RGB"), (THUMB_SIZE, THUMB_SIZE))
    return Picture("thumb", "thumb", "Thumbnail", f"Sagittal slice of {name}.", square)


def _picture(layout: Layout, values: NDArray[Any], window: tuple[float, float]) -> Any:
    return labelled(grey(layout.arrange(values), window), layout)


def _arranged(layout: Layout, region: NDArray[np.bool_]) -> Pixels:
    return layout.arrange(region.astype(np.uint8), nearest=True)


def _words(layout: Layout) -> str:
    plane = " × ".join(f"{zoom:.3g}" for zoom in layout.zooms[:2])
    return (
        f"{len(layout.axial)} axial slices at the native resolution of {plane} mm and"
        f" {len(layout.sagittal)} sagittal slices"
    )
