"""Figures of the whole head: reorientation and crop, and the surface before and after defacing."""

from ecdysis.deface.surface import shaded_views
from ecdysis.figures.drawable import Drawable, canvas, depth
from ecdysis.figures.picture import BOX, INK, Picture, draw_cuts, new_figure

HEAD_ABOVE = 0.12
"""Voxels brighter than this fraction of the white of figures count as head."""


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
        f" below, the result ({preproc.facts}) at the same position and scale.",
    )


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
        " above before defacing, below after. This picture shows a face: do not share it.",
    )
