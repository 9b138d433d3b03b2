"""Figures drawn with nilearn and matplotlib: the crop, the bias field, the surface of the head."""

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to

from ecdysis.deface.surface import shaded_views
from ecdysis.figures.drawable import Drawable, canvas, depth, mask_place
from ecdysis.figures.picture import BOX, INK, MARGIN, Picture, draw_cuts, new_figure

FIELD_COLOURS, FIELD_OPACITY = "RdBu_r", 0.65
FIELD_PERCENTILES, LEAST_RANGE = (1.0, 99.0), 0.1
"""Percentiles of the field that define the range of colours around 1, and its minimum."""
HEAD_ABOVE = 0.12
"""Voxels brighter than this fraction of the white of figures count as head."""


def crop_pictures(name: str, raw: Drawable, preproc: Drawable) -> list[Picture]:
    """Draw the input with the box of the crop, and the result at the same position and scale."""
    empty = canvas(raw, preproc)
    low, high = preproc.window
    pictures = []
    for kind, title, item in (
        ("cropBox", "Input with the box of the crop", raw),
        ("crop", "Reoriented and cropped", preproc),
    ):
        figure = new_figure(11.0, 4.1)
        centre = preproc.head.mean(axis=0)
        display = draw_cuts(empty, preproc.window, figure, centre, (0, 0, 1, 0.94))
        display.add_overlay(item.image, cmap="gray", vmin=low, vmax=high)
        if item is raw:
            display.add_contours(depth(preproc, empty), levels=[0.0], colors=[BOX], linewidths=1.5)
        display.annotate(size=10)
        figure.text(0.01, 0.97, item.facts, color=INK, size=10, va="center")
        alt = f"{title}: {name}, {item.facts}."
        pictures.append(Picture(kind, "crop", title, alt, figure))
    return pictures


def surface_pictures(name: str, faced: Drawable, defaced: Drawable) -> list[Picture]:
    """Draw the surface of the head with its face, and without it."""
    air = HEAD_ABOVE * defaced.window[1]
    warning = " This picture shows a face: do not share it."
    pictures = []
    for kind, title, item, note in (
        ("surface", "Surface before defacing", faced, warning),
        ("surfaceDefaced", "Surface after defacing", defaced, ""),
    ):
        figure = new_figure(11.0, 3.7)
        for column, view in enumerate(shaded_views(item.image, air), start=1):
            plane = figure.add_subplot(1, 3, column)
            plane.imshow(view, cmap="gray", vmin=0, vmax=1)
            plane.set_axis_off()
        figure.subplots_adjust(0, 0, 1, 1, 0.01, 0.02)
        alt = f"{title}: the head of {name} from the front, half from the side, and from the side."
        pictures.append(Picture(kind, "surface", title, alt + note, figure))
    return pictures


def field_picture(name: str, preproc: Drawable, mask: Drawable, field: Drawable) -> Picture:
    """Draw the bias field inside the brain, as a multiple of its median there, with a scale."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    inside = np.asarray(resample_from_to(mask.image, field.image, order=1).dataobj) > 0.5
    relative = field.data / np.median(field.data[inside])
    low, high = np.percentile(relative[inside], FIELD_PERCENTILES)
    reach = max(1 - low, high - 1, LEAST_RANGE)
    figure = new_figure(11.0, 4.2)
    shown = preproc.around(preproc.head, MARGIN)
    centre = mask_place(mask).mean(axis=0)
    display = draw_cuts(shown, preproc.window, figure, centre, (0, 0, 0.92, 1))
    scale = Normalize(1 - reach, 1 + reach)
    # nilearn hides values outside the range, and 0, so the extremes are clipped.
    clipped = np.where(inside, relative.clip(1 - reach, 1 + reach), 0)
    display.add_overlay(
        nib.Nifti1Image(clipped.astype(np.float32), field.image.affine),
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
    bar.set_label("bias field / median", color=INK, size=9)
    alt = (
        f"The bias field of {name} by N4, inside the brain, as a multiple of its median"
        f" there: from {low:.2f} to {high:.2f} (percentiles 1 and 99). Red is too bright, blue too"
        " dark; the corrected image is divided by it."
    )
    return Picture("field", "", "Bias field", alt, figure)
