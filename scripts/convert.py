"""Convert one de-identified DICOM series to a BIDS image and its sidecar with dcm2niix.

Li et al., The first step for neuroimaging data analysis: DICOM to NIfTI conversion,
J Neurosci Methods 264:47 (2016).
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from lib.errors import InputError
from lib.files import atomic, read_json, write_json
from lib.plain_folder import linked, plain_folder

NAME = "image"
"""What dcm2niix is told to call its output, so that no text of a header is in a file name."""

OPTIONS = '-g i -c ""'
"""No defaults file of the user's; no image comments in the NIfTI header."""

DROPPED = {
    r"Patient(?!Position$).*": "of the person; sex and age belong in participants.tsv",
    r".*InstanceUID|AccessionNumber|StudyID": "numbers that lead back to the scanner's archive",
    r".*(Physician|Operator).*": "names of people",
    r"ImageComments": "free text",
    r"BidsGuess": "a guess of the converter; the plan has decided",
}
"""Fields of the sidecar that are left out (patterns of the whole name) and why."""

CONVERTED = re.compile(r"^Convert (\d+) DICOM as .*\((\d+)x(\d+)x(\d+)x(\d+)\)\s*$", re.MULTILINE)
"""What dcm2niix says of each image: files, columns, rows, slices, volumes."""


def convert(
    series: Path, image: Path, sidecar: Path, expected: int | None = None
) -> dict[str, Any]:
    """Convert the files of a folder, which must give exactly one image.

    Parameters
    ----------
    series : Path
        Folder with the de-identified DICOM files of one series and nothing else.
    image : Path
        The ``.nii.gz`` to be made; it appears last, under its name only when complete.
    sidecar : Path
        The ``.json`` to be made: dcm2niix's without the fields in `DROPPED`.
    expected : int, optional
        How many files the series had before de-identification, which may set some aside.

    Returns
    -------
    dict
        ``files``, ``shape`` (voxels), ``zooms_mm``, ``converter`` and ``dropped`` fields.

    Raises
    ------
    InputError
        The folder is empty or lacks files, a slice is missing, files were not used, or
        several images came.
    """
    files = sum(1 for entry in series.iterdir() if entry.is_file()) if series.is_dir() else 0
    if files == 0:
        raise _error(series, "there are no DICOM files of it", "Run the de-identification again")
    if expected is not None and files != expected:
        raise _error(
            series,
            f"{files} of its {expected} files passed the de-identification",
            "Look into the record of that stage; an incomplete series is not converted",
        )
    with plain_folder() as folder:
        told = _run_dcm2niix(linked(series, folder, "series"), folder)
        print(told)
        made = _only_image(series, folder, told)
        facts = _check(series, made, told, files)
        content = read_json(folder / f"{NAME}.json")
        kept = without_dropped(content)
        write_json(sidecar, kept)
        with atomic(image) as partial:
            shutil.copyfile(made, partial)
    converter = [content.get("ConversionSoftware"), content.get("ConversionSoftwareVersion")]
    return {
        "series": series.name,
        "files": files,
        **facts,
        "converter": " ".join(str(word) for word in converter if word),
        "dropped": sorted(set(content) - set(kept)),
    }


def without_dropped(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a sidecar that no pattern of `DROPPED` names and that say something.

    dcm2niix writes the word None for some texts that the header does not have.
    """
    return {
        field: value
        for field, value in sidecar.items()
        if value != "None" and not any(re.fullmatch(pattern, field) for pattern in DROPPED)
    }


def _run_dcm2niix(series: Path, folder: Path) -> str:
    """Run dcm2niix through nipype; return what it says. The one beside this Python is used."""
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


def _only_image(series: Path, folder: Path, told: str) -> Path:
    made = sorted(folder.glob("*.nii.gz"))
    if any(path.name.startswith(f"{NAME}_Eq") for path in made) or "Missing images?" in told:
        raise _error(
            series,
            "the distance between its slices varies, as when a slice is missing",
            "Export the series again from the scanner or the archive",
        )
    if [path.name for path in made] == [f"{NAME}.nii.gz"]:
        return made[0]
    names = ", ".join(path.name.removesuffix(".nii.gz") for path in made) or "none"
    raise _error(
        series,
        f"dcm2niix made {len(made)} images of it ({names}), one was expected",
        "Look into the log of this job, and leave the series out or export it again",
    )


def _check(series: Path, image: Path, told: str, files: int) -> dict[str, Any]:
    """Compare the image with what dcm2niix said of it: every file used, every slice there."""
    import nibabel as nib

    said = CONVERTED.findall(told)
    used, *shape = (int(word) for word in said[0]) if len(said) == 1 else (0,)
    header = nib.load(image).header
    found = header.get_data_shape()
    # 3-D acquisitions are turned by dcm2niix, so the order of the axes may differ.
    if used != files or prod(found) != prod(shape) or prod(shape[2:]) % used:
        raise _error(
            series,
            f"{used} of {files} files were converted, to an image of {found}",
            "Look into the log of this job, and export the series again",
        )
    zooms = [round(float(zoom), 4) for zoom in header.get_zooms()]
    return {"shape": list(found), "zooms_mm": zooms}


def _error(series: Path, problem: str, remedy: str) -> InputError:
    return InputError(f"{series.parent.name}, series {series.name}", problem, remedy)


if "snakemake" in globals():
    from lib.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "convert") as details:
        details.update(
            convert(
                Path(job.input.dicom) / job.params.series,
                Path(job.output.image),
                Path(job.output.sidecar),
                job.params.get("files"),
            )
        )
