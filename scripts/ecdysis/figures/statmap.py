"""A statistical map, or another image, as nilearn shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes

from ecdysis.errors import InputError
from ecdysis.figures.drawable import Drawable
from ecdysis.figures.picture import Picture, new_figure
from ecdysis.figures.viewer import page
from ecdysis.image.nifti import mm_per_unit
from ecdysis.image.volume import read

STRONGEST = 80.0
"""Percentile of the absolute values that are not 0, from which they are shown by default."""
TEMPLATE = "the MNI152 template"
GLASS = "lyrz"
"""Views of a glass brain: from the left, the front, the right and above."""


@dataclass(frozen=True)
class Shown:
    """A map with how it is shown.

    Attributes
    ----------
    image : nibabel.Nifti1Image
        float32, 3-D, 0 where the file holds no number.
    title : str
    threshold : float
        Values nearer to 0 are left out.
    background : nibabel.Nifti1Image or None
        The anatomy beneath it; None for the MNI152 template of nilearn.
    cut_coords : three floats or None
        mm; None for the place where the map is strongest.
    """

    image: Any
    title: str
    threshold: float
    background: Any = None
    cut_coords: Sequence[float] | None = None

    @property
    def words(self) -> str:
        """What is shown, as a sentence goes on."""
        values = np.asarray(self.image.dataobj)
        part = 100 * np.count_nonzero(np.abs(values) >= self.threshold) / values.size
        return (
            f"Its values reach from {values.min():.3g} to {values.max():.3g}; those of at least"
            f" {self.threshold:.3g} in size are shown, {part:.2g} % of the voxels."
        )

    @property
    def behind(self) -> str:
        """The anatomy beneath the map, in words."""
        return TEMPLATE if self.background is None else "the subject's own head"


def load_map(path: str | Path) -> Any:
    """Read a statistical map.

    Returns
    -------
    nibabel.Nifti1Image
        float32, 3-D, affine in mm; 0 where the file holds no number.

    Raises
    ------
    InputError
        The file is damaged, holds more than one volume, or shows nothing.
    """
    volume = read(path)
    shape = volume.stored.shape
    if len(shape) < 3 or np.prod(shape[3:], dtype=int) != 1:
        size = " × ".join(map(str, shape))
        raise InputError(
            path, f"its shape is {size}: expected one volume", "Write each map to its own file"
        )
    slope, inter = volume.scaling
    values = volume.stored.reshape(shape[:3], order="F").astype(np.float32) * slope + inter
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0).astype(np.float32)
    if not values.any():
        raise InputError(path, "no voxel differs from 0", "Make the map again")
    scale = mm_per_unit(volume.header)
    affine = np.diag([scale, scale, scale, 1.0]) @ volume.affine
    if not (np.isfinite(affine).all() and voxel_sizes(affine).all()):
        raise InputError(path, "its affine is singular", "Make the map again")
    return nib.Nifti1Image(values, affine)


def usual_threshold(image: Any) -> float:
    """Return the value from which the strongest fifth of the voxels that are not 0 is shown."""
    sizes = np.abs(np.asarray(image.dataobj))
    return float(np.percentile(sizes[sizes > 0], STRONGEST))


def cuts_picture(shown: Shown) -> Picture:
    """Draw a map in three planes over its background."""
    from nilearn.plotting import plot_stat_map

    figure = new_figure(11.0, 4.4)
    display = plot_stat_map(
        shown.image, figure=figure, display_mode="ortho", black_bg=True, **_common(shown)
    )
    x, y, z = (display.axes[axis].coord for axis in "xyz")
    return Picture(
        figure,
        shown.title,
        f"The map {shown.title} on {shown.behind}, in the planes x = {x:.0f}, y = {y:.0f} and"
        f" z = {z:.0f} mm. {shown.words}",
    )


def glass_picture(shown: Shown) -> Picture:
    """Draw a map as seen through a glass brain, the strongest value along each line of sight."""
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


def map_page(shown: Shown) -> str:
    """Make the interactive page of a map; HTML."""
    from nilearn.plotting import view_img

    view = view_img(shown.image, black_bg=True, **_common(shown))
    note = f"On {shown.behind}. {shown.words}"
    return page(view, shown.title, "statistical map", note)


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
    """Give what nilearn's plots of a map over a background have in common."""
    over = {} if shown.background is None else {"bg_img": shown.background}
    coordinates = None if shown.cut_coords is None else tuple(shown.cut_coords)
    return {"threshold": shown.threshold, "cut_coords": coordinates, "colorbar": True, **over}
