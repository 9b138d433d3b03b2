"""Convert the DICOM series of a session that the dataset lacks, with one run of dcm2niix.

The images are kept in a temporary folder for the steps that place them in the dataset. A series
that cannot be converted does not stop the others: the step that needs its image fails and gives the
reason.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecdysis.conversion.nifti import WantedSeries, make_nifti
from ecdysis.planning.entries import read_entry


def convert_series(
    dicom: Path, bids_dir: Path, series: Sequence[WantedSeries], folder: Path
) -> dict[str, Any]:
    """Write the converted images of a de-identified session to a folder; return report facts.

    A series whose images are all in the dataset is not converted. For the content of `folder` see
    `ecdysis.conversion.nifti.read_nifti`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = make_nifti(dicom, bids_dir, series, folder)
    converters = {image.converter for item in made.values() for image in item.images.values()}
    return {
        "series": len(made),
        "images": sum(len(item.images) for item in made.values()),
        "converter": ", ".join(sorted(converters)),
    }


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "run_dcm2niix") as details:
        details.update(
            convert_series(
                Path(job.input.dicom),
                Path(job.params.bids_dir),
                [read_entry(WantedSeries, fields) for fields in job.params.series],
                Path(job.output.nifti),
            )
        )
