"""Convert one de-identified DICOM series to a BIDS image and its sidecar with dcm2niix."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.bids.outputs import Output
from ecdysis.conversion.dcm2niix import run_dcm2niix
from ecdysis.conversion.matching import match
from ecdysis.conversion.sidecar import without_dropped
from ecdysis.files import atomic, write_json
from ecdysis.plain_folder import plain_folder


def convert(
    series: Path,
    image: Path,
    sidecar: Path,
    outputs: Sequence[Output],
    expected: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    *,
    keep: bool = False,
) -> dict[str, Any]:
    """Convert the files of a folder, and keep one of the images that must come of them.

    Parameters
    ----------
    series : Path
        Folder with the de-identified DICOM files of one series and nothing else.
    image : Path
        The ``.nii.gz`` to be made; it appears last, under its name only when complete. Its
        name is that of one of `outputs`.
    sidecar : Path
        The ``.json`` to be made: dcm2niix's without the fields in
        `ecdysis.conversion.sidecar.DROPPED`.
    outputs : sequence of Output
        All images of the series; several when it has several echoes or parts.
    expected : int, optional
        How many files the series had before de-identification, which may set some aside.
    metadata : dict, optional
        Fields for the sidecar that the study gives; they override the header.
    keep : bool
        A person wants the series although it is incomplete.

    Returns
    -------
    dict
        ``files``, ``shape`` (voxels), ``zooms_mm``, ``converter`` and ``dropped`` fields.

    Raises
    ------
    InputError
        The folder is empty or lacks files, a slice is missing, files were not used, or
        other images came than `outputs`.
    """
    with plain_folder() as folder:
        found = match(series, outputs, run_dcm2niix(series, folder, expected, keep=keep))
        name = image.name.removesuffix(".nii.gz")
        one = next(made for output, made in found.items() if Path(output.path).name == name)
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
    from ecdysis.conversion.entry import deid_options, enter
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "convert") as details:
        dicom = Path(job.input.dicom) / job.params.series
        image = Path(job.output.image)
        details.update(
            convert(
                dicom,
                image,
                Path(job.output.sidecar),
                [Output(**output) for output in job.params.outputs],
                job.params.files,
                job.params.metadata,
                keep=job.params.keep,
            )
        )
        enter(
            image.parents[len(Path(job.wildcards.folder).parts)], [(dicom, image)], deid_options()
        )
