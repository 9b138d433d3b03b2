"""What a subject's page shows of a stage: its parameters and the end of its log."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ecdysis.report.model import Stage
from ecdysis.skullstrip.brain_recipe import RECIPE

SETTINGS = {
    "deidentify": ("deid",),
    "convert": ("convert",),
    "reorient": ("reorient",),
    "skullstrip": ("skullstrip", "ants"),
    "crop": ("crop",),
    "deface": ("deface",),
}
"""The sections of the configuration that a stage reads."""
LOG_LINES, LOG_BYTES = 40, 64_000
"""Maximum length of the part of a log that is shown, and of the part that is read."""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def parameters_of(settings: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """Return the settings that a stage reads, by section, and the recipe of skull stripping."""
    parameters = {key: settings[key] for key in SETTINGS.get(stage, ()) if key in settings}
    if stage == "skullstrip" and settings.get("skullstrip", {}).get("method") == "ants":
        parameters["recipe"] = asdict(RECIPE)
    return parameters


def log_tail(output_dir: Path, stage: Stage) -> str | None:
    """Return the last lines of a stage's log without control characters.

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
