"""All figures of an image. A figure that cannot be drawn does not stop the others."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ecdysis.bids.image_name import ImageName
from ecdysis.deface.surface import SPACING_MM
from ecdysis.errors import InputError
from ecdysis.figures import layers
from ecdysis.figures.drawable import Drawable, load_drawable, load_mask
from ecdysis.figures.image_viewer import write_image_viewer
from ecdysis.figures.mosaic import Canonical, load_canonical
from ecdysis.figures.nilearn_figures import crop_pictures, field_picture, surface_pictures
from ecdysis.figures.picture import Picture, load_plotting, save_picture
from ecdysis.memory import lacked_memory
from ecdysis.skullstrip.itk import read_affine

RAW_SPACING = 1.25
"""Voxel size in mm at which the field of view of the input is drawn."""


@dataclass(frozen=True)
class ImageFiles:
    """The files of one image; None for files that this run does not make."""

    image: ImageName
    raw: Path
    preproc: Path
    """The reoriented and cropped result, defaced if faces are removed."""
    mask: Path | None = None
    dseg: Path | None = None
    """Tissue labels, as `mask` and `corrected` on the grid of `preproc`."""
    corrected: Path | None = None
    """After correction of the bias field."""
    faced: Path | None = None
    """The image before its face was removed, on the grid of `preproc`."""
    automatic_mask: Path | None = None
    """The mask that `mask`, made by hand, replaces; this and the following on any grid."""
    lesion: Path | None = None
    field: Path | None = None
    """The bias field."""
    template: Path | None = None
    """The head of the template, warped to the image."""
    t1w: Path | None = None
    """The T1w to which the image was aligned."""
    from_t1w: Path | None = None
    """The transform that resamples `t1w` (ITK text)."""


def draw_figures(folder: Path, files: ImageFiles) -> dict[str, Any]:
    """Draw the figures of an image; return their number, and a warning for each that failed.

    `folder` gets ``<entities>_desc-<kind>_<suffix>.jpg`` and, as ``desc-viewer``, an HTML page with
    its data files.
    """
    load_plotting()
    folder.mkdir(parents=True, exist_ok=True)
    drawn, warnings = 0, []
    for name, draw in _Drawing(folder, files).steps():
        try:
            drawn += draw()
        except Exception as error:
            if lacked_memory(error):
                raise
            traceback.print_exc()
            warnings.append(f"the figure '{name}' failed: {type(error).__name__}: {error}")
    return {"figures": drawn, "warnings": warnings}


class _Drawing:
    """The figures of one image; each file is read when a figure first needs it."""

    def __init__(self, folder: Path, files: ImageFiles) -> None:
        self.folder, self.files, self.name = folder, files, files.image.file

    def steps(self) -> Iterator[tuple[str, Callable[[], int]]]:
        """Return each step's name in warnings, and the function that writes and counts figures."""
        mask, field, faced = self.files.mask, self.files.field, self.files.faced
        yield "input", lambda: self._save(self._head([]))
        yield "air", lambda: self._save(layers.air_layers(self.name, self._raw))
        yield "results", lambda: self._save(self._results())
        yield "crop", lambda: self._save(self._crop())
        yield "thumb", lambda: self._save([self._thumbnail()])
        if mask:
            yield "brain", lambda: self._save(self._brain(mask))
            if field:
                yield "field", lambda: self._save([self._field(mask, field)])
        if faced:
            yield "surface", lambda: self._save(self._surface(faced))
        yield "viewer", self._viewer

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

    def _results(self) -> list[Picture]:
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

    def _head(self, others: Sequence[tuple[str, str, Canonical]]) -> list[Picture]:
        return layers.head_layers(self.name, self._raw, others, self._readable_mask)

    @property
    def _readable_mask(self) -> Canonical | None:
        """The mask; None also if it cannot be read, which the figure of the brain reports."""
        try:
            return self._mask
        except InputError:
            return None

    def _thumbnail(self) -> Picture:
        return layers.thumbnail(self.name, self._preproc, self._readable_mask)

    def _brain(self, mask: Path) -> list[Picture]:
        labels, before = _loaded(self.files.dseg), _loaded(self.files.automatic_mask)
        return layers.brain_layers(
            self.name, self._preproc, load_canonical(mask), labels, before, self._aligned
        )

    def _crop(self) -> list[Picture]:
        return crop_pictures(self.name, load_drawable(self.files.raw, RAW_SPACING), self._drawn)

    def _field(self, mask: Path, field: Path) -> Picture:
        return field_picture(self.name, self._drawn, load_mask(mask), load_drawable(field))

    def _surface(self, faced: Path) -> list[Picture]:
        return surface_pictures(self.name, load_drawable(faced, SPACING_MM), self._drawn)

    def _viewer(self) -> int:
        """Write the viewer; with defacing, no layer of it has a face."""
        files, image, mask = self.files, self.files.image, self._readable_mask
        subject = image.folder.partition("/")[0]
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
            back=f"../../../{subject}.html",
            aligned=self._aligned,
            mask=mask,
            automatic=_loaded(files.automatic_mask),
            lesion=_loaded(files.lesion),
            labels=_loaded(files.dseg),
            mask_path=Path(image.mask) if mask else None,
        )
        return 1

    def _save(self, pictures: Sequence[Picture]) -> int:
        for picture in pictures:
            save_picture(picture, self.folder / self.files.image.figure(picture.kind))
        return len(pictures)


def _loaded(path: Path | None) -> Canonical | None:
    return load_canonical(path) if path else None
