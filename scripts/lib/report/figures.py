"""Figures for quality control, drawn with nilearn: what came in, what was cut, the mask.

Every figure is drawn in world coordinates (RAS, mm) with left and right named. Each PNG carries
its own title and alternative text (keywords ``Title`` and ``Description`` of the PNG
specification, third edition, section 11.3.3.2), so that whoever shows it needs nothing else.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lib.files import atomic
from lib.report.drawable import Drawable, canvas, depth, mask_place

MARGIN = 10.0
"""Space in mm left around the head, or around the brain."""
CUTS, CUTS_WITHIN = 7, 0.84
"""Cuts of a mosaic along each axis, and the central share of the brain they are spread over."""
MOSAIC_WIDTH = 12.0
"""Inches."""
LABEL_ROOM = 18.0
"""Height in mm of the line with the coordinates above each row of a mosaic."""
BESIDE_MIDLINE = 8.0
"""Where the cut of a thumbnail lies, in mm: beside the falx, which says little."""
CONTOUR, BOX, INK = "#ffb000", "#3fd0ff", "white"
HEAD_ABOVE = 0.12
"""What is brighter than this part of the upper grey value of figures is drawn as head."""
MAX_BYTES, THUMB_BYTES = 250_000, 5_000
QUALITIES = ((100, 128), (100, 64), (88, 64), (75, 64), (60, 64), (45, 32), (30, 16))
"""Pixels an inch and colours, tried in this order until the file is small enough."""


@dataclass(frozen=True)
class Picture:
    """A drawn figure with the words that go with it."""

    figure: Any
    title: str
    alt: str
    max_bytes: int = MAX_BYTES


def input_picture(name: str, raw: Drawable) -> Picture:
    """Draw the image as it came in, cropped to the head, in three planes through its middle."""
    figure = _figure(11.0, 4.2)
    shown = raw.around(raw.head, MARGIN)
    display = _draw(raw, shown, figure, "ortho", raw.head.mean(axis=0))
    display.annotate(size=10)
    return Picture(
        figure,
        "Input",
        f"The input image of {name} ({raw.facts}) in a sagittal, a coronal and an axial plane"
        " through the middle of the head.",
    )


def crop_picture(name: str, raw: Drawable, preproc: Drawable) -> Picture:
    """Draw before and after: the box of the crop on the input, and the result at the same scale."""
    figure = _figure(11.0, 8.2)
    empty = canvas(raw, preproc)
    low, high = preproc.window
    for floor, words, item in ((0.5, "before", raw), (0.0, "after", preproc)):
        display = _draw(
            preproc, empty, figure, "ortho", preproc.head.mean(axis=0), (0, floor, 1, 0.47)
        )
        display.add_overlay(item.image, cmap="gray", vmin=low, vmax=high)
        if item is raw:
            box = depth(preproc, empty)
            display.add_contours(box, levels=[0.0], colors=[BOX], linewidths=1.5)
        display.annotate(size=10)
        label = f"{words}: {item.facts}"
        figure.text(0.01, floor + 0.475, label, color=INK, size=10, va="center")
    return Picture(
        figure,
        "Reorientation and crop",
        f"Above, the input image of {name} ({raw.facts}) with the box of the crop drawn on it;"
        f" below, the result ({preproc.facts}) at the same place and scale.",
    )


def brain_picture(name: str, preproc: Drawable, mask: Drawable) -> Picture:
    """Draw the outline of the brain mask in sagittal, coronal and axial cuts over the brain."""
    brain = mask_place(mask)
    middle, reach = brain.mean(axis=0), CUTS_WITHIN * (brain[1] - brain[0]) / 2
    cuts = np.round(np.linspace(middle - reach, middle + reach, CUTS)).T
    shown, outline = preproc.around(brain, MARGIN), mask.around(brain, MARGIN)
    x, y, z = np.array(shown.shape) * preproc.zooms
    # One scale for all rows: a sagittal cut is as wide as the head is long, the others as broad.
    rows = (("x", y, z), ("y", x, z), ("z", x, y))
    widest, tall = max(x, y), sum(row[2] + LABEL_ROOM for row in rows)
    figure = _figure(MOSAIC_WIDTH, MOSAIC_WIDTH * tall / (CUTS * widest))
    floor = 1.0
    for (axis, wide, high), coordinates in zip(rows, cuts, strict=True):
        floor -= (high + LABEL_ROOM) / tall
        axes = ((1 - wide / widest) / 2, floor, wide / widest, high / tall)
        display = _draw(preproc, shown, figure, axis, coordinates, axes)
        display.add_contours(outline, levels=[0.5], colors=[CONTOUR], linewidths=0.9)
        for plane in display.axes.values():
            plane.draw_left_right(size=9, bg_color="none", color=INK)
            words, where = f"{axis} = {round(plane.coord)} mm", plane.ax.transAxes
            plane.ax.text(
                0.5, 1.01, words, transform=where, color=INK, size=8, ha="center", va="bottom"
            )
    volume = float(mask.data.sum() * np.prod(mask.zooms)) / 1000
    return Picture(
        figure,
        "Brain mask",
        f"The outline of the brain mask of {name} on the result, in {CUTS} sagittal, {CUTS}"
        f" coronal and {CUTS} axial cuts spread over the brain; the mask holds {volume:.0f} mL.",
    )


def surface_picture(name: str, faced: Drawable, defaced: Drawable) -> Picture:
    """Draw the surface of the head with its face, above, and without it, below."""
    from lib.deface.surface import shaded_views

    figure = _figure(11.0, 7.0)
    air = HEAD_ABOVE * faced.window[1]
    for row, (words, item) in enumerate((("before", faced), ("after", defaced))):
        for column, view in enumerate(shaded_views(item.image, air)):
            plane = figure.add_subplot(2, 3, 3 * row + column + 1)
            plane.imshow(view, cmap="gray", vmin=0, vmax=1)
            plane.set_axis_off()
        figure.text(0.01, 0.97 - 0.5 * row, words, color=INK, size=10, va="center")
    figure.subplots_adjust(0, 0, 1, 0.98, 0.01, 0.02)
    return Picture(
        figure,
        "Defacing",
        f"The surface of the head of {name}, from the front, half from the side and from the side:"
        " above with its face, below as it may be shared. This picture shows a face: do not share"
        " it.",
    )


def thumb_picture(name: str, preproc: Drawable, mask: Drawable | None) -> Picture:
    """Draw one small sagittal cut for the table of images, with the outline of a mask if any."""
    place = preproc.head if mask is None else mask_place(mask)
    figure = _figure(0.96, 0.96)
    cut = [float(place[:, 0].mean()) + BESIDE_MIDLINE]
    display = _draw(preproc, preproc.around(place, MARGIN), figure, "x", cut)
    if mask is not None:
        outline = mask.around(place, MARGIN)
        display.add_contours(outline, levels=[0.5], colors=[CONTOUR], linewidths=0.8)
    return Picture(figure, "Thumbnail", f"Sagittal cut of {name}.", THUMB_BYTES)


def save_picture(picture: Picture, path: str | Path) -> None:
    """Write a picture as a PNG within its `max_bytes`, with title and alternative text in it."""
    import matplotlib.pyplot as plt
    from PIL import Image, PngImagePlugin

    words = PngImagePlugin.PngInfo()
    for keyword, text in (("Title", picture.title), ("Description", picture.alt)):
        words.add_itxt(keyword, text, lang="en")
    try:
        for dpi, colours in QUALITIES:
            drawn, packed = io.BytesIO(), io.BytesIO()
            picture.figure.savefig(drawn, format="png", dpi=dpi, facecolor="black")
            with Image.open(drawn) as full:
                small = full.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
            small.save(packed, "png", optimize=True, pnginfo=words)
            if packed.tell() <= picture.max_bytes:
                break
    finally:
        plt.close(picture.figure)
    with atomic(path) as partial:
        partial.write_bytes(packed.getvalue())


def _figure(width: float, height: float) -> Any:
    """Make an empty black figure; width and height in inches."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), facecolor="black")


def _draw(
    scale: Drawable,
    shown: Any,
    figure: Any,
    mode: str,
    cuts: Sequence[float],
    axes: tuple[float, float, float, float] = (0, 0, 1, 1),
) -> Any:
    """Draw cuts (mm) of `shown` with the grey scale of `scale`; a nilearn display."""
    from nilearn.plotting import plot_anat

    low, high = scale.window
    return plot_anat(
        shown,
        figure=figure,
        axes=axes,
        display_mode=mode,
        cut_coords=[float(cut) for cut in cuts],
        vmin=low,
        vmax=high,
        draw_cross=False,
        annotate=False,
        black_bg=True,
        colorbar=False,
        dim=0,
    )
