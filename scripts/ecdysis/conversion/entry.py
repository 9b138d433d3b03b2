"""Entering new images of a session into the tables of the dataset."""

from collections.abc import Sequence
from pathlib import Path

from ecdysis.conversion.tables import LOCK, acquisition_time, add_participant, add_scans, person_of
from ecdysis.files import read_json
from ecdysis.places import MANIFEST, converted_file


def enter(
    bids_dir: Path,
    images: Sequence[tuple[Path, Path]],
    options: Sequence[str] = (),
    lock: Path = LOCK,
) -> dict[str, str]:
    """Give images of one session, and the participant, their rows; return the ``acq_time`` given.

    Parameters
    ----------
    bids_dir : Path
    images : sequence of (Path, Path)
        Folder of the de-identified series, and image in the dataset with its sidecar beside.
    options : sequence of str
        Those of the de-identification: dates that it moved are written as BIDS asks.
    lock : Path
        File that is locked meanwhile.
    """
    from pydicom import dcmread

    coming = _coming()
    times = {}
    for series, image in images:
        first = min(series.iterdir())
        header = dcmread(first, stop_before_pixels=True)
        label, *session = image.relative_to(bids_dir).parts[:-2]
        folder = bids_dir.joinpath(label, *session)
        add_participant(bids_dir, label, person_of(header), lock, coming)
        sidecar = read_json(image.with_name(image.name.replace(".nii.gz", ".json")))
        if time := acquisition_time(header, sidecar, moved=MOVED_DATES in options):
            times[image.relative_to(folder).as_posix()] = time
            name = "_".join([label, *session, "scans.tsv"])
            add_scans(folder / name, {image.relative_to(folder).as_posix(): time}, lock)
    return times


MOVED_DATES = "retain_dates_modified"


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
        one for one in plan["others"] if not Path(converted_file(one["dicom_session"])).exists()
    ]
    return {f"sub-{one['subject']}" for one in [*plan["images"], *waiting]}
