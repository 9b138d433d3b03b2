"""An interactive viewer in one file: nilearn's `view_img`, with layers that can be turned off.

The page contains its images and scripts, and its Content Security Policy (W3C CSP Level 3) forbids
loading anything, so it works offline and sends nothing.
"""

import hashlib
import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import jinja2
import nibabel as nib
import numpy as np
from markupsafe import Markup

from ecdysis.figures.drawable import Drawable, mask_place
from ecdysis.figures.picture import CONTOUR, MARGIN
from ecdysis.files import atomic
from ecdysis.image.resampling import resample

SPACING = 1.5
"""Voxel size in mm: a head at 1.5 mm makes a page of 2 to 3 MB, at 1 mm one of 7."""
OPACITY = 0.4
BLACK = 0.02
"""Part of the white of figures below which a voxel is drawn black, which makes the page small."""
REPORT = Path(__file__).parents[3] / "report"
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def brain_viewer(name: str, preproc: Drawable, mask: Drawable | None) -> str:
    """Make the page of a head with its brain mask, if any, as a layer.

    Parameters
    ----------
    name : str
        Name of the image, for the title.
    preproc, mask : Drawable

    Returns
    -------
    str
        HTML.
    """
    from matplotlib.colors import ListedColormap
    from nilearn.plotting import view_img

    shown = preproc.around(preproc.head, MARGIN)
    low, high = preproc.window
    grey = np.clip((_coarse(np.asarray(shown.dataobj), preproc) - low) / (high - low), 0, 1)
    grey[grey < BLACK] = 0
    spacing = np.maximum(preproc.zooms, SPACING)
    affine = nib.affines.from_matvec(np.diag(spacing), _corner(shown, grey.shape, spacing))
    brain = np.zeros_like(grey) if mask is None else _coarse(mask.on(shown), preproc)
    place = preproc.head if mask is None else mask_place(mask)
    view = view_img(
        nib.Nifti1Image((brain > 0.5).astype(np.float32), affine),
        bg_img=nib.Nifti1Image(grey, affine),
        cut_coords=[float(middle) for middle in place.mean(axis=0)],
        threshold=0.5,
        cmap=ListedColormap([CONTOUR, CONTOUR]),
        symmetric_cmap=False,
        vmin=0,
        vmax=1,
        colorbar=False,
        opacity=OPACITY,
        resampling_interpolation="nearest",
        black_bg=True,
        dim=0,
    )
    return page(view, name, "" if mask is None else "brain mask")


def page(view: Any, title: str, layer: str, note: str = "") -> str:
    """Make a page of a nilearn view with title, security policy, sliders and a layer switch.

    Parameters
    ----------
    view : nilearn.plotting.html_stat_map.StatMapView
        Without a title, because nilearn does not escape it.
    title, note : str
        Any text; it is escaped.
    layer : str
        Name of the overlay; empty without an overlay to switch.

    Raises
    ------
    RuntimeError
        The view is not built as expected.
    """
    _, found, rest = view.get_standalone().partition("<body>")
    body, ended, _ = rest.rpartition("</body>")
    scripts = SCRIPT.findall(body)
    if not (found and ended and scripts):
        raise RuntimeError("nilearn's viewer is not built as expected")
    style, script = ((REPORT / f"viewer.{kind}").read_text("utf-8") for kind in ("css", "js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_source_hash(style)};"
        f" script-src {' '.join(map(_source_hash, [*scripts, script]))};"
        " base-uri 'none'; form-action 'none'"
    )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(REPORT),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("viewer.html.j2").render(
        title=title,
        note=note,
        layer=layer,
        policy=policy,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        view=Markup(body),  # noqa: S704 - nilearn's, without any text of ours
    )


def save_page(text: str, path: str | Path) -> None:
    """Write a page, atomically."""
    with atomic(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _coarse(values: Any, drawable: Drawable) -> Any:
    """Resample values of a drawable to the voxels of the viewer."""
    spacing = np.maximum(drawable.zooms, SPACING)
    shape = np.ceil(np.array(values.shape) * drawable.zooms / spacing).astype(int)
    return resample(values, drawable.zooms.tolist(), shape.tolist(), spacing.tolist())


def _corner(shown: Any, shape: Any, spacing: Any) -> Any:
    """Return the centre of the first voxel of a grid with the same middle, mm."""
    middle = nib.affines.apply_affine(shown.affine, (np.array(shown.shape) - 1) / 2)
    return middle - spacing * (np.array(shape) - 1) / 2


def _source_hash(content: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
