"""The plan of a run: what each DICOM series becomes, and which sessions must be converted."""

import atexit
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecdysis import annex
from ecdysis.bids.outputs import Output
from ecdysis.errors import InputError
from ecdysis.places import converted_file
from ecdysis.planning.entries import Plan, PlannedSession


def plan_of_run(settings: Mapping[str, Any], *, dry_run: bool = False) -> Plan:
    """Return what each DICOM series becomes; an empty plan without a DICOM folder.

    A dry run uses a copy of the private folder, which is removed when this process ends.

    Raises
    ------
    InputError
        The folder has no DICOM file, or no series becomes an image.
    """
    if not settings["dicom_dir"]:
        return Plan()
    if settings["datalad"] == "get" and not dry_run:
        folder = Path(settings["dicom_dir"])
        annex.fetch(annex.pointers_below(folder), folder, "dicom_dir")
    plan = _plan_in_copy(settings) if dry_run else _plan(settings)
    if not plan.counts["dicom"]:
        raise InputError(
            "dicom_dir", "it has no DICOM file", "Give the folder with the scanner's files"
        )
    if settings["bids_dir"] and not (plan.images or plan.present or plan.others):
        raise InputError(
            "dicom_dir",
            f"none of its {len(plan.unmapped)} series becomes an image "
            f"({plan.counts['dicom']} DICOM files)",
            "See the reason of each with `snakemake plan`; name series in plan.tsv or study_rules",
        )
    return plan


def _plan_in_copy(settings: Mapping[str, Any]) -> Plan:
    private, key = Path(settings["private_dir"]), Path(settings["key_file"])
    copy = Path(tempfile.mkdtemp(prefix="ecdysis-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    if private.is_dir():
        unused = shutil.ignore_patterns("logs", "ledger", "*.lock")
        shutil.copytree(private, copy, ignore=unused, dirs_exist_ok=True)
    key_file = key if key.is_file() else copy / "key"
    plan = _plan({**settings, "private_dir": str(copy), "key_file": str(key_file)})
    sessions = [_with_usual_list(session, copy, private) for session in plan.sessions]
    return replace(plan, sessions=sessions)


def _with_usual_list(session: PlannedSession, copy: Path, private: Path) -> PlannedSession:
    """Return a session with the list of files in the private folder, if it has the same content."""
    copied = Path(session.files)
    usual = private / copied.relative_to(copy)
    if usual.is_file() and usual.read_bytes() == copied.read_bytes():
        return replace(session, files=str(usual))
    return session


def _plan(settings: Mapping[str, Any]) -> Plan:
    from ecdysis.deid.instance import InstanceCleaner
    from ecdysis.key import Key
    from ecdysis.planning.plan import plan_from

    plan = plan_from(settings)
    # This checks the settings of the de-identification before any job runs.
    InstanceCleaner(settings["deid"], Key.load(Path(settings["key_file"])), "sub-check")
    return plan


def sessions_to_convert(
    plan: Plan,
    subjects: Iterable[str],
    output_dir: Path,
    bids_dir: Path,
    *,
    keep_sourcedata: bool,
) -> list[str]:
    """Return the sessions whose record of conversion is a target of the run.

    These are sessions with a missing image, and sessions that have a record already, so that
    Snakemake notices if the record is out of date. Without a record, a session whose images are all
    in the dataset is not converted, unless de-identified DICOM files are kept in the dataset
    (`keep_sourcedata`). `subjects` are the labels of the selected subjects.
    """
    selected = set(subjects)
    images = _images_by_session(plan)
    return [
        session.session
        for session in plan.sessions
        if session.subject in selected
        and (
            keep_sourcedata
            or any(not image.is_in(bids_dir) for image in images.get(session.session, []))
            or (session.session in images and _record(output_dir, session.session).exists())
        )
    ]


def forget_lost(plan: Plan, output_dir: Path, bids_dir: Path) -> list[str]:
    """Remove the records of sessions with a missing image; return the names of these sessions.

    They are then converted again.
    """
    lost = []
    for session, images in _images_by_session(plan).items():
        record = _record(output_dir, session)
        if record.is_file() and any(not image.is_in(bids_dir) for image in images):
            record.unlink()
            lost.append(session)
    return lost


def _images_by_session(plan: Plan) -> dict[str, list[Output]]:
    images: dict[str, list[Output]] = {}
    for series in plan.others:
        images.setdefault(series.dicom_session, []).extend(series.outputs)
    return images


def _record(output_dir: Path, session: str) -> Path:
    return output_dir / converted_file(session)
