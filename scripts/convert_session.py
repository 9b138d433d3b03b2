"""Convert all of a session that is not processed further: functional, diffusion, field maps.

One process takes the de-identified series in turn. What cannot be converted is told with the
reason and stops nothing else; files that the dataset has already are left as they are.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.conversion.entry import enter
from ecdysis.conversion.placing import keep_dicom, place
from ecdysis.conversion.session import convert_session
from ecdysis.conversion.sidecar import REMEDY
from ecdysis.errors import InputError
from ecdysis.files import write_json


def record(
    dicom: Path,
    bids_dir: Path,
    series: Sequence[Mapping[str, Any]],
    path: Path,
    *,
    sourcedata: bool,
) -> dict[str, Any]:
    """Convert and place a session, keep its DICOM if wanted, and write what was done.

    Returns
    -------
    dict
        Facts for the report.

    Raises
    ------
    InputError
        Some series failed; all others are in the dataset.
    """
    staging = path.with_name(f".{path.stem}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        session = convert_session(dicom, bids_dir, series, staging)
        placed = place(session, bids_dir)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    new = {file["path"] for file in placed["files"]} - set(placed["kept"])
    images = [(one.series, f"{one.output.path}.nii.gz") for one in session.staged]
    enter(bids_dir, [(dicom / name, bids_dir / image) for name, image in images if image in new])
    kept = keep_dicom(dicom, bids_dir / "sourcedata") if sourcedata else []
    if session.failed:
        raise InputError(
            dicom.name,
            f"{len(session.failed)} series could not be converted: " + " ".join(session.failed),
            "All others of the session are in the dataset",
        )
    write_json(path, {"session": dicom.name, **placed, "left_out": session.left_out,
                      "sourcedata": kept})  # fmt: skip
    return {
        "images": sorted(image for image in new if image.endswith(".nii.gz")),
        "kept": placed["kept"],
        "converter": ", ".join(sorted(session.converters)),
        "dropped": sorted(session.dropped),
        "sourcedata": kept,
        "warnings": [
            f"{one['image']} was not converted: {one['reason']}. {REMEDY}."
            for one in session.left_out
        ],
    }


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "convert_session") as details:
        details.update(
            record(
                Path(job.input.dicom),
                Path(job.input.description).parent,
                job.params.series,
                Path(job.output.record),
                sourcedata=job.params.keep_sourcedata,
            )
        )
