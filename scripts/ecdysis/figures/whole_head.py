"""Figures of the whole head: what came in, what was cut, before and after, without its face."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from ecdysis.deface.surface import shaded_views
from ecdysis.figures.drawable import Drawable, canvas, depth
from ecdysis.figures.picture import BOX, INK, MARGIN, Picture, draw_cuts, draw_head, new_figure
from ecdysis.image.components import largest_component
from ecdysis.image.volume import Volume

HEAD_ABOVE = 0.12
"""What is brighter than this part of the upper grey value of figures is drawn as head."""
AIR_SPACING, AIR_MARGIN = 3.0, 6.0
"""Air is what lies so many mm off the head, looked at in steps of so many mm."""
AIR_WHITE = 99.5
"""Percentile of the air that is drawn white where the air is looked at."""
SLIDER_QUALITIES = ((100, 64), (100, 32), (100, 16))
"""Before and after keep one size, so that they cover each other."""


def input_picture(name: str, raw: Drawable) -> Picture:
    """Draw the image as it came in: the head, and the whole field with the air made visible.

    Noise, ghosts, wrap-around and spikes stand in the air first (Mortamet et al. 2009,
    doi:10.1002/mrm.21992), where the grey scale of the head leaves everything black.
    """
    white = air_white(raw.source, HEAD_ABOVE * raw.window[1])
    seen = f"The input image of {name} ({raw.facts}) in a sagittal, a coronal and an axial plane"
    seen += " through the middle of the head."
    if white is None:
        figure = new_figure(11.0, 4.2)
        draw_head(raw, figure)
        return Picture(
            figure, "Input", f"{seen} Its air holds a single value, so it shows nothing."
        )
    figure = new_figure(11.0, 8.2)
    draw_head(raw, figure, (0, 0.5, 1, 0.47))
    middle = raw.head.mean(axis=0)
    display = draw_cuts(raw.image, (0.0, white), figure, "ortho", middle, (0, 0, 1, 0.46))
    display.annotate(size=10)
    share = 100 * white / raw.window[1]
    scale = f"white is {white:.3g}, {share:.2g} % of the white above"
    for height, words in ((0.98, "head"), (0.48, f"air, the whole field of view: {scale}")):
        figure.text(0.01, height, words, color=INK, size=10, va="center")
    return Picture(
        figure,
        "Input",
        f"{seen} Below, the same cuts of the whole field of view with the grey scale stretched to"
        f" the air, for noise, ghosts, wrap-around and spikes: {scale}; what is brighter is white.",
    )


def air_white(source: Volume, head_above: float) -> float | None:
    """Find the intensity that makes the air visible, `AIR_WHITE` of it; None when it is uniform.

    Parameters
    ----------
    source : Volume
    head_above : float
        Intensity above which the largest piece is the head.
    """
    step = tuple(slice(None, None, max(1, round(AIR_SPACING / zoom))) for zoom in source.zooms_mm)
    slope, inter = source.scaling
    values = np.nan_to_num(source.stored[step].astype(np.float32)) * slope + inter
    head = largest_component(values > head_above)
    near = ndimage.binary_dilation(
        ndimage.binary_fill_holes(head), iterations=round(AIR_MARGIN / AIR_SPACING)
    )
    air = values[~near]
    if not air.size:
        return None
    white = float(np.percentile(air, AIR_WHITE))
    return white if white > max(0.0, float(air.min())) else None


def crop_picture(name: str, raw: Drawable, preproc: Drawable) -> Picture:
    """Draw before and after: the box of the crop on the input, and the result at the same scale."""
    figure = new_figure(11.0, 8.2)
    empty = canvas(raw, preproc)
    low, high = preproc.window
    for floor, words, item in ((0.5, "before", raw), (0.0, "after", preproc)):
        display = draw_cuts(
            empty,
            preproc.window,
            figure,
            "ortho",
            preproc.head.mean(axis=0),
            (0, floor, 1, 0.47),
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


def before_picture(name: str, preproc: Drawable) -> Picture:
    """Draw the result with its skull, the lower layer of a slider."""
    figure = new_figure(11.0, 4.2)
    draw_head(preproc, figure)
    alt = f"{name} before skull stripping, in three planes through the middle of the head."
    return Picture(figure, "Before skull stripping", alt, qualities=SLIDER_QUALITIES)


def after_picture(name: str, preproc: Drawable, mask: Drawable) -> Picture:
    """Draw the brain alone at the pixels of `before_picture`, the upper layer of a slider."""
    figure = new_figure(11.0, 4.2)
    shown = preproc.around(preproc.head, MARGIN)
    brain = np.where(mask.on(shown) > 0.5, np.asarray(shown.dataobj), 0)
    draw_head(preproc, figure, values=nib.Nifti1Image(brain.astype(np.float32), shown.affine))
    alt = f"{name} after skull stripping: the same planes, the brain alone."
    return Picture(figure, "After skull stripping", alt, qualities=SLIDER_QUALITIES)


def surface_picture(name: str, faced: Drawable, defaced: Drawable) -> Picture:
    """Draw the surface of the head with its face, above, and without it, below."""
    figure = new_figure(11.0, 7.0)
    air = HEAD_ABOVE * defaced.window[1]
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
