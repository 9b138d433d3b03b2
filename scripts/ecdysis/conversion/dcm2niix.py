"""Running dcm2niix on one series, and checking that nothing was lost.

Li et al., The first step for neuroimaging data analysis: DICOM to NIfTI conversion,
J Neurosci Methods 264:47 (2016).
"""

import os
import re
import sys
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from ecdysis.conversion.readable import readable
from ecdysis.errors import InputError
from ecdysis.files import read_json

NAME = "image"
"""The name of its output, so that no text of a header is in a file name."""

OPTIONS = '-g i -c ""'
"""No defaults file of the user's; no image comments in the NIfTI header."""

CONVERTED = re.compile(
    r"^Convert (\d+) DICOM as (.*) \((\d+)x(\d+)x(\d+)x(\d+)\)\s*$", re.MULTILINE
)
"""Its line for each image: files, path, columns, rows, slices, volumes."""

GAPS = ("Missing images?", "Check sorted order")
"""Its warnings where slices are missing; it makes an image all the same."""

COMPUTED = "ADC or trace images that will be removed"
"""Its warning where a diffusion series ends in volumes that the scanner computed."""

PARTS = {"_ph": "phase", "_real": "real", "_imaginary": "imag", "_fieldmaphz": "fieldmap"}
"""Endings of its file names -> parts of the complex signal, or a field map in Hz."""

TRACE = "_ADC"
"""Ending of the volumes at the end of a diffusion series that the scanner computed."""

EQUALISED = "_Eq"
"""In the name of an image whose unequal slices dcm2niix brought to equal distances."""


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
    """

    image: Path
    sidecar: dict[str, Any] = field(repr=False)
    shape: list[int]
    zooms_mm: list[float]

    @property
    def part(self) -> str:
        """Which part of the complex signal it is."""
        stem = self.image.name.removesuffix(".nii.gz")
        ending = next(
            (part for end, part in PARTS.items() if re.search(rf"{end}[a-z]?$", stem)), None
        )
        return ending or ("phase" if "PHASE" in self.sidecar.get("ImageType", []) else "mag")

    @property
    def echo_ms(self) -> float | None:
        """Its echo time."""
        time = self.sidecar.get("EchoTime")
        return round(1000 * time, 3) if isinstance(time, int | float) else None

    def beside(self, ending: str) -> Path:
        """Return the file of the same name with another ending, as ``.bval``."""
        return self.image.with_name(self.image.name.removesuffix(".nii.gz") + ending)

    @property
    def converter(self) -> str:
        """Name and version of the program."""
        keys = ("ConversionSoftware", "ConversionSoftwareVersion")
        return " ".join(str(self.sidecar[key]) for key in keys if key in self.sidecar)


def run_dcm2niix(
    series: Path, folder: Path, expected: int | None = None, *, keep: bool = False
) -> list[Converted]:
    """Convert the files of a series into an empty folder.

    Parameters
    ----------
    series : Path
        Folder with the de-identified DICOM files of one series and nothing else.
    folder : Path
        Has a plain path, see `ecdysis.plain_folder`.
    expected : int, optional
        How many files the series had before de-identification, which may set some aside.
    keep : bool
        Take what can be made of an incomplete series: its whole volumes, unequal slices brought
        to equal distances.

    Raises
    ------
    InputError
        The folder is empty or lacks files, a slice is missing, or files were not used.
    """
    files = sum(1 for entry in series.iterdir() if entry.is_file()) if series.is_dir() else 0
    if files == 0:
        raise error(series, "there are no DICOM files of it", "Run the de-identification again")
    if expected is not None and files != expected:
        raise error(
            series,
            f"{files} of its {expected} files passed the de-identification",
            "Look into the record of that stage; an incomplete series is not converted",
        )
    output = _run(readable(series, folder, whole=keep), folder)
    print(output)
    made = sorted(folder.glob(f"{NAME}*.nii.gz"))
    made = [path for path in made if not path.name.endswith(f"{TRACE}.nii.gz")]
    equalised = [path for path in made if path.name.startswith(f"{NAME}{EQUALISED}")]
    if keep:
        made = equalised or made
    elif equalised or any(words in output for words in GAPS):
        raise error(
            series,
            "the distance between its slices varies, as when a slice is missing",
            "Export the series again from the scanner or the archive",
        )
    if not made:
        raise error(
            series,
            "dcm2niix made no image of it",
            "Look into the log of this job, and leave the series out or export it again",
        )
    if keep:
        return [_converted(path) for path in made]
    return _checked(series, made, output, files)


def error(series: Path, problem: str, remedy: str) -> InputError:
    """Return the error that names a series."""
    return InputError(f"{series.parent.name}, series {series.name}", problem, remedy)


def _run(series: Path, folder: Path) -> str:
    """Run dcm2niix through nipype, the one beside this Python; return its output."""
    from nipype.interfaces.dcm2nii import Dcm2niix

    beside = Path(sys.executable).parent
    interface = Dcm2niix(
        source_dir=str(series),
        output_dir=str(folder),
        out_filename=NAME,
        bids_format=True,
        anon_bids=True,
        compress="i",
        merge_imgs=2,
        args=OPTIONS,
        environ={"PATH": f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
        terminal_output="allatonce",
    )
    runtime = interface.run(cwd=str(folder)).runtime
    return f"{runtime.stdout}\n{runtime.stderr}"


def _checked(series: Path, made: list[Path], output: str, files: int) -> list[Converted]:
    """Compare the images with what dcm2niix reports: every file used, every slice there."""
    reported = {
        Path(path).name: (int(used), *(int(size) for size in shape))
        for used, path, *shape in CONVERTED.findall(output)
    }
    used = sum(numbers[0] for numbers in reported.values())
    # One enhanced file may hold several images.
    complete = {files, files * len(reported)} if files == 1 else {files}
    converted = []
    for path in made:
        image = _converted(path)
        own, *shape = reported.get(path.name.removesuffix(".nii.gz"), (0,))
        # 3-D acquisitions are turned by dcm2niix, so the order of the axes may differ.
        whole = prod(image.shape) == prod(shape) or COMPUTED in output
        if used not in complete or not own or not whole or (prod(shape[2:]) % own and own != 1):
            raise error(
                series,
                f"{used} of {files} files were converted, to an image of {tuple(image.shape)}",
                "Look into the log of this job, and export the series again",
            )
        converted.append(image)
    return converted


def _converted(path: Path) -> Converted:
    import nibabel as nib

    header = nib.load(path).header
    zooms = [round(float(zoom), 4) for zoom in header.get_zooms()]
    sidecar = read_json(path.with_name(path.name.replace(".nii.gz", ".json")))
    return Converted(path, sidecar, [int(size) for size in header.get_data_shape()], zooms)
