"""Convert all of a session that is not processed further: functional, diffusion, field maps.

One process converts the de-identified series in turn. A series that cannot be converted stops no
other, but the job fails and names the reason; files that the dataset has already stay as they are.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.conversion.entry import enter
from ecdysis.conversion.placing import keep_dicom, place
from ecdysis.conversion.session import convert_session
from ecdysis.conversion.sidecar import remedy
from ecdysis.errors import InputError
from ecdysis.files import write_json


def record(
    dicom: Path,
    bids_dir: Path,
    series: Sequence[Mapping[str, Any]],
    path: Path,
    *,
    sourcedata: bool,
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """Convert and place a session, keep its DICOM if wanted, and write what was done.

    Parameters
    ----------
    dicom, bids_dir : Path
        The de-identified session, and the dataset.
    series : sequence of dict
        ``others`` of the plan.
    path : Path
        The record that is written.
    sourcedata : bool
        Whether the DICOM files are kept in the dataset.
    options : sequence of str
        Those of the de-identification.

    Returns
    -------
    dict
        Facts for the report.

    Raises
    ------
    InputError
        Some images of the plan were not made; all others are in the dataset.
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
    added = [(dicom / name, bids_dir / image) for name, image in images if image in new]
    enter(bids_dir, added, options)
    kept = keep_dicom(dicom, bids_dir / "sourcedata") if sourcedata else []
    problems = session.failed + [
        f"{left.image} was not made: BIDS requires {' and '.join(left.absent)}, which its header "
        f"does not hold. {remedy(left.absent, options)}."
        for left in session.left_out
    ]
    if problems:
        raise InputError(
            dicom.name,
            f"{len(problems)} planned images or series were not made: {' '.join(problems)}",
            "All others of the session are in the dataset",
        )
    write_json(path, {"session": dicom.name, **placed, "sourcedata": kept})
    return {
        "images": sorted(image for image in new if image.endswith(".nii.gz")),
        "kept": placed["kept"],
        "converter": ", ".join(sorted(session.converters)),
        "dropped": sorted(session.dropped),
        "sourcedata": kept,
        "warnings": session.warnings,
    }


if "snakemake" in globals():
    from ecdysis.conversion.entry import deid_options
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
                options=deid_options(),
            )
        )
