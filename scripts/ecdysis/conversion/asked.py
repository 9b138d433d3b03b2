"""Which sessions a run has to convert, besides the images that are processed further."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.bids.outputs import Output
from ecdysis.places import converted_file


def sessions_to_convert(
    plan: Mapping[str, Any],
    subjects: Iterable[str],
    output_dir: Path,
    bids_dir: Path,
    *,
    keep_sourcedata: bool,
) -> list[str]:
    """Return the sessions whose record of conversion is wanted.

    These are those that lack an image, and those that have a record already, so that Snakemake
    sees when it is out of date. A session that is wholly in the dataset is left alone.

    Parameters
    ----------
    plan : dict
        See `ecdysis.planning.plan.Plan`.
    subjects : iterable of str
        Labels of those who were asked for.
    output_dir, bids_dir : Path
    keep_sourcedata : bool
        Whether de-identified DICOM is to be kept.
    """
    asked = set(subjects)
    planned = [one for one in plan.get("sessions", []) if one["subject"] in asked]
    others = _by_session(plan)
    return [
        one["session"]
        for one in planned
        if any(not _there(bids_dir, path) for path in others.get(one["session"], []))
        or (one["session"] in others and (output_dir / converted_file(one["session"])).exists())
        or keep_sourcedata
    ]


def forget_lost(plan: Mapping[str, Any], output_dir: Path, bids_dir: Path) -> list[str]:
    """Remove the records of sessions of which an image was taken away; return their names.

    So the image is made anew.
    """
    lost = []
    for session, paths in _by_session(plan).items():
        record = output_dir / converted_file(session)
        if record.is_file() and any(not _there(bids_dir, path) for path in paths):
            record.unlink()
            lost.append(session)
    return lost


def _by_session(plan: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the images of each session, without extension."""
    found: dict[str, list[str]] = {}
    for one in plan.get("others", []):
        images: Sequence[str] = [Output(**output).path for output in one["outputs"]]
        found.setdefault(one["dicom_session"], []).extend(images)
    return found


def _there(bids_dir: Path, path: str) -> bool:
    return (bids_dir / f"{path}.nii.gz").exists()
