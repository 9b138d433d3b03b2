"""Figures of the whole head, before and after: reorientation with crop, and defacing."""

from ecdysis.deface.surface import shaded_views
from ecdysis.figures.drawable import Drawable, canvas, depth
from ecdysis.figures.picture import BOX, INK, Picture, draw_cuts, new_figure

HEAD_ABOVE = 0.12
"""Voxels brighter than this fraction of the white of figures count as head."""


def crop_pictures(name: str, raw: Drawable, preproc: Drawable) -> dict[str, Picture]:
    """Draw the input with the box of the crop, and the result at the same position and scale.

    Returns
    -------
    dict
        Pictures of one size by their kind.
    """
    empty = canvas(raw, preproc)
    low, high = preproc.window
    pictures = {}
    for kind, title, item in (
        ("cropBox", "Input with the box of the crop", raw),
        ("crop", "Reoriented and cropped", preproc),
    ):
        figure = new_figure(11.0, 4.1)
        display = draw_cuts(
            empty, preproc.window, figure, "ortho", preproc.head.mean(axis=0), (0, 0, 1, 0.94)
        )
        display.add_overlay(item.image, cmap="gray", vmin=low, vmax=high)
        if item is raw:
            display.add_contours(depth(preproc, empty), levels=[0.0], colors=[BOX], linewidths=1.5)
        display.annotate(size=10)
        figure.text(0.01, 0.97, item.facts, color=INK, size=10, va="center")
        alt = f"{title}: {name}, {item.facts}."
        pictures[kind] = Picture(figure, title, alt, "crop")
    return pictures


def surface_pictures(name: str, faced: Drawable, defaced: Drawable) -> dict[str, Picture]:
    """Draw the surface of the head with its face, and without it.

    Returns
    -------
    dict
        Pictures of one size by their kind.
    """
    air = HEAD_ABOVE * defaced.window[1]
    warning = " This picture shows a face: do not share it."
    pictures = {}
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
        pictures[kind] = Picture(figure, title, alt + note, "surface")
    return pictures
