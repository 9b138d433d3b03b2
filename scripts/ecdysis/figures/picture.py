"""A drawn figure with its words, and how it becomes a small file that describes itself.

Each PNG carries its own title and alternative text (keywords ``Title`` and ``Description`` of
the PNG specification, third edition, section 11.3.3.2), so that whoever shows it needs nothing
else. PNG and not SVG: an SVG of slices holds the same pixels in base64, a third larger.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecdysis.figures.drawable import Drawable
from ecdysis.files import atomic

CONTOUR, BOX, INK = "#ffb000", "#3fd0ff", "white"
MARGIN = 10.0
"""Space in mm left around the head, or around the brain."""
MAX_BYTES = 250_000
QUALITIES = ((100, 128), (100, 64), (100, 32), (88, 64), (75, 64), (60, 64), (45, 32), (30, 16))
"""Pixels an inch and colours, tried in this order until the file is small enough."""

Axes = tuple[float, float, float, float]
"""Left, bottom, width and height, as parts of the figure."""


@dataclass(frozen=True)
class Picture:
    """A drawn figure with the words that go with it.

    `qualities` are those of `QUALITIES` that are allowed; the last is taken in any case.
    """

    figure: Any
    title: str
    alt: str
    max_bytes: int = MAX_BYTES
    qualities: Sequence[tuple[int, int]] = QUALITIES


def save_picture(picture: Picture, path: str | Path) -> None:
    """Write a picture as a PNG within its `max_bytes`, with title and alternative text in it."""
    import matplotlib.pyplot as plt
    from PIL import Image, PngImagePlugin

    words = PngImagePlugin.PngInfo()
    for keyword, text in (("Title", picture.title), ("Description", picture.alt)):
        words.add_itxt(keyword, text, lang="en")
    sizes: dict[int, Any] = {}
    try:
        for dpi, colours in picture.qualities:
            if dpi not in sizes:
                drawn = io.BytesIO()
                picture.figure.savefig(drawn, format="png", dpi=dpi, facecolor="black")
                sizes = {dpi: Image.open(drawn).convert("RGB")}
            packed = io.BytesIO()
            small = sizes[dpi].quantize(colours, dither=Image.Dither.NONE)
            small.save(packed, "png", optimize=True, pnginfo=words)
            if packed.tell() <= picture.max_bytes:
                break
    finally:
        plt.close(picture.figure)
    with atomic(path) as partial:
        partial.write_bytes(packed.getvalue())


def new_figure(width: float, height: float) -> Any:
    """Make an empty black figure; width and height in inches."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), facecolor="black")


def draw_cuts(
    shown: Any,
    window: tuple[float, float],
    figure: Any,
    mode: str,
    cuts: Sequence[float],
    axes: Axes = (0, 0, 1, 1),
) -> Any:
    """Draw cuts (mm) of an image, with a window of intensities; a nilearn display."""
    from nilearn.plotting import plot_anat

    return plot_anat(
        shown,
        figure=figure,
        axes=axes,
        display_mode=mode,
        cut_coords=[float(cut) for cut in cuts],
        vmin=window[0],
        vmax=window[1],
        draw_cross=False,
        annotate=False,
        black_bg=True,
        colorbar=False,
        dim=0,
    )


def draw_head(item: Drawable, figure: Any, axes: Axes = (0, 0, 1, 1), values: Any = None) -> Any:
    """Draw an image, or other `values` of its voxels, cropped to the head, in three planes."""
    shown = item.around(item.head, MARGIN)
    window, middle = item.window, item.head.mean(axis=0)
    display = draw_cuts(shown if values is None else values, window, figure, "ortho", middle, axes)
    display.annotate(size=10)
    return display
