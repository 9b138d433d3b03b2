"""Figures of the brain: the mask, the tissues and the bias field that skull stripping found."""

from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to

from ecdysis.figures.drawable import Drawable, Place, mask_place
from ecdysis.figures.picture import CONTOUR, INK, MARGIN, Picture, draw_cuts, new_figure

CUTS, CUTS_WITHIN = 7, 0.84
"""Cuts of a mosaic along each axis, and the central share of the brain they are spread over."""
TISSUE_CUTS = 5
MOSAIC_WIDTH = 12.0
"""Inches."""
LABEL_ROOM = 18.0
"""Height in mm of the line with the coordinates above each row of a mosaic."""
BESIDE_MIDLINE = 8.0
"""Where the cut of a thumbnail lies, in mm: beside the falx, which says little."""
THUMB_BYTES = 5_000
GREY_EDGE, WHITE_EDGE = "#40b0ff", "#ff5a4d"
FIELD_COLOURS, FIELD_OPACITY = "RdBu_r", 0.65
FIELD_PERCENTILES, LEAST_RANGE = (1.0, 99.0), 0.1
"""The colours reach as far from 1 as these percentiles of the field, or this at the least."""


def brain_picture(name: str, preproc: Drawable, mask: Drawable) -> Picture:
    """Draw the outline of the brain mask in sagittal, coronal and axial cuts over the brain."""
    place = mask_place(mask)
    figure = _mosaic(preproc, place, [(mask.around(place, MARGIN), CONTOUR)], CUTS, 0.9)
    volume = np.count_nonzero(mask.source.stored) * float(np.prod(mask.source.zooms_mm)) / 1000
    return Picture(
        figure,
        "Brain mask",
        f"The outline of the brain mask of {name} on the result, in {CUTS} sagittal, {CUTS}"
        f" coronal and {CUTS} axial cuts spread over the brain; the mask holds {volume:.0f} mL.",
    )


def tissue_picture(
    name: str, preproc: Drawable, mask: Drawable, grey_and_white: Drawable, white: Drawable
) -> Picture:
    """Draw the outer edge of grey matter and its edge to white matter."""
    outlines = [(grey_and_white.image, GREY_EDGE), (white.image, WHITE_EDGE)]
    figure = _mosaic(preproc, mask_place(mask), outlines, TISSUE_CUTS, 0.7)
    for height, words, colour in (
        (0.03, "outer edge of grey matter", GREY_EDGE),
        (0.01, "edge between grey and white matter", WHITE_EDGE),
    ):
        figure.text(0.99, height, words, color=colour, size=9, ha="right", va="bottom")
    return Picture(
        figure,
        "Tissues",
        f"The tissues of {name} on the result, in {TISSUE_CUTS} sagittal, {TISSUE_CUTS} coronal and"
        f" {TISSUE_CUTS} axial cuts: blue is the outer edge of grey matter, beyond it lies fluid;"
        " red is the edge between grey and white matter.",
    )


def field_picture(name: str, preproc: Drawable, mask: Drawable, field: Drawable) -> Picture:
    """Draw the bias field inside the brain, as a multiple of its median there, with its scale."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    place = mask_place(mask)
    inside = np.asarray(resample_from_to(mask.image, field.image, order=1).dataobj) > 0.5
    relative = field.data / np.median(field.data[inside])
    low, high = np.percentile(relative[inside], FIELD_PERCENTILES)
    reach = max(1 - low, high - 1, LEAST_RANGE)
    figure = new_figure(11.0, 4.2)
    shown = preproc.around(preproc.head, MARGIN)
    display = draw_cuts(shown, preproc.window, figure, "ortho", place.mean(axis=0), (0, 0, 0.92, 1))
    # nilearn draws nothing where a value is within the threshold.
    brain = nib.Nifti1Image(np.where(inside, relative, 0).astype(np.float32), field.image.affine)
    scale = Normalize(1 - reach, 1 + reach)
    display.add_overlay(
        brain,
        threshold=1e-6,
        cmap=FIELD_COLOURS,
        vmin=scale.vmin,
        vmax=scale.vmax,
        transparency=FIELD_OPACITY,
    )
    display.add_contours(mask.image, levels=[0.5], colors=[INK], linewidths=0.7)
    display.annotate(size=10)
    bar = figure.colorbar(
        ScalarMappable(scale, FIELD_COLOURS), cax=figure.add_axes((0.93, 0.12, 0.015, 0.76))
    )
    bar.ax.tick_params(colors=INK, labelsize=9)
    bar.outline.set_edgecolor(INK)
    return Picture(
        figure,
        "Bias field",
        f"The bias field that N4 found in {name}, inside the brain, as a multiple of its median"
        f" there: from {low:.2f} to {high:.2f} (percentiles 1 and 99). Red is too bright, blue too"
        " dark; the corrected image is divided by it.",
    )


def thumb_picture(name: str, preproc: Drawable, mask: Drawable | None) -> Picture:
    """Draw one small sagittal cut for the table of images, with the outline of a mask if any."""
    place = preproc.head if mask is None else mask_place(mask)
    figure = new_figure(0.96, 0.96)
    cut = [float(place[:, 0].mean()) + BESIDE_MIDLINE]
    display = draw_cuts(preproc.around(place, MARGIN), preproc.window, figure, "x", cut)
    if mask is not None:
        outline = mask.around(place, MARGIN)
        display.add_contours(outline, levels=[0.5], colors=[CONTOUR], linewidths=0.8)
    return Picture(figure, "Thumbnail", f"Sagittal cut of {name}.", THUMB_BYTES)


def _mosaic(
    preproc: Drawable,
    place: Place,
    outlines: Sequence[tuple[Any, str]],
    count: int,
    line_width: float,
) -> Any:
    """Draw `count` cuts along each axis over a place, with outlines (image, colour) on them."""
    middle, reach = place.mean(axis=0), CUTS_WITHIN * (place[1] - place[0]) / 2
    cuts = np.round(np.linspace(middle - reach, middle + reach, count)).T
    shown = preproc.around(place, MARGIN)
    x, y, z = np.array(shown.shape) * preproc.zooms
    # One scale for all rows: a sagittal cut is as wide as the head is long, the others as broad.
    rows = (("x", y, z), ("y", x, z), ("z", x, y))
    widest, tall = max(x, y), sum(row[2] + LABEL_ROOM for row in rows)
    figure = new_figure(MOSAIC_WIDTH, MOSAIC_WIDTH * tall / (count * widest))
    floor = 1.0
    for (axis, wide, high), coordinates in zip(rows, cuts, strict=True):
        floor -= (high + LABEL_ROOM) / tall
        axes = ((1 - wide / widest) / 2, floor, wide / widest, high / tall)
        display = draw_cuts(shown, preproc.window, figure, axis, coordinates, axes)
        for outline, colour in outlines:
            display.add_contours(outline, levels=[0.5], colors=[colour], linewidths=line_width)
        for plane in display.axes.values():
            plane.draw_left_right(size=9, bg_color="none", color=INK)
            words, where = f"{axis} = {round(plane.coord)} mm", plane.ax.transAxes
            plane.ax.text(
                0.5, 1.01, words, transform=where, color=INK, size=8, ha="center", va="bottom"
            )
    return figure
