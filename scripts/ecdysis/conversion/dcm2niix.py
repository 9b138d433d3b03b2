"""Run dcm2niix once on the series of a session, and check that it used every file.

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
    *("-b", "y", "-ba", "y"),  # a sidecar without identity
    *("-z", "i"),  # compressed by dcm2niix itself
    *("-g", "i"),  # no file with defaults of the user
    *("-c", ""),  # no comments in the NIfTI header
    *("-d", "2"),  # a folder for each series
    *("-f", "%j"),  # SeriesInstanceUID: no text of a header in a file name
)

CONVERTED = re.compile(r"Convert (\d+) DICOM as (.*) \((\d+)x(\d+)x(\d+)x(\d+)\)\s*$", re.MULTILINE)
"""Its report of each image, which may follow a warning in the same line: files, path, columns,
rows, slices, volumes."""

GAPS = ("Missing images?", "Check sorted order")
"""Its warnings where slices are missing; it makes an image all the same."""

PARTS = {"_ph": "phase", "_real": "real", "_imaginary": "imag", "_fieldmaphz": "fieldmap"}
"""Endings of its file names -> parts of the complex signal, or a field map in Hz."""

TRACE = "_ADC"
"""Ending of the volumes at the end of a diffusion series that the scanner computed."""

EQUALISED = "_Eq"
"""In the name of an image whose unequal slices dcm2niix brought to equal distances."""


@dataclass(frozen=True)
class SeriesFiles:
    """The de-identified files of a series.

    Parameters
    ----------
    folder : Path
        It holds the files of the series and nothing else.
    expected : int or None
        How many files the series had before de-identification, which may set some aside.
    keep : bool
        Take what can be made of an incomplete series: its whole volumes, and unequal slices
        brought to equal distances.
    """

    folder: Path
    expected: int | None = None
    keep: bool = False

    def count(self) -> int:
        """Return the number of files."""
        folder = self.folder
        return sum(1 for entry in folder.iterdir() if entry.is_file()) if folder.is_dir() else 0

    def error(self, problem: str, remedy: str) -> InputError:
        """Return an error that names the series."""
        return InputError(f"{self.folder.parent.name}, series {self.folder.name}", problem, remedy)


@dataclass(frozen=True)
class Converted:
    """One image that dcm2niix made.

    Parameters
    ----------
    image : Path
        The ``.nii.gz``.
    sidecar : dict
        The content of its ``.json``.
    shape : list of int
    zooms_mm : list of float
        Of the fourth axis in seconds.
    known_part : str or None
        Which part of the signal it is, where the name of its file does not show it.
    """

    image: Path
    sidecar: dict[str, Any] = field(repr=False)
    shape: list[int]
    zooms_mm: list[float]
    known_part: str | None = None

    @classmethod
    def read(cls, image: Path, shape: list[int], zooms_mm: list[float]) -> "Converted":
        """Return an image with its sidecar, which lies beside it."""
        return cls(image, read_json(_sidecar_of(image)), shape, zooms_mm)

    @property
    def part(self) -> str:
        """Which part of the complex signal it is."""
        if self.known_part:
            return self.known_part
        ending = next(
            (part for end, part in PARTS.items() if re.search(rf"{end}[a-z]?$", self.stem)), None
        )
        return ending or ("phase" if "PHASE" in self.sidecar.get("ImageType", []) else "mag")

    @property
    def echo_ms(self) -> float | None:
        """Its echo time."""
        time = self.sidecar.get("EchoTime")
        return round(1000 * time, 3) if isinstance(time, int | float) else None

    def beside(self, ending: str) -> Path:
        """Return the file of the same name with another ending, as ``.bval``."""
        return self.image.with_name(self.stem + ending)

    @property
    def stem(self) -> str:
        """The name of the image without extension."""
        return self.image.name.removesuffix(".nii.gz")

    @property
    def converter(self) -> str:
        """Name and version of the program."""
        keys = ("ConversionSoftware", "ConversionSoftwareVersion")
        return " ".join(str(self.sidecar[key]) for key in keys if key in self.sidecar)


def _sidecar_of(image: Path) -> Path:
    """Return the sidecar of an image; one with equalised slices has that of the original."""
    stem = re.sub(rf"{EQUALISED}(_\d+)?$", "", image.name.removesuffix(".nii.gz"))
    return image.with_name(f"{stem}.json")


Results = dict[Path, list[Converted] | InputError]
"""Folder of a series -> its images, or why there are none."""


def run_dcm2niix(series: Sequence[SeriesFiles], folder: Path) -> Results:
    """Convert series, each with its own SeriesInstanceUID, with one run of dcm2niix.

    It runs again only for a series that a person keeps although it is incomplete, and for each
    series alone when the run failed or warned of missing slices, to find the series concerned.

    Parameters
    ----------
    series : sequence of SeriesFiles
    folder : Path
        An empty folder for its input and output.

    Returns
    -------
    dict
        A problem of one series is its result, and stops no other.
    """
    results: Results = {}
    together: list[_Ready] = []
    alone: list[_Ready] = []
    for number, item in enumerate(series):
        source = folder / ("alone" if item.keep else "together") / str(number)
        try:
            _check_files(item)
            uid = readable(item.folder, source, whole=item.keep)
        except InputError as error:
            results[item.folder] = error
            continue
        (alone if item.keep else together).append(_Ready(item, source, uid))
    run = _Run.of(folder / "together", folder / "output") if len(together) > 1 else None
    if run and run.clean:
        results |= {ready.series.folder: _result(ready, run) for ready in together}
    else:
        alone = together + alone
    for number, ready in enumerate(alone):
        run = _Run.of(ready.source, folder / f"output{number}")
        results[ready.series.folder] = _result(ready, run)
    return results


@dataclass(frozen=True)
class _Ready:
    """A series that dcm2niix can read: its links in a folder, and its SeriesInstanceUID."""

    series: SeriesFiles
    source: Path
    uid: str


@dataclass(frozen=True)
class _Run:
    """What a run of dcm2niix returned, printed and wrote."""

    status: int
    printed: str
    folder: Path

    @classmethod
    def of(cls, source: Path, target: Path) -> "_Run":
        """Run dcm2niix, the program beside this Python.

        Raises
        ------
        CalledProcessError
            It was killed, as when memory ran out.
        """
        target.mkdir()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        done = subprocess.run(
            ["dcm2niix", *OPTIONS, "-o", target, source],
            env=os.environ | {"PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        print(done.stdout)
        if done.returncode in KILLED:
            done.check_returncode()
        return cls(done.returncode, done.stdout, target)

    @property
    def gaps(self) -> bool:
        """Whether it warned of missing slices."""
        return any(words in self.printed for words in GAPS)

    @property
    def clean(self) -> bool:
        """Whether it neither failed nor warned of missing slices."""
        return self.status == 0 and not self.gaps

    def images(self, uid: str) -> list[Path]:
        """Return the images of a series; another UID may begin with the same digits."""
        own = re.compile(rf"{re.escape(uid)}([^\d.].*)?\.nii\.gz")
        return [path for path in sorted(self.folder.iterdir()) if own.fullmatch(path.name)]


def _check_files(series: SeriesFiles) -> None:
    files, expected = series.count(), series.expected
    if files == 0:
        raise series.error("there are no DICOM files of it", "Run the de-identification again")
    if expected is not None and files != expected:
        raise series.error(
            f"{files} of its {expected} files passed the de-identification",
            "Look into the record of that stage; an incomplete series is not converted",
        )


def _result(item: _Ready, run: _Run) -> list[Converted] | InputError:
    series = item.series
    written = run.images(item.uid) if item.uid else []
    made = [path for path in written if not path.name.endswith(f"{TRACE}.nii.gz")]
    equalised = [path for path in made if path.name.startswith(f"{item.uid}{EQUALISED}")]
    if series.keep:
        made = equalised or made
    elif equalised or run.gaps:
        return series.error(
            "the distance between its slices varies, as when a slice is missing",
            "Export the series again from the scanner or the archive",
        )
    # dcm2niix writes no sidecar where it failed to bring slices to equal distances.
    made = [path for path in made if _sidecar_of(path).is_file()]
    if not made:
        return series.error(
            "dcm2niix made no image of it",
            "Look into the log of this job, and leave the series out or export it again",
        )
    converted = [_converted(path) for path in made]
    if series.keep:
        return converted
    return _unused(series, converted, run, traces=len(made) < len(written)) or converted


def _unused(
    series: SeriesFiles, converted: Sequence[Converted], run: _Run, *, traces: bool
) -> InputError | None:
    """Compare images with what dcm2niix reports: every file used, every slice there."""
    reported = {
        Path(path).name: (int(used), *(int(size) for size in shape))
        for used, path, *shape in CONVERTED.findall(run.printed)
    }
    own = {item.stem: reported.get(item.stem, (0,)) for item in converted}
    files, used = series.count(), sum(numbers[0] for numbers in own.values())
    # One enhanced file may hold several images.
    complete = {files, files * len(own)} if files == 1 else {files}
    for item in converted:
        used_here, *shape = own[item.stem]
        # 3-D acquisitions are turned by dcm2niix, so the order of the axes may differ.
        whole = prod(item.shape) == prod(shape) or traces
        divides = used_here == 1 or (used_here > 0 and prod(shape[2:]) % used_here == 0)
        if used not in complete or not whole or not divides:
            return series.error(
                f"{used} of {files} files were converted, to an image of {tuple(item.shape)}",
                "Look into the log of this job, and export the series again",
            )
    return None


def _converted(path: Path) -> Converted:
    import nibabel as nib

    header = nib.load(path).header
    zooms = [round(float(zoom), 4) for zoom in header.get_zooms()]
    return Converted.read(path, [int(size) for size in header.get_data_shape()], zooms)
