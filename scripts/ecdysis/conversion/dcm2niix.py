"""Convert the series of a session with one run of dcm2niix, and check that it used every file.

Li et al., The first step for neuroimaging data analysis: DICOM to NIfTI conversion,
J Neurosci Methods 264:47 (2016).
"""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from ecdysis.conversion.readable import readable
from ecdysis.errors import InputError
from ecdysis.files import read_json
from ecdysis.memory import KILLED

OPTIONS = (
    *("-b", "y", "-ba", "y"),  # a sidecar without identifying fields
    *("-z", "i"),  # compressed by dcm2niix itself
    *("-g", "i"),  # ignore the user's file of defaults
    *("-c", ""),  # no comments in the NIfTI header
    *("-d", "2"),  # a folder for each series
    *("-f", "%j"),  # file names are UIDs, without texts of the header
)

CONVERTED = re.compile(r"Convert (\d+) DICOM as (.*) \((\d+)x(\d+)x(\d+)x(\d+)\)\s*$", re.MULTILINE)
"""Its message for each image: files, path, columns, rows, slices, volumes.

A warning may precede it on the same line.
"""
GAPS = ("Missing images?", "Check sorted order")
"""Its warnings of missing slices; it writes an image nevertheless."""
PARTS = {"_ph": "phase", "_real": "real", "_imaginary": "imag", "_fieldmaphz": "fieldmap"}
"""Ending of a file name -> part of the complex signal, or a field map in Hz."""
TRACE = "_ADC"
"""Ending of the images that the scanner computed from a diffusion series."""
EQUALISED = "_Eq"
"""Part of the name of an image that dcm2niix interpolated to equal slice distances."""


@dataclass(frozen=True)
class SeriesFiles:
    """The de-identified files of a series, alone in a folder."""

    folder: Path
    expected: int | None = None
    """How many files the series had before de-identification, which may refuse some."""
    keep: bool = False
    """Convert an incomplete series: its complete volumes only, and unequally spaced slices
    interpolated to equal distances."""

    def count(self) -> int:
        """Return the number of files."""
        folder = self.folder
        return sum(1 for entry in folder.iterdir() if entry.is_file()) if folder.is_dir() else 0

    def error(self, problem: str, remedy: str) -> InputError:
        """Return an error that names the series."""
        return InputError(f"{self.folder.parent.name}, series {self.folder.name}", problem, remedy)


@dataclass(frozen=True)
class Converted:
    """One image (``.nii.gz``) that dcm2niix made, with the content of its sidecar."""

    image: Path
    sidecar: dict[str, Any] = field(repr=False)
    shape: list[int]
    zooms_mm: list[float]
    """The spacing of the fourth axis is in seconds."""
    known_part: str | None = None
    """The part of the complex signal, if the file name does not show it."""

    @classmethod
    def read(cls, image: Path, shape: list[int], zooms_mm: list[float]) -> "Converted":
        """Return an image with its sidecar, which is in the same folder."""
        return cls(image, read_json(_sidecar_of(image)), shape, zooms_mm)

    @property
    def part(self) -> str:
        """The part of the complex signal, or ``fieldmap``."""
        if self.known_part:
            return self.known_part
        ending = next(
            (part for end, part in PARTS.items() if re.search(rf"{end}[a-z]?$", self.stem)), None
        )
        return ending or ("phase" if "PHASE" in self.sidecar.get("ImageType", []) else "mag")

    @property
    def echo_ms(self) -> float | None:
        """The echo time in ms; None if the sidecar has none."""
        time = self.sidecar.get("EchoTime")
        return round(1000 * time, 3) if isinstance(time, int | float) else None

    @property
    def volumes(self) -> int:
        """The number of volumes."""
        return self.shape[3] if len(self.shape) > 3 else 1

    def with_ending(self, ending: str) -> Path:
        """Return the path of the same name with another ending, for example ``.bval``."""
        return self.image.with_name(self.stem + ending)

    @property
    def stem(self) -> str:
        """The name of the image without extension."""
        return self.image.name.removesuffix(".nii.gz")

    @property
    def converter(self) -> str:
        """Name and version of the converter."""
        keys = ("ConversionSoftware", "ConversionSoftwareVersion")
        return " ".join(str(self.sidecar[key]) for key in keys if key in self.sidecar)


def _sidecar_of(image: Path) -> Path:
    """Return the sidecar of an image; an interpolated image has the sidecar of its original."""
    stem = re.sub(rf"{EQUALISED}(_\d+)?$", "", image.name.removesuffix(".nii.gz"))
    return image.with_name(f"{stem}.json")


Results = dict[Path, list[Converted] | InputError]
"""Folder of a series -> its images, or the error."""


def run_dcm2niix(series: Sequence[SeriesFiles], folder: Path) -> Results:
    """Convert series, each with its own SeriesInstanceUID, with one run of dcm2niix.

    Incomplete series that the user keeps are converted alone. If the common run fails or warns of
    missing slices, each series is converted alone, which shows which series has the problem.
    `folder` is empty and gets input and output. The error of one series does not stop the others.
    """
    results: Results = {}
    together: list[_ReadySeries] = []
    alone: list[_ReadySeries] = []
    for number, item in enumerate(series):
        source = folder / ("alone" if item.keep else "together") / str(number)
        try:
            _check_files(item)
            uid = readable(item.folder, source, whole=item.keep)
        except InputError as error:
            results[item.folder] = error
            continue
        (alone if item.keep else together).append(_ReadySeries(item, source, uid))
    run = _Run.start(folder / "together", folder / "output") if len(together) > 1 else None
    if run and run.succeeded:
        results |= {ready.series.folder: _result(ready, run) for ready in together}
    else:
        alone = together + alone
    for number, ready in enumerate(alone):
        run = _Run.start(ready.source, folder / f"output{number}")
        results[ready.series.folder] = _result(ready, run)
    return results


@dataclass(frozen=True)
class _ReadySeries:
    """A series that dcm2niix can read: a folder of links, and the SeriesInstanceUID."""

    series: SeriesFiles
    source: Path
    uid: str


@dataclass(frozen=True)
class _Run:
    """A run of dcm2niix: exit status, printed text and output folder."""

    status: int
    printed: str
    folder: Path

    @classmethod
    def start(cls, source: Path, target: Path) -> "_Run":
        """Run dcm2niix from the environment of this Python.

        Raises
        ------
        CalledProcessError
            dcm2niix was killed, for example because memory ran out.
        """
        target.mkdir()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        process = subprocess.run(
            ["dcm2niix", *OPTIONS, "-o", target, source],
            env=os.environ | {"PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        print(process.stdout)
        if process.returncode in KILLED:
            process.check_returncode()
        return cls(process.returncode, process.stdout, target)

    @property
    def warned_of_gaps(self) -> bool:
        """Whether dcm2niix warned of missing slices."""
        return any(words in self.printed for words in GAPS)

    @property
    def succeeded(self) -> bool:
        """Whether dcm2niix neither failed nor warned of missing slices."""
        return self.status == 0 and not self.warned_of_gaps

    def images(self, uid: str) -> list[Path]:
        """Return the images of a series, not those whose longer UID begins with the same digits."""
        own = re.compile(rf"{re.escape(uid)}([^\d.].*)?\.nii\.gz")
        return [path for path in sorted(self.folder.iterdir()) if own.fullmatch(path.name)]


def _check_files(series: SeriesFiles) -> None:
    files, expected = series.count(), series.expected
    if files == 0:
        raise series.error("it has no DICOM files", "Run the de-identification again")
    if expected is not None and files != expected:
        raise series.error(
            f"{files} of its {expected} files passed the de-identification",
            "Read the record of the de-identification; an incomplete series is not converted",
        )


def _result(item: _ReadySeries, run: _Run) -> list[Converted] | InputError:
    series = item.series
    written = run.images(item.uid) if item.uid else []
    made = [path for path in written if not path.name.endswith(f"{TRACE}.nii.gz")]
    equalised = [path for path in made if path.name.startswith(f"{item.uid}{EQUALISED}")]
    if series.keep:
        made = equalised or made
    elif equalised or run.warned_of_gaps:
        return series.error(
            "the distance between its slices varies; a slice may be missing",
            "Export the series again from the scanner or the archive",
        )
    # dcm2niix writes no sidecar if the interpolation to equal distances failed.
    made = [path for path in made if _sidecar_of(path).is_file()]
    if not made:
        return series.error(
            "dcm2niix made no image of it",
            "Read the log of this job, and leave the series out or export it again",
        )
    converted = [_converted(path) for path in made]
    if series.keep:
        return converted
    computed = len(made) < len(written)
    return _incomplete(series, converted, run, computed=computed) or converted


def _incomplete(
    series: SeriesFiles, converted: Sequence[Converted], run: _Run, *, computed: bool
) -> InputError | None:
    """Return an error if, by its messages, dcm2niix did not use every file and every slice.

    `computed` is true if dcm2niix also wrote images that the scanner computed.
    """
    reported = {
        Path(path).name: (int(used), *(int(size) for size in shape))
        for used, path, *shape in CONVERTED.findall(run.printed)
    }
    own = {item.stem: reported.get(item.stem, (0,)) for item in converted}
    files, used = series.count(), sum(numbers[0] for numbers in own.values())
    # One enhanced file may contain several images.
    complete = {files, files * len(own)} if files == 1 else {files}
    for item in converted:
        used_here, *shape = own[item.stem]
        # dcm2niix reorients 3-D acquisitions, so only the products of the shapes are compared.
        whole = prod(item.shape) == prod(shape) or computed
        divides = used_here == 1 or (used_here > 0 and prod(shape[2:]) % used_here == 0)
        if used not in complete or not whole or not divides:
            return series.error(
                f"{used} of {files} files were converted, to an image of {tuple(item.shape)}",
                "Read the log of this job, and export the series again",
            )
    return None


def _converted(path: Path) -> Converted:
    import nibabel as nib

    header = nib.load(path).header
    zooms = [round(float(zoom), 4) for zoom in header.get_zooms()]
    return Converted.read(path, [int(size) for size in header.get_data_shape()], zooms)
