"""The plan of a run that de-identifies and does nothing else: every series of every session."""

from collections import Counter
from pathlib import Path
from typing import Any

from ecdysis.dicom.index import index
from ecdysis.key import Key
from ecdysis.planning.file_lists import write_file_list
from ecdysis.planning.labels import assign
from ecdysis.planning.series import group
from ecdysis.planning.sessions import by_session
from ecdysis.private_files import private_folder, write_private_table


def plan_export(
    dicom_dir: Path, private_dir: Path, deid_dir: Path, key: Key, participants_map: Path | None
) -> dict[str, Any]:
    """List the sessions below a folder, with all of their series.

    Parameters
    ----------
    dicom_dir : Path
        Any folder tree; it is only read.
    private_dir : Path
        Made with mode 700; holds the header index, the labels given so far, the file list of
        each session, and ``skipped.tsv`` with the files that are left out.
    deid_dir : Path
        Where the de-identified files will go.
    key : Key
        The study's key.
    participants_map : Path or None
        See `ecdysis.planning.participants_map.read_map`.

    Returns
    -------
    dict
        ``sessions``, ``excluded``, ``notices`` and ``counts``, as in `ecdysis.planning.plan.Plan`.

    Raises
    ------
    InputError
        `dicom_dir` is no folder, or labels cannot be given.
    """
    private_folder(private_dir)
    found = index(dicom_dir, private_dir / "dicom_index.json", (private_dir, deid_dir))
    every = group(found, key)
    labels = assign(every, key, private_dir / "labels.tsv", deid_dir, participants_map)
    sessions, refused = by_session(every, labels)
    write_private_table(
        private_dir / "skipped.tsv", ("file", "reason"), sorted(found.skipped.items())
    )
    left_out = Counter(found.counts())
    for one in refused:
        left_out[one.reason] += len(one.series.instances)
    return {
        "sessions": [
            {
                "session": session.name,
                "subject": session.subject,
                "label": session.label,
                "files": str(write_file_list(private_dir, found.root, session, series)),
            }
            for session, series in sessions.items()
        ],
        "excluded": [
            {"session": None, "subject": None, "series": None, "files": files, "reason": reason}
            for reason, files in left_out.items()
        ],
        "notices": list(labels.notices),
        "counts": {"dicom": len(found.instances)},
    }
