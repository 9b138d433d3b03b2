"""The results of subjects and jobs, from the status records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import read_remembered
from ecdysis.report.records import load_run
from ecdysis.report.status import PROBLEMS, Status, entries_of, worst


def status_of(output_dir: Path, manifest: Mapping[str, Any], subject: str) -> str:
    """Return ``done``, ``review`` or ``failed`` for a subject, a label without ``sub-``.

    `manifest` is that of the output directory, or empty. Quality flags are not known before the
    table of the whole study is written.
    """
    own = {
        key: [item for item in manifest.get(key, ()) if str(item["subject"]) == subject]
        for key in ("images", "excluded")
    }
    try:
        run = load_run(output_dir, only=subject, manifest={**manifest, **own})
    except (InputError, KeyError):
        return "done"
    status = worst(entry for entry in entries_of(run, {}) if entry.subject.label == subject)
    if status in PROBLEMS:
        return "failed"
    return "review" if status is Status.REVIEW else "done"


def reason_of(log: Path, unit: str) -> tuple[str, str] | None:
    """Return the stage and the reason of a job that recorded its failure.

    `unit` is its session or subject; private logs are not next to their records.
    """
    files = [*log.parent.glob("*.status.json"), *Path("logs", unit).glob("*.status.json")]
    failed = [record for record in map(read_remembered, files) if record.get("state") == "failed"]
    # Records do not name private logs, whose paths are absolute; logs in the results are relative.
    unnamed = str(log) if log.is_absolute() else None
    own = [record for record in failed if (record.get("log") or unnamed) == str(log)]
    if not own:
        return None
    newest = max(own, key=lambda record: str(record.get("started")))
    return str(newest.get("stage")), str(newest.get("reason"))
