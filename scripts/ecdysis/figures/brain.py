"""The figure of the bias field that skull stripping estimated."""

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to

from ecdysis.figures.drawable import Drawable, mask_place
from ecdysis.figures.picture import INK, MARGIN, Picture, draw_cuts, new_figure

FIELD_COLOURS, FIELD_OPACITY = "RdBu_r", 0.65
FIELD_PERCENTILES, LEAST_RANGE = (1.0, 99.0), 0.1
"""Percentiles of the field that define the range of colours around 1, and its minimum."""


def field_picture(name: str, preproc: Drawable, mask: Drawable, field: Drawable) -> Picture:
    """Draw the bias field inside the brain, as a multiple of its median there, with a scale."""
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
    scale = Normalize(1 - reach, 1 + reach)
    # nilearn hides values outside the range, and 0, so the extremes are clipped.
    clipped = np.where(inside, relative.clip(1 - reach, 1 + reach), 0)
    brain = nib.Nifti1Image(clipped.astype(np.float32), field.image.affine)
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
    bar.set_label("bias field / median", color=INK, size=9)
    return Picture(
        figure,
        "Bias field",
        f"The bias field of {name} by N4, inside the brain, as a multiple of its median"
        f" there: from {low:.2f} to {high:.2f} (percentiles 1 and 99). Red is too bright, blue too"
        " dark; the corrected image is divided by it.",
    )
