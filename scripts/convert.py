"""Place one converted anatomical image and its sidecar in the dataset."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis.conversion.nifti import NiftiSeries
from ecdysis.conversion.sidecar import without_dropped
from ecdysis.files import copy_file, write_json


def place_image(
    series: NiftiSeries,
    image: Path,
    sidecar: Path,
    path: str,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Place an image of a converted series; return facts for the report.

    `image` (``.nii.gz``) is written after its `sidecar`, and gets its name when it is complete.
    `path` is its path in the dataset, without extension. The sidecar lacks the fields in
    `ecdysis.conversion.sidecar.DROPPED`; its `metadata` from the rules of the study override the
    header. The facts are ``files``, ``shape`` (voxels), ``zooms_mm``, ``converter`` and ``dropped``
    fields.

    Raises
    ------
    InputError
        The series could not be converted: files or slices are missing, files were not used, or
        its images are not as planned.
    """
    made = series.image(path)
    kept = without_dropped(made.sidecar)
    write_json(sidecar, {**kept, **(metadata or {})})
    copy_file(made.image, image)
    return {
        "series": series.series,
        "files": series.files,
        "shape": made.shape,
        "zooms_mm": made.zooms_mm,
        "converter": made.converter,
        "dropped": sorted(set(made.sidecar) - set(kept)),
    }


if "snakemake" in globals():
    from ecdysis.conversion.dataset import add_to_tables, deid_options
    from ecdysis.conversion.nifti import read_nifti
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "convert") as details:
        converted = read_nifti(Path(job.input.nifti))[job.params.series]
        image, words = Path(job.output.image), job.wildcards
        path = f"{words.folder}/{words.entities}_{words.suffix}"
        sidecar = Path(job.output.sidecar)
        details.update(place_image(converted, image, sidecar, path, job.params.metadata))
        bids_dir = image.parents[len(Path(words.folder).parts)]
        add_to_tables(bids_dir, [(converted, image)], deid_options())
