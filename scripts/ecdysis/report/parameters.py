"""By which parameters a stage worked: the settings of the run, and the recipe where it has one."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ecdysis.skullstrip.brain_recipe import RECIPE

SETTINGS = {
    "deidentify": ("deid",),
    "convert": ("convert",),
    "reorient": ("reorient",),
    "skullstrip": ("skullstrip", "ants"),
    "crop": ("crop",),
    "deface": ("deface",),
}


def parameters_of(settings: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """Return the settings that a stage heeds, by their place in the configuration."""
    keys = (key for key in SETTINGS.get(stage, ()) if key in settings)
    found: dict[str, Any] = {key: settings[key] for key in keys}
    if stage == "skullstrip" and settings.get("skullstrip", {}).get("method") == "ants":
        found["recipe"] = asdict(RECIPE)
    return found
