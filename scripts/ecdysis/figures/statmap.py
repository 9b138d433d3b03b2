"""Draw a statistical map, or another image, with nilearn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from nibabel.processing import resample_from_to

from ecdysis.figures.drawable import Drawable
from ecdysis.figures.layers import window_of
from ecdysis.figures.map_reading import Shown
from ecdysis.figures.picture import INK, Picture, new_figure
from ecdysis.figures.viewer import ViewerGrid, image_layer, map_layer, write_viewer

GLASS = "lyrz"
"""Views of a glass brain: from the left, the front, the right and above."""
Z_SLICES = 8


def cuts_picture(shown: Shown) -> Picture:
    """Draw a map in three planes, and in a row of axial slices, over its background."""
    from nilearn.plotting import find_cut_slices, plot_stat_map

    figure = new_figure(11.0, 6.4)
    common: dict[str, Any] = {"figure": figure, "threshold": shown.threshold, "black_bg": True}
    if shown.background is not None:
        common["bg_img"] = shown.background or None
    display = plot_stat_map(
        shown.image,
        display_mode="ortho",
        axes=(0, 0.36, 1, 0.64),
        cut_coords=None if shown.cut_coords is None else tuple(shown.cut_coords),
        colorbar=True,
        **common,
    )
    x, y, z = (display.axes[axis].coord for axis in "xyz")
    bar = getattr(display, "_cbar", None)
    if bar is not None:
        bar.set_label(shown.values, color=INK)
    cuts = find_cut_slices(shown.image, direction="z", n_cuts=Z_SLICES)
    plot_stat_map(
        shown.image,
        display_mode="z",
        axes=(0, 0, 1, 0.34),
        cut_coords=sorted({float(cut) for cut in cuts}),
        colorbar=False,
        **common,
    )
    alt = (
        f"The map {shown.title} on {shown.behind}, in the planes x = {x:.0f}, y = {y:.0f} and"
        f" z = {z:.0f} mm, and in a row of axial slices. {shown.words}"
    )
    return Picture("cuts", "", shown.title, alt, figure)


def glass_picture(shown: Shown) -> Picture:
    """Draw a map in a glass brain, with the strongest value along each line of sight."""
    from nilearn.plotting import plot_glass_brain

    figure = new_figure(11.0, 3.6)
    plot_glass_brain(
        shown.image,
        figure=figure,
        display_mode=GLASS,
        colorbar=True,
        plot_abs=False,
        black_bg=True,
        threshold=shown.threshold,
    )
    alt = (
        f"The map {shown.title} through a glass brain, from the left, the front, the right and"
        f" above. {shown.words}"
    )
    return Picture("glass", "", f"{shown.title}, glass brain", alt, figure)


def write_map_viewer(page: Path, shown: Shown) -> None:
    """Write the interactive viewer of a map; the pages of a folder share their background."""
    from nilearn.datasets import load_mni152_template

    values = nib.as_closest_canonical(shown.image)
    sizes = np.abs(np.asarray(values.dataobj))
    peak = apply_affine(values.affine, np.unravel_index(int(sizes.argmax()), sizes.shape))
    layers, canonical = [], values
    if shown.background is not False:
        name = "template" if shown.background is None else "anatomy"
        canonical = nib.as_closest_canonical(shown.background or load_mni152_template(resolution=2))
        exact = shown.values in ("mask", "label")
        values = resample_from_to(values, canonical, order=0 if exact else 1)
        grey = np.asarray(canonical.dataobj, np.float32)
        file = f"{name}_viewer.js"
        window = window_of(grey)
        layers.append(image_layer(name, name.capitalize(), grey, window, shown=True, file=file))
    layers.append(map_layer("map", shown.title, np.asarray(values.dataobj), shown.threshold))
    place = peak if shown.cut_coords is None else shown.cut_coords
    grid = ViewerGrid(canonical.shape, canonical.affine, place)
    note = f"On {shown.behind}. {shown.words}"
    write_viewer(page, shown.title, grid, layers, back="../../index.html", note=note)


def anat_picture(shown: Drawable, title: str, cut_coords: Sequence[float] | None = None) -> Picture:
    """Draw an image as it is, in three planes; by default through its middle."""
    from nilearn.plotting import plot_anat

    figure = new_figure(11.0, 4.4)
    display = plot_anat(
        shown.image,
        figure=figure,
        display_mode="ortho",
        black_bg=True,
        cut_coords=None if cut_coords is None else tuple(cut_coords),
        vmin=shown.window[0],
        vmax=shown.window[1],
    )
    x, y, z = (display.axes[axis].coord for axis in "xyz")
    alt = (
        f"The image {title}, {shown.facts}, in the planes x = {x:.0f}, y = {y:.0f} and"
        f" z = {z:.0f} mm."
    )
    return Picture("cuts", "", title, alt, figure)
