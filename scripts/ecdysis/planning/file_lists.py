"""The list of a session's files, by which its de-identification finds them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from ecdysis.planning.series import Series, paths
from ecdysis.planning.sessions import Session
from ecdysis.private_files import write_private_json


def write_file_list(
    private_dir: Path, root: Path, session: Session, series: Sequence[Series]
) -> Path:
    """Write ``sessions/<session>.json`` of the private folder, when it changes; return it.

    Parameters
    ----------
    private_dir : Path
    root : Path
        The folder that the paths of the series are relative to.
    session : Session
    series : sequence of Series
        Those of the session that are wanted.
    """
    target = private_dir / "sessions" / f"{session.name}.json"
    listed = {one.id: paths(one, root) for one in sorted(series, key=lambda one: one.id)}
    stats = sorted([one.path, one.size, one.mtime_ns] for each in series for one in each.instances)
    content = {
        "session": session.name,
        "subject": session.subject,
        "series": listed,
        # so that a file that changed makes a new list
        "state": hashlib.sha256(json.dumps(stats).encode()).hexdigest(),
    }
    write_private_json(target, content)
    return target
