"""A picture and its file, which holds the title and the description.

A PNG keeps them under the keywords ``Title`` and ``Description`` (PNG specification, third edition,
section 11.3.3.2), a JPEG as a comment in JSON.
"""

import gc
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
DPI = 100
QUALITY, QUALITY_OF_GROUPS = 90, {"head": 88, "brain": 88, "air": 88, "thumb": 80}
"""Of JPEG, without chroma subsampling, which would blur outlines."""


@dataclass(frozen=True)
class Picture:
    """A picture with its title and alternative text.

    `kind` is the ``desc`` of its file. Pictures of one `group` have one size; a page shows one of
    them at a time. `figure` is a figure of matplotlib, or a Pillow image.
    """

    kind: str
    group: str
    title: str
    alt: str
    figure: Any


def load_plotting() -> None:
    """Import nilearn.plotting, which takes seconds, to draw into files.

    The import creates no garbage, and collecting takes a sixth of its time, so collection is off.
    nilearn collects whenever it reads an image; the imported objects are frozen to skip them.
    """
    gc.disable()
    import matplotlib as mpl

    mpl.use("Agg")
    import nilearn.plotting  # noqa: F401

    gc.freeze()
    gc.enable()


def save_picture(picture: Picture, path: Path) -> None:
    """Write a picture with title and description, as PNG or JPEG by the file name."""
    from PIL import Image, PngImagePlugin

    image = picture.figure
    if not isinstance(image, Image.Image):
        image = _rendered(image)
    with atomic(path) as partial:
        if path.suffix == ".png":
            words = PngImagePlugin.PngInfo()
            for keyword, text in (("Title", picture.title), ("Description", picture.alt)):
                words.add_itxt(keyword, text, lang="en")
            image.save(partial, "png", optimize=True, pnginfo=words)
        else:
            comment = {"title": picture.title, "description": picture.alt, "group": picture.group}
            image.save(
                partial,
                "jpeg",
                quality=QUALITY_OF_GROUPS.get(picture.group, QUALITY),
                subsampling=0,
                optimize=True,
                comment=json.dumps(comment).encode(),
            )


def _rendered(figure: Any) -> Any:
    """Turn a figure of matplotlib into a Pillow image, and close it."""
    import matplotlib.pyplot as plt
    from PIL import Image

    drawn = io.BytesIO()
    try:
        figure.savefig(drawn, format="png", dpi=DPI, facecolor="black")
    finally:
        plt.close(figure)
    return Image.open(drawn).convert("RGB")


def new_figure(width: float, height: float) -> Any:
    """Make an empty black figure; width and height in inches."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), facecolor="black")


def draw_cuts(
    shown: Any,
    window: tuple[float, float],
    figure: Any,
    cuts: Sequence[float],
    axes: tuple[float, float, float, float],
) -> Any:
    """Draw slices at three coordinates (mm) with a window of intensities; a nilearn display.

    `axes` are left, bottom, width and height, as parts of the figure.
    """
    from nilearn.plotting import plot_anat

    return plot_anat(
        shown,
        figure=figure,
        axes=axes,
        display_mode="ortho",
        cut_coords=[float(cut) for cut in cuts],
        vmin=window[0],
        vmax=window[1],
        draw_cross=False,
        annotate=False,
        black_bg=True,
        colorbar=False,
        dim=0,
    )
