"""Enter new images of a session into the tables of the dataset."""

from collections.abc import Sequence
from pathlib import Path

from ecdysis.conversion.nifti import NiftiSeries
from ecdysis.conversion.tables import LOCK, acquisition_time, add_participant, add_scans
from ecdysis.files import read_json
from ecdysis.places import MANIFEST, converted_file

MOVED_DATES = "retain_dates_modified"


def enter(
    bids_dir: Path,
    images: Sequence[tuple[NiftiSeries, Path]],
    options: Sequence[str] = (),
    lock: Path = LOCK,
) -> dict[str, str]:
    """Give images of one session, and the participant, their rows; return their ``acq_time``.

    Parameters
    ----------
    bids_dir : Path
    images : sequence of (NiftiSeries, Path)
        The series, and its image in the dataset with its sidecar beside.
    options : sequence of str
        Those of the de-identification: dates that it moved are written as BIDS asks.
    lock : Path
        File that is locked meanwhile.
    """
    coming = _coming()
    times = {}
    for series, image in images:
        label, *session = image.relative_to(bids_dir).parts[:-2]
        folder = bids_dir.joinpath(label, *session)
        add_participant(bids_dir, label, series.person, lock, coming)
        sidecar = read_json(image.with_name(image.name.replace(".nii.gz", ".json")))
        if time := acquisition_time(series.date, sidecar, moved=MOVED_DATES in options):
            path = image.relative_to(folder).as_posix()
            times[path] = time
            name = "_".join([label, *session, "scans.tsv"])
            add_scans(folder / name, {path: time}, lock)
    return times


def deid_options() -> list[str]:
    """Return the options of this run's de-identification, by its manifest."""
    settings = read_json(MANIFEST)["settings"] if MANIFEST.is_file() else {}
    return list(settings.get("deid", {}).get("options", ()))


def _coming() -> set[str]:
    """Return the participants of whom this run has something to convert, by its manifest."""
    if not MANIFEST.is_file():
        return set()
    plan = read_json(MANIFEST)["plan"]
    waiting = [
        item for item in plan["others"] if not Path(converted_file(item["dicom_session"])).exists()
    ]
    return {f"sub-{item['subject']}" for item in [*plan["images"], *waiting]}
