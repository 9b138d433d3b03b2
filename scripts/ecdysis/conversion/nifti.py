"""The NIfTI images of a DICOM session, between dcm2niix and the dataset.

They lie in one temporary folder, with ``images.json`` as their table of contents.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ecdysis.bids.outputs import Output
from ecdysis.conversion.dcm2niix import Converted, SeriesFiles, run_dcm2niix
from ecdysis.conversion.matching import match
from ecdysis.conversion.tables import date_of, person_of
from ecdysis.errors import InputError
from ecdysis.files import read_json, write_json
from ecdysis.planning.facts import FIELD_IN_HZ

CONTENTS = "images.json"


@dataclass(frozen=True)
class WantedSeries:
    """A series and all images that must come of it.

    Parameters
    ----------
    series : str
        Its folder in the de-identified session.
    files : int or None
        How many files it had before de-identification.
    outputs : list of Output
    keep : bool
        A person wants it although it is incomplete.
    """

    series: str
    files: int | None
    outputs: list[Output]
    keep: bool = False

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "WantedSeries":
        """Return the series that a rule names."""
        return cls(**{**fields, "outputs": [Output(**output) for output in fields["outputs"]]})

    def is_in(self, bids_dir: Path) -> bool:
        """Return whether the dataset has all its images."""
        return all((bids_dir / f"{output.path}.nii.gz").exists() for output in self.outputs)


@dataclass(frozen=True)
class NiftiSeries:
    """The images of a series, or why there are none.

    Parameters
    ----------
    series : str
    files : int
        Number of DICOM files.
    person : dict
        ``age`` and ``sex``, where de-identification kept them.
    date : str
        The date of acquisition as ``20200131``; empty when it was removed.
    images : dict
        Path in the dataset, without extension -> image.
    problem : tuple of str
        Parts of the error, when there are no images: where, what, and what to do.
    """

    series: str
    files: int = 0
    person: dict[str, str] = field(default_factory=dict)
    date: str = ""
    images: dict[str, Converted] = field(default_factory=dict)
    problem: tuple[str, str, str] | None = None

    def image(self, path: str) -> Converted:
        """Return the image with this path in the dataset, without extension.

        Raises
        ------
        InputError
            The series was not converted.
        """
        if self.problem:
            raise InputError(*self.problem)
        return self.images[path]


def make_nifti(
    dicom: Path, bids_dir: Path, wanted: Sequence[WantedSeries], folder: Path
) -> dict[str, NiftiSeries]:
    """Convert those series of a session of which the dataset lacks an image.

    Parameters
    ----------
    dicom : Path
        The de-identified session, with a folder for each series.
    bids_dir : Path
        The dataset.
    wanted : sequence of WantedSeries
    folder : Path
        Is filled with the images.

    Returns
    -------
    dict
        Name of a series -> its images. The problem of one series stops no other.
    """
    lacking = [item for item in wanted if not item.is_in(bids_dir)]
    files = {item.series: SeriesFiles(dicom / item.series, item.files, item.keep)
             for item in lacking}  # fmt: skip
    made = run_dcm2niix(list(files.values()), folder)
    results = {}
    for item in lacking:
        series, images = files[item.series], made[dicom / item.series]
        try:
            if isinstance(images, InputError):
                raise images
            if _is_merged(item, images):
                images = _split_map(series, folder / "maps" / item.series)
            found = match(series, item.outputs, images)
            results[item.series] = _described(series, found)
        except InputError as error:
            problem = (error.where, error.problem, error.remedy)
            results[item.series] = NiftiSeries(item.series, problem=problem)
    _write(folder, results)
    return results


def read_nifti(folder: Path) -> dict[str, NiftiSeries]:
    """Return what `make_nifti` put into a folder."""
    results = {}
    for name, fields in read_json(folder / CONTENTS).items():
        images = {
            path: Converted.read(folder / image["file"], image["shape"], image["zooms_mm"])
            for path, image in fields["images"].items()
        }
        results[name] = NiftiSeries(**{**fields, "images": images})
    return results


def _write(folder: Path, results: dict[str, NiftiSeries]) -> None:
    contents = {}
    for name, series in results.items():
        images = {
            path: {
                "file": image.image.relative_to(folder).as_posix(),
                "shape": image.shape,
                "zooms_mm": image.zooms_mm,
            }
            for path, image in series.images.items()
        }
        contents[name] = {**vars(series), "images": images}
    write_json(folder / CONTENTS, contents)


def _is_merged(item: WantedSeries, images: Sequence[Converted]) -> bool:
    """Return whether a field map in Hz and its magnitude became the volumes of one image."""
    return len(images) == 1 and {output.part for output in item.outputs} == {"fieldmap", "mag"}


def _split_map(series: SeriesFiles, folder: Path) -> list[Converted]:
    """Convert the files of a field map in Hz, and those of its magnitude, apart.

    dcm2niix does not separate the two in some classic series of Philips.
    """
    from pydicom import dcmread

    images = []
    for part in ("fieldmap", "mag"):
        own = folder / part / series.folder.name
        own.mkdir(parents=True)
        for path in series.folder.iterdir():
            kind = dcmread(path, specific_tags=["ImageType"]).get("ImageType") or ()
            if bool(FIELD_IN_HZ.intersection(kind)) == (part == "fieldmap"):
                (own / path.name).symlink_to(path.absolute())
        (made,) = run_dcm2niix([SeriesFiles(own)], folder / f"{part}_made").values()
        if isinstance(made, InputError):
            raise made
        images += [replace(image, known_part=part) for image in made]
    return images


def _described(series: SeriesFiles, found: dict[Output, Converted]) -> NiftiSeries:
    from pydicom import dcmread

    header = dcmread(min(series.folder.iterdir()), stop_before_pixels=True)
    images = {output.path: image for output, image in found.items()}
    name = series.folder.name
    return NiftiSeries(name, series.count(), person_of(header), date_of(header), images)
