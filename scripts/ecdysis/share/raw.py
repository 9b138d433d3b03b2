"""The raw files of one subject in the folder to publish: defaced, copied, or left out.

The study itself is never written to.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ecdysis.bids.discovery import SAFE_PATH
from ecdysis.bids.image_name import ImageName
from ecdysis.deface.face import region_to_remove, without
from ecdysis.errors import InputError
from ecdysis.files import atomic, read_json, read_tsv, tsv_text, write_json, write_text
from ecdysis.image.arrays import Mask
from ecdysis.image.geometry import corner_distance, zooms_of
from ecdysis.image.gzip_files import BROKEN_GZIP, reader, writing
from ecdysis.image.nifti import read_header, voxel_offset
from ecdysis.image.sidecar import sidecar_of
from ecdysis.image.volume import Volume, read_anatomical, with_values, without_texts, write
from ecdysis.share.tables import OF_EVENTS, public_columns, public_sidecar
from ecdysis.version import __version__

IMAGES = (".nii.gz", ".nii")
AS_THEY_ARE = ("func", "dwi", "perf", "fmap")
"""Folders whose images are too coarse to show a face, unless their voxels are fine."""
COARSE_MM = 1.2
"""Images whose voxels have at least this mean edge are coarse; own choice, above the usual edge in
anatomical images and below that in functional and diffusion images."""
METHOD = {
    "CodeValue": "113102",
    "CodingSchemeDesignator": "DCM",
    "CodeMeaning": "Clean Recognizable Visual Features Option",
}
"""The code of defacing (DICOM PS3.16, context group 7050)."""
NO_MASK_NAME = ("echo", "inv", "flip", "mt", "part")
"""Entities that the name of a deface mask cannot have (BIDS, anatomical images)."""
TABLES = ("_events.tsv", "_aslcontext.tsv")
NUMBERS = (".bval", ".bvec")


@dataclass(frozen=True)
class Defaced:
    """An image that the workflow defaced, with the data to deface its raw file."""

    name: ImageName
    path: Path
    """The raw image."""
    mask: Path
    """The final brain mask, on the cropped grid."""
    affines: tuple[Path, ...]
    """ITK transforms of points from the template to the image, in this order."""


@dataclass
class Shared:
    """The files that are shared, those that are left out with the reason, and notes.

    Paths are relative to the dataset. `faces` has the finding of the scanner for each image of a
    head, empty for no face.
    """

    files: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    removed_fields: Counter[str] = field(default_factory=Counter)
    faces: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Shared") -> None:
        """Add the files of another subject."""
        self.files += other.files
        self.left_out += other.left_out
        self.faces |= other.faces
        self.removed_fields.update(other.removed_fields)

    def count(self, names: Iterable[str]) -> None:
        """Count fields that were left out."""
        self.removed_fields.update(names)


@dataclass
class RawSubject:
    """Makes the published raw files of one subject.

    `subject` is its label, `folder` the folder to publish, `template_mask` the brain mask of the
    template. Files for whose names `found_in` returns identifying parts are left out.
    """

    subject: str
    bids_dir: Path
    folder: Path
    images: Sequence[Defaced]
    template_mask: Path
    found_in: Callable[[str], Iterable[str]]
    shared: Shared = field(default_factory=Shared)
    _regions: list[tuple[str, Volume, Mask]] = field(default_factory=list)

    def write(self) -> Shared:
        """Write all files of the subject that can be shared; return them, and those left out."""
        reasons = ((path, reason) for path in self._every for reason in self.found_in(path))
        self.shared.left_out += [(path, f"{reason} in its name") for path, reason in reasons]
        paths = sorted(self._images())
        # Other images of the session need the regions of the defaced images.
        for path in sorted(paths, key=lambda path: (path not in self._defaced, path)):
            try:
                reason = self._write_image(path)
            except (InputError, *BROKEN_GZIP, ValueError) as error:
                reason = f"it cannot be read ({type(error).__name__})"
            if reason:
                self.shared.left_out.append((path, reason))
                (self.folder / path).unlink(missing_ok=True)
            else:
                self.shared.files.append(path)
        for path in list(self.shared.files):
            self._write_sidecar(path)
            self._write_companions(path)
        self._write_scans()
        self._name_others(paths)
        return self.shared

    @cached_property
    def _defaced(self) -> dict[str, Defaced]:
        return {image.path.relative_to(self.bids_dir).as_posix(): image for image in self.images}

    @cached_property
    def _every(self) -> list[str]:
        root = self.bids_dir / f"sub-{self.subject}"
        files = (path for path in root.rglob("*") if not path.is_dir())
        return sorted(path.relative_to(self.bids_dir).as_posix() for path in files)

    @cached_property
    def _all(self) -> list[str]:
        """The files whose names do not identify."""
        return [path for path in self._every if not any(self.found_in(path))]

    def _images(self) -> Iterator[str]:
        for path in self._all:
            folder = path.split("/")[-2]
            as_anat = path.replace(f"/{folder}/", "/anat/")
            if path.endswith(IMAGES) and SAFE_PATH.fullmatch(as_anat):
                yield path

    def _write_image(self, path: str) -> str | None:
        """Write one image; return why it is left out, or None."""
        folder, target = path.split("/")[-2], self.folder / path
        if image := self._defaced.get(path):
            volume = read_anatomical(image.path).volume
            brain = on_grid(image.mask, volume)
            region = region_to_remove(volume, brain, self.template_mask, image.affines)
            self._regions.append((path, volume, region))
            self._write_defaced(path, volume, region)
            return None
        if folder == "anat":
            return self._write_like_another(path)
        if folder not in AS_THEY_ARE:
            return f"files of the kind {folder} are not checked, so they are not shared"
        edge = mean_edge_mm(self.bids_dir / path)
        if edge < COARSE_MM:
            return f"its voxels ({edge:.2f} mm) are fine enough to show a face"
        copy_image(self.bids_dir / path, target)
        return None

    def _write_like_another(self, path: str) -> str | None:
        """Deface an image by the region of an image of its session that has the same grid."""
        if "_part-" in path and "_part-mag" not in path:
            return "a face in a phase image cannot be looked for"
        volume = read_anatomical(self.bids_dir / path).volume
        for other, model, region in self._regions:
            same = model.stored.shape == volume.stored.shape and (
                corner_distance(model.affine, volume.affine, region.shape)
                < 0.1 * zooms_of(volume.affine).min()
            )
            if same and other.rpartition("/")[0] == path.rpartition("/")[0]:
                self._write_defaced(path, volume, region)
                return None
        return "it may show the face, and the workflow did not deface it"

    def _write_defaced(self, path: str, volume: Volume, region: Mask) -> None:
        """Write a defaced image and, if BIDS has a name for it, the mask of the removed voxels."""
        write(without(volume, region), self.folder / path)
        stem, _, suffix = path.removesuffix(".gz").removesuffix(".nii").rpartition("_")
        entities = {part.partition("-")[0] for part in stem.rpartition("/")[2].split("_")}
        if not entities & set(NO_MASK_NAME):
            mask = f"{stem}_mod-{suffix}_defacemask.nii.gz"
            write(with_values(volume, region.astype(np.uint8)), self.folder / mask)
            self.shared.files.append(mask)

    def _write_sidecar(self, path: str) -> None:
        """Write the published fields of a sidecar; for a defaced image, also the method."""
        source, target = (sidecar_of(root / path) for root in (self.bids_dir, self.folder))
        content: dict[str, Any] = {}
        if source.is_file():
            try:
                content, removed = public_sidecar(read_json(source), self.shared.files)
                self.shared.count(removed)
            except (ValueError, AttributeError, RecursionError):
                self.shared.left_out.append((_json(path), "it is not a JSON object"))
        if "/anat/" in path and not path.endswith("_defacemask.nii.gz"):
            for key, entry in (
                ("DeidentificationMethod", f"Face and ears removed by Ecdysis {__version__}"),
                ("DeidentificationMethodCodeSequence", METHOD),
            ):
                content[key] = [*(content.get(key) or []), entry]
        if content:
            write_json(target, content)

    def _write_companions(self, path: str) -> None:
        """Write gradient tables and tables of events beside an image."""
        stem = path.removesuffix(".gz").removesuffix(".nii")
        for ending in NUMBERS:
            if (source := self.bids_dir / f"{stem}{ending}").is_file():
                self._copy_numbers(source)
        base = stem.rpartition("_")[0]
        for ending in TABLES:
            if (source := self.bids_dir / f"{base}{ending}").is_file():
                self._write_events(source)

    def _copy_numbers(self, source: Path) -> None:
        name = source.relative_to(self.bids_dir).as_posix()
        try:
            text = source.read_text(encoding="ascii")
            [float(word) for word in text.split()]
        except ValueError:
            self.shared.left_out.append((name, "it holds more than numbers"))
            return
        write_text(self.folder / name, text)
        self.shared.files.append(name)

    def _write_events(self, source: Path) -> None:
        name = source.relative_to(self.bids_dir).as_posix()
        if name in self.shared.files:
            return
        content = read_tsv(source, name)
        kept, removed = public_columns(content.columns, content.rows, OF_EVENTS)
        self.shared.count(f"{column} (column of events)" for column in removed)
        needed = {"volume_type"} if name.endswith("_aslcontext.tsv") else {"onset", "duration"}
        if not needed <= set(kept):
            self.shared.left_out.append((name, "its columns are not those of BIDS"))
            return
        write_text(self.folder / name, tsv_text(kept, content.rows))
        self.shared.files.append(name)

    def _write_scans(self) -> None:
        """Write tables of scans with the shared files only, and without times."""
        for name in [path for path in self._all if path.endswith("_scans.tsv")]:
            folder = name.rpartition("/")[0]
            inside = [path for path in self.shared.files if path.startswith(f"{folder}/")]
            listed = [
                {"filename": path.removeprefix(f"{folder}/")}
                for path in inside
                if path.endswith(IMAGES) and not path.endswith("_defacemask.nii.gz")
            ]
            if listed:
                write_text(self.folder / name, tsv_text(["filename"], listed))
                self.shared.files.append(name)
                self.shared.count(["acq_time and others (columns of scans)"])

    def _name_others(self, images: Sequence[str]) -> None:
        """Record the files that were not checked; a name that is not BIDS may identify."""
        sidecars = {_json(path) for path in images}
        known = {*images, *sidecars, *self.shared.files, *(n for n, _ in self.shared.left_out)}
        for path in self._all:
            if path not in known:
                folder = path.split("/")[0]
                name = path if _is_bids(path) else f"{folder}/ (a file whose name is not BIDS)"
                self.shared.left_out.append((name, "files of this kind are not checked"))


def on_grid(mask: Path, volume: Volume) -> Mask:
    """Return a mask of the cropped image on the grid of the raw image.

    Reorientation and cropping move whole voxels, so the voxels of both grids coincide.

    Raises
    ------
    InputError
        The grids do not coincide, or a voxel of the mask is outside the image.
    """
    cropped = nib.load(mask)
    voxels = np.argwhere(np.asanyarray(cropped.dataobj) > 0)
    moved = nib.affines.apply_affine(np.linalg.inv(volume.affine) @ cropped.affine, voxels)
    nearest = np.rint(moved).astype(int)
    inside = ((nearest >= 0) & (nearest < volume.stored.shape)).all()
    if not (voxels.size and inside and np.abs(moved - nearest).max() < 0.1):
        raise InputError(mask.name, "it is not on the grid of its raw image", "Run again")
    region = np.zeros(volume.stored.shape, dtype=np.bool_)
    region[tuple(nearest.T)] = True
    return region


def mean_edge_mm(path: Path) -> float:
    """Return the geometric mean of the edges of a voxel, in mm."""
    zooms = nib.load(path).header.get_zooms()[:3]
    return float(np.prod(np.abs(zooms)) ** (1 / 3))


def copy_image(source: Path, target: Path) -> None:
    """Copy an image without the free text and the extensions of its header.

    A gzip file is compressed anew, since it may contain the original file name.
    """
    with source.open("rb") as stream:
        header = read_header(source, stream)
        stream.seek(0)
        content: Any = reader(stream) if source.suffix == ".gz" else stream
        content.read(voxel_offset(header))
        clean = without_texts(header)
        with atomic(target) as partial, writing(partial) as out:
            clean.write_to(out)
            shutil.copyfileobj(content, out)


def _json(path: str) -> str:
    return sidecar_of(Path(path)).as_posix()


def _is_bids(path: str) -> bool:
    from bids_validator import BIDSValidator

    return bool(BIDSValidator().is_bids(f"/{path}"))


def defaced_images(
    output_dir: Path, images: Sequence[tuple[ImageName, Path, ImageName | None]]
) -> Iterator[Defaced]:
    """Yield the images that the workflow defaced.

    `images` are each image, its raw file, and the T1w that gave it its brain mask.
    """
    for image, path, t1w in images:
        affines = [image.affine] if t1w is None else [t1w.affine, image.to_t1w]
        needed = [output_dir / name for name in (image.defaced, image.mask, *affines)]
        if all(file.is_file() for file in needed):
            yield Defaced(image, path, needed[1], tuple(needed[2:]))
