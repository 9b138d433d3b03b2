"""The end of a job's log, fit to be shown on a page."""

import re
from pathlib import Path

from ecdysis.report.model import Stage

LOG_LINES = 40
LOG_BYTES = 64_000
"""So much of the end of a log is read."""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def log_tail(output_dir: Path, stage: Stage) -> str | None:
    """Return the last `LOG_LINES` lines of a stage's log, without control characters.

    None when the stage has no log that may be shown: a record can only name a log inside the
    output directory.
    """
    if not stage.log:
        return None
    path = (output_dir / stage.log).resolve()
    if not path.is_relative_to(output_dir.resolve()) or not path.is_file():
        return None
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - LOG_BYTES))
        text = stream.read().decode("utf-8", errors="replace")
    return "\n".join(_ESCAPES.sub("", text).splitlines()[-LOG_LINES:])
