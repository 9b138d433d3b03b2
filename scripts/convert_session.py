"""Place the images of a session that are not processed further: functional, diffusion, field maps.

A series that cannot be converted does not stop the others, but the job fails and gives the reason.
Existing files of the dataset are not changed.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.conversion.dataset import add_to_tables, keep_dicom
from ecdysis.conversion.nifti import NiftiSeries
from ecdysis.conversion.session import Session, place, stage_session
from ecdysis.conversion.sidecar import remedy
from ecdysis.errors import InputError
from ecdysis.files import write_json
from ecdysis.planning.entries import OtherSeries, read_entry


def place_session(
    nifti: Mapping[str, NiftiSeries],
    dicom: Path,
    bids_dir: Path,
    series: Sequence[OtherSeries],
    path: Path,
    *,
    sourcedata: bool,
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """Place the images of a session and write the record `path`; return facts for the report.

    `nifti` are the converted files by the name of the series, `dicom` is the de-identified session,
    whose files are kept in the dataset with `sourcedata`, and `options` are those of the
    de-identification.

    Raises
    ------
    InputError
        Some planned images were not made; all others are in the dataset.
    """
    staging = path.with_name(f".{path.stem}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        session = stage_session(nifti, bids_dir, series, staging, dicom.name)
        files, existing = place(session, bids_dir)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    new = {file["path"] for file in files} - set(existing)
    images = [(image.series, image.path) for image in session.staged]
    added = [(nifti[name], bids_dir / image) for name, image in images if image in new]
    add_to_tables(bids_dir, added, options)
    copied = keep_dicom(dicom, bids_dir / "sourcedata") if sourcedata else []
    if problems := _problems_of(session, options):
        problem = f"{len(problems)} planned images or series were not made: {' '.join(problems)}"
        raise InputError(dicom.name, problem, "All other images of the session are in the dataset")
    record = {"session": dicom.name, "files": files, "kept": existing, "sourcedata": copied}
    write_json(path, record)
    return {
        "images": sorted(image for image in new if image.endswith(".nii.gz")),
        "kept": existing,
        "converter": ", ".join(sorted(session.converters)),
        "dropped": sorted(session.dropped),
        "sourcedata": copied,
        "warnings": session.warnings,
    }


def _problems_of(session: Session, options: Sequence[str]) -> list[str]:
    return session.failed + [
        f"{left.image} was not made: BIDS requires {' and '.join(left.absent)}, which its header "
        f"does not have. {remedy(left.absent, options)}."
        for left in session.left_out
    ]


if "snakemake" in globals():
    from ecdysis.conversion.dataset import deid_options
    from ecdysis.conversion.nifti import read_nifti
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "convert_session") as details:
        others = [read_entry(OtherSeries, fields) for fields in job.params.series]
        details.update(
            place_session(
                read_nifti(Path(job.input.nifti)) if others else {},
                Path(job.input.dicom),
                Path(job.input.description).parent,
                others,
                Path(job.output.record),
                sourcedata=job.params.keep_sourcedata,
                options=deid_options(),
            )
        )
