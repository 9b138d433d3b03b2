"""The NIfTI images of a DICOM session on their way from dcm2niix to the dataset.

They are kept in one temporary folder. ``images.json`` in it lists them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ecdysis.bids.outputs import Output
from ecdysis.conversion.dcm2niix import Converted, SeriesFiles, run_dcm2niix
from ecdysis.errors import InputError
from ecdysis.files import read_json, write_json
from ecdysis.planning.facts import FIELD_IN_HZ

CONTENTS = "images.json"

OLDEST = 89
"""Ages above this one are written as this one (BIDS 1.11, "Participants file")."""
SEXES = {"F": "female", "M": "male", "O": "other"}
"""Values of PatientSex and of the column ``sex``, with their meaning."""


@dataclass(frozen=True)
class WantedSeries:
    """A series and the images that it must become."""

    series: str
    """Its folder in the de-identified session."""
    files: int | None
    """How many files it had before de-identification."""
    outputs: list[Output]
    keep: bool = False
    """Whether the user wants the series although it is incomplete."""

    def is_in(self, bids_dir: Path) -> bool:
        """Return whether the dataset has all its images."""
        return all(output.is_in(bids_dir) for output in self.outputs)


@dataclass(frozen=True)
class NiftiSeries:
    """The images of a series, or the reason why there are no images."""

    series: str
    files: int = 0
    """Number of DICOM files."""
    person: dict[str, str] = field(default_factory=dict)
    """``age`` and ``sex``, if de-identification kept them."""
    date: str = ""
    """The date of acquisition in the format ``20200131``; empty if it was removed."""
    images: dict[str, Converted] = field(default_factory=dict)
    """Path in the dataset, without extension -> image."""
    problem: tuple[str, str, str] | None = None
    """Place, problem and remedy of the error, if there are no images."""

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
    """Convert the series of a session whose images are not all in the dataset.

    `dicom` is the de-identified session, with a folder for each series; the images are written to
    `folder`. The result has the images of each series by its name. A series that fails does not
    stop the others.
    """
    to_convert = [item for item in wanted if not item.is_in(bids_dir)]
    files = {
        item.series: SeriesFiles(dicom / item.series, item.files, item.keep) for item in to_convert
    }
    converted = run_dcm2niix(list(files.values()), folder)
    results = {}
    for item in to_convert:
        series, images = files[item.series], converted[dicom / item.series]
        try:
            if isinstance(images, InputError):
                raise images
            if _is_merged(item, images):
                images = _convert_map_and_magnitude(series, folder / "maps" / item.series)
            results[item.series] = _with_header(series, match(series, item.outputs, images))
        except InputError as error:
            problem = (error.where, error.problem, error.remedy)
            results[item.series] = NiftiSeries(item.series, problem=problem)
    _write(folder, results)
    return results


def read_nifti(folder: Path) -> dict[str, NiftiSeries]:
    """Return the result of `make_nifti` from its folder."""
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


def match(
    series: SeriesFiles, wanted: Sequence[Output], images: Sequence[Converted]
) -> dict[Output, Converted]:
    """Assign each wanted image of a series to a converted image, by echo time and part.

    Raises
    ------
    InputError
        The number of images is not as planned, or two images have the same echo time and part.
    """
    matched = {}
    for output in wanted:
        fitting = [
            image
            for image in images
            if (output.part is None or image.part == output.part)
            and (
                output.echo is None
                or (image.echo_ms is not None and abs(image.echo_ms - output.echo) < 0.01)
            )
        ]
        if len(fitting) == 1:
            matched[output] = fitting[0]
    if len(matched) == len(wanted) == len(images):
        return matched
    names = ", ".join(image.image.name.removesuffix(".nii.gz") for image in images)
    raise series.error(
        f"dcm2niix made {len(images)} images of it ({names}), but by its headers it has "
        f"{len(wanted)}",
        "Read the log of this job, and leave the series out or export it again",
    )


def _is_merged(item: WantedSeries, images: Sequence[Converted]) -> bool:
    """Return whether a field map in Hz and its magnitude became the volumes of one image."""
    return len(images) == 1 and {output.part for output in item.outputs} == {"fieldmap", "mag"}


def _convert_map_and_magnitude(series: SeriesFiles, folder: Path) -> list[Converted]:
    """Convert the files of a field map in Hz and the files of its magnitude separately.

    dcm2niix does not separate them in some non-enhanced series of Philips.
    """
    from pydicom import dcmread

    images = []
    for part in ("fieldmap", "mag"):
        source = folder / part / series.folder.name
        source.mkdir(parents=True)
        for path in series.folder.iterdir():
            image_type = dcmread(path, specific_tags=["ImageType"]).get("ImageType") or ()
            if bool(FIELD_IN_HZ.intersection(image_type)) == (part == "fieldmap"):
                (source / path.name).symlink_to(path.absolute())
        (result,) = run_dcm2niix([SeriesFiles(source)], folder / f"{part}_made").values()
        if isinstance(result, InputError):
            raise result
        images += [replace(image, known_part=part) for image in result]
    return images


def _with_header(series: SeriesFiles, matched: dict[Output, Converted]) -> NiftiSeries:
    """Return the images of a series with person and date from the header of its first file."""
    from pydicom import dcmread

    header = dcmread(min(series.folder.iterdir()), stop_before_pixels=True)
    images = {output.path: image for output, image in matched.items()}
    name = series.folder.name
    return NiftiSeries(name, series.count(), person_of(header), date_of(header), images)


def person_of(header: Any) -> dict[str, str]:
    """Return age and sex, if a de-identified header (pydicom Dataset) has them."""
    person = {}
    age = str(header.get("PatientAge") or "")
    if age[:-1].isdecimal() and age[-1:] in "DWMY":
        years = int(age[:-1]) // {"D": 365, "W": 52, "M": 12, "Y": 1}[age[-1]]
        person["age"] = str(min(years, OLDEST))
    sex = str(header.get("PatientSex") or "")
    if sex in SEXES:
        person["sex"] = sex
    return person


def date_of(header: Any) -> str:
    """Return the date of acquisition in the format ``20200131``; empty if the header has none."""
    date = str(header.get("AcquisitionDate") or header.get("SeriesDate") or "")
    return date if len(date) == 8 and date.isdecimal() else ""
