"""All figures of an image. A figure that cannot be drawn does not stop the others."""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ecdysis.bids.image_name import ImageName
from ecdysis.deface.surface import SPACING_MM
from ecdysis.errors import InputError
from ecdysis.figures import layers
from ecdysis.figures.brain import field_picture
from ecdysis.figures.drawable import Drawable, load_drawable, load_mask
from ecdysis.figures.image_viewer import write_image_viewer
from ecdysis.figures.layers import Layer, save_layer
from ecdysis.figures.mosaic import Canonical, load_canonical
from ecdysis.figures.picture import Picture, save_picture
from ecdysis.figures.plotting import load_plotting
from ecdysis.figures.whole_head import crop_pictures, surface_pictures
from ecdysis.memory import lacked_memory
from ecdysis.skullstrip.itk import read_affine

RAW_SPACING = 1.25
"""Voxel size in mm at which the field of view of the input is drawn."""


@dataclass(frozen=True)
class ImageFiles:
    """The files of one image; None for files that this run does not make.

    Attributes
    ----------
    image : ImageName
    raw, preproc : Path
        The input; the reoriented and cropped result, defaced if faces are removed.
    mask, dseg, corrected : Path, optional
        Brain mask, tissue labels and bias-corrected image on the grid of `preproc`.
    automatic_mask : Path, optional
        The mask that `mask`, made by hand, replaces; on any grid.
    lesion : Path, optional
        The lesion mask, on any grid.
    faced : Path, optional
        The image before its face was removed, on the grid of `preproc`.
    field : Path, optional
        The bias field, on any grid.
    template : Path, optional
        The head of the template, warped to the image, on any grid.
    t1w, from_t1w : Path, optional
        The T1w to which the image was aligned, and the transform that resamples it (ITK text).
    """

    image: ImageName
    raw: Path
    preproc: Path
    mask: Path | None = None
    dseg: Path | None = None
    corrected: Path | None = None
    faced: Path | None = None
    automatic_mask: Path | None = None
    lesion: Path | None = None
    field: Path | None = None
    template: Path | None = None
    t1w: Path | None = None
    from_t1w: Path | None = None


@dataclass(frozen=True)
class Step:
    """A figure to draw: its name in warnings, and the function that writes its files."""

    name: str
    draw: Callable[[], int]


def draw_figures(folder: Path, files: ImageFiles) -> dict[str, Any]:
    """Draw the figures of an image.

    Parameters
    ----------
    folder : Path
        Gets ``<entities>_desc-<kind>_<suffix>.jpg`` and, as ``desc-viewer``, an HTML page with
        its data files.
    files : ImageFiles

    Returns
    -------
    dict
        ``figures``, their number, and ``warnings``, one for each that could not be drawn.
    """
    load_plotting()
    folder.mkdir(parents=True, exist_ok=True)
    drawn, warnings = 0, []
    for step in _Drawing(folder, files).steps():
        try:
            drawn += step.draw()
        except Exception as error:
            if lacked_memory(error):
                raise
            traceback.print_exc()
            warnings.append(f"the figure '{step.name}' failed: {type(error).__name__}: {error}")
    return {"figures": drawn, "warnings": warnings}


class _Drawing:
    """The figures of one image; each file is read when a figure first needs it."""

    def __init__(self, folder: Path, files: ImageFiles) -> None:
        self.folder, self.files, self.name = folder, files, files.image.file

    def steps(self) -> Iterator[Step]:
        """Return the steps in order."""
        files = self.files
        yield Step("input", lambda: self._save(self._head([])))
        yield Step("air", lambda: self._save([layers.air_layer(self.name, self._raw)]))
        yield Step("results", lambda: self._save(self._results()))
        yield Step("crop", lambda: self._save_pictures(self._crop()))
        yield Step("thumb", lambda: self._save([self._thumbnail()]))
        if mask := files.mask:
            yield Step("brain", lambda: self._save(self._brain(mask)))
            if field := files.field:
                yield Step("field", lambda: self._save_pictures(self._field(mask, field)))
        if faced := files.faced:
            yield Step("surface", lambda: self._save_pictures(self._surface(faced)))
        yield Step("viewer", self._viewer)

    @cached_property
    def _raw(self) -> Canonical:
        return load_canonical(self.files.raw)

    @cached_property
    def _preproc(self) -> Canonical:
        return load_canonical(self.files.preproc)

    @cached_property
    def _mask(self) -> Canonical | None:
        return _loaded(self.files.mask)

    @cached_property
    def _drawn(self) -> Drawable:
        return load_drawable(self.files.preproc)

    @cached_property
    def _aligned(self) -> list[tuple[str, str, Canonical]]:
        """What the image is registered to, in its world: id, title and image."""
        aligned = []
        if self.files.t1w and self.files.from_t1w:
            t1w = load_canonical(self.files.t1w)
            # The transform maps points of this image to points of the T1w.
            to_t1w = read_affine(self.files.from_t1w)
            moved = Canonical(t1w.values, np.linalg.inv(to_t1w) @ t1w.affine, t1w.source)
            aligned.append(("t1w", "T1w, aligned", moved))
        if self.files.template:
            aligned.append(("template", "Template, warped", load_canonical(self.files.template)))
        return aligned

    def _results(self) -> list[Layer]:
        """Draw the results at the slices of the input."""
        others = []
        if self.files.corrected:
            corrected = load_canonical(self.files.corrected)
            others.append(("corrected", "Bias-corrected", corrected))
        if self._mask is not None:
            inside = self._mask.on(self._preproc, nearest=True) > 0
            base = layers.window_of(self._preproc.values)[0]
            only = np.where(inside, self._preproc.values, base).astype(np.float32)
            brain = Canonical(only, self._preproc.affine, self._preproc.source)
            others.append(("stripped", "Brain only", brain))
        if self.files.faced:
            others.append(("defaced", "Defaced", self._preproc))
        return self._head(others)[1:]

    def _head(self, others: Sequence[tuple[str, str, Canonical]]) -> list[Layer]:
        return layers.head_layers(self.name, self._raw, others, self._readable_mask)

    @property
    def _readable_mask(self) -> Canonical | None:
        """The mask; None also if it cannot be read, which the figure of the brain reports."""
        try:
            return self._mask
        except InputError:
            return None

    def _thumbnail(self) -> Layer:
        return layers.thumbnail(self.name, self._preproc, self._readable_mask)

    def _brain(self, mask: Path) -> list[Layer]:
        labels, before = _loaded(self.files.dseg), _loaded(self.files.automatic_mask)
        return layers.brain_layers(
            self.name, self._preproc, load_canonical(mask), labels, before, self._aligned
        )

    def _crop(self) -> dict[str, Picture]:
        raw = load_drawable(self.files.raw, RAW_SPACING)
        return crop_pictures(self.name, raw, self._drawn)

    def _field(self, mask: Path, field: Path) -> dict[str, Picture]:
        picture = field_picture(self.name, self._drawn, load_mask(mask), load_drawable(field))
        return {"field": picture}

    def _surface(self, faced: Path) -> dict[str, Picture]:
        return surface_pictures(self.name, load_drawable(faced, SPACING_MM), self._drawn)

    def _viewer(self) -> int:
        """Write the viewer; with defacing, no layer of it has a face."""
        files, image, mask = self.files, self.files.image, self._readable_mask
        shown = [("defaced", "Defaced", self._preproc)]
        if not files.faced:
            shown = [("input", "Input", self._raw)]
        if files.corrected:
            shown.append(("corrected", "Bias-corrected", load_canonical(files.corrected)))
        write_image_viewer(
            self.folder / image.figure("viewer", "html"),
            self.name,
            self._raw,
            shown,
            back=f"../../../{image.subject_name}.html",
            aligned=self._aligned,
            mask=mask,
            automatic=_loaded(files.automatic_mask),
            lesion=_loaded(files.lesion),
            labels=_loaded(files.dseg),
            mask_path=Path(image.mask) if mask else None,
        )
        return 1

    def _save(self, drawn: Sequence[Layer | None]) -> int:
        pictures = [layer for layer in drawn if layer is not None]
        for layer in pictures:
            save_layer(layer, self.folder / self.files.image.figure(layer.kind))
        return len(pictures)

    def _save_pictures(self, pictures: Mapping[str, Picture]) -> int:
        for kind, picture in pictures.items():
            save_picture(picture, self.folder / self.files.image.figure(kind))
        return len(pictures)


def _loaded(path: Path | None) -> Canonical | None:
    return load_canonical(path) if path else None
