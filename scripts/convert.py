"""Convert one de-identified DICOM series to a BIDS image and its sidecar with dcm2niix."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lib.conversion.dcm2niix import error, run_dcm2niix
from lib.conversion.sidecar import without_dropped
from lib.files import atomic, write_json
from lib.plain_folder import plain_folder


def convert(
    series: Path,
    image: Path,
    sidecar: Path,
    expected: int | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Convert the files of a folder, which must give exactly one image.

    Parameters
    ----------
    series : Path
        Folder with the de-identified DICOM files of one series and nothing else.
    image : Path
        The ``.nii.gz`` to be made; it appears last, under its name only when complete.
    sidecar : Path
        The ``.json`` to be made: dcm2niix's without the fields in
        `lib.conversion.sidecar.DROPPED`.
    expected : int, optional
        How many files the series had before de-identification, which may set some aside.
    metadata : dict, optional
        Fields for the sidecar that the study gives; they win.

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
    with plain_folder() as folder:
        made = run_dcm2niix(series, folder, expected)
        if len(made) != 1:
            names = ", ".join(one.image.name.removesuffix(".nii.gz") for one in made)
            raise error(
                series,
                f"dcm2niix made {len(made)} images of it ({names}), one was expected",
                "Look into the log of this job, and leave the series out or export it again",
            )
        (one,) = made
        kept = without_dropped(one.sidecar)
        write_json(sidecar, {**kept, **(metadata or {})})
        with atomic(image) as partial:
            shutil.move(one.image, partial)
    return {
        "series": series.name,
        "files": sum(1 for _ in series.iterdir()),
        "shape": one.shape,
        "zooms_mm": one.zooms_mm,
        "converter": one.converter,
        "dropped": sorted(set(one.sidecar) - set(kept)),
    }


if "snakemake" in globals():
    from lib.conversion.entry import enter
    from lib.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "convert") as details:
        dicom = Path(job.input.dicom) / job.params.series
        image = Path(job.output.image)
        details.update(
            convert(
                dicom,
                image,
                Path(job.output.sidecar),
                job.params.files,
                job.params.metadata,
            )
        )
        enter(image.parents[len(Path(job.wildcards.folder).parts)], [(dicom, image)])
