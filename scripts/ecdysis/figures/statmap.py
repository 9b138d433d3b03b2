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
    common = _common(shown)
    display = plot_stat_map(
        shown.image, figure=figure, display_mode="ortho", black_bg=True, axes=(0, 0.36, 1, 0.64),
        **common,
    )  # fmt: skip
    x, y, z = (display.axes[axis].coord for axis in "xyz")
    bar = getattr(display, "_cbar", None)
    if bar is not None:
        bar.set_label(shown.values, color=INK)
    cuts = find_cut_slices(shown.image, direction="z", n_cuts=Z_SLICES)
    plot_stat_map(
        shown.image, figure=figure, display_mode="z", black_bg=True, axes=(0, 0, 1, 0.34),
        **(common | {"cut_coords": sorted({float(cut) for cut in cuts}), "colorbar": False}),
    )  # fmt: skip
    return Picture(
        figure,
        shown.title,
        f"The map {shown.title} on {shown.behind}, in the planes x = {x:.0f}, y = {y:.0f} and"
        f" z = {z:.0f} mm, and in a row of axial slices. {shown.words}",
    )


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
    return Picture(
        figure,
        f"{shown.title}, glass brain",
        f"The map {shown.title} through a glass brain, from the left, the front, the right and"
        f" above. {shown.words}",
    )


def write_map_viewer(page: Path, shown: Shown) -> None:
    """Write the interactive viewer of a map; the pages of a folder share their background."""
    values = nib.as_closest_canonical(shown.image)
    sizes = np.abs(np.asarray(values.dataobj))
    peak = apply_affine(values.affine, np.unravel_index(int(sizes.argmax()), sizes.shape))
    layers, canonical = [], values
    anatomy = _background_image(shown)
    if anatomy is not None:
        canonical = nib.as_closest_canonical(anatomy)
        exact = shown.values in ("mask", "label")
        values = resample_from_to(values, canonical, order=0 if exact else 1)
        grey = np.asarray(canonical.dataobj, np.float32)
        name = "template" if shown.background is None else "anatomy"
        layers.append(
            image_layer(name, name.capitalize(), grey, window_of(grey), shown=True,
                        file=f"{name}_viewer.js")
        )  # fmt: skip
    layers.append(map_layer("map", shown.title, np.asarray(values.dataobj), shown.threshold))
    place = peak if shown.cut_coords is None else shown.cut_coords
    grid = ViewerGrid(canonical.shape, canonical.affine, place)
    note = f"On {shown.behind}. {shown.words}"
    write_viewer(page, shown.title, grid, layers, back="../../index.html", note=note)


def _background_image(shown: Shown) -> nib.Nifti1Image | None:
    """Return the anatomy under a map, None for none."""
    if shown.background is False:
        return None
    if shown.background is not None:
        return shown.background
    from nilearn.datasets import load_mni152_template

    return load_mni152_template(resolution=2)


def anat_picture(shown: Drawable, title: str, cut_coords: Sequence[float] | None = None) -> Picture:
    """Draw an image as it is, in three planes; by default through its middle."""
    from nilearn.plotting import plot_anat

    figure = new_figure(11.0, 4.4)
    coordinates = None if cut_coords is None else tuple(cut_coords)
    display = plot_anat(
        shown.image, figure=figure, display_mode="ortho", black_bg=True, cut_coords=coordinates,
        vmin=shown.window[0], vmax=shown.window[1],
    )  # fmt: skip
    x, y, z = (display.axes[axis].coord for axis in "xyz")
    return Picture(
        figure,
        title,
        f"The image {title}, {shown.facts}, in the planes x = {x:.0f}, y = {y:.0f} and"
        f" z = {z:.0f} mm.",
    )


def _common(shown: Shown) -> dict[str, Any]:
    """Return the common arguments of nilearn's plots of a map over a background."""
    anatomy = None if shown.background is False else shown.background
    over = {} if shown.background is None else {"bg_img": anatomy}
    coordinates = None if shown.cut_coords is None else tuple(shown.cut_coords)
    return {"threshold": shown.threshold, "cut_coords": coordinates, "colorbar": True, **over}
