"""A figure drawn with matplotlib, and its file with title and description.

A PNG keeps them under the keywords ``Title`` and ``Description`` (PNG specification, third edition,
section 11.3.3.2), a JPEG as a comment in JSON.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecdysis.files import atomic

BOX, INK = "#3fd0ff", "white"
MARGIN = 10.0
"""Space in mm around the head, or around the brain."""
DPI, JPEG_QUALITY = 100, 90

Axes = tuple[float, float, float, float]
"""Left, bottom, width and height, as parts of the figure."""


@dataclass(frozen=True)
class Picture:
    """A drawn figure with its title and alternative text.

    Figures of one `group` have one size; a page shows one of them at a time.
    """

    figure: Any
    title: str
    alt: str
    group: str = ""


def save_picture(picture: Picture, path: Path) -> None:
    """Write a picture with title and description, as PNG or JPEG by the file name."""
    import matplotlib.pyplot as plt
    from PIL import Image, PngImagePlugin

    drawn = io.BytesIO()
    try:
        picture.figure.savefig(drawn, format="png", dpi=DPI, facecolor="black")
    finally:
        plt.close(picture.figure)
    image = Image.open(drawn).convert("RGB")
    with atomic(path) as partial:
        if path.suffix == ".png":
            words = PngImagePlugin.PngInfo()
            for keyword, text in (("Title", picture.title), ("Description", picture.alt)):
                words.add_itxt(keyword, text, lang="en")
            image.save(partial, "png", optimize=True, pnginfo=words)
        else:
            comment = json.dumps(
                {"title": picture.title, "description": picture.alt, "group": picture.group}
            ).encode()
            image.save(
                partial, "jpeg", quality=JPEG_QUALITY, subsampling=0, optimize=True, comment=comment
            )


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
    """Draw slices (mm) of an image with a window of intensities; return a nilearn display."""
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
