"""The plan that the settings of a run ask for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.key import Key
from ecdysis.planning.decide import Wishes
from ecdysis.planning.export import plan_export
from ecdysis.planning.plan import Plan, plan
from ecdysis.planning.study_rules import read_study_rules


def plan_from(settings: Mapping[str, Any]) -> Plan | dict[str, Any]:
    """Plan what the settings ask for: a conversion, or without a dataset a de-identification.

    Raises
    ------
    InputError
        See `plan_conversion`.
    """
    if settings["bids_dir"]:
        return plan_conversion(settings)
    return plan_export(
        Path(settings["dicom_dir"]),
        Path(settings["private_dir"]),
        Path(settings["deid_dir"]),
        Key.load(Path(settings["key_file"])),
        _file(settings, "participants_map"),
    )


def plan_conversion(settings: Mapping[str, Any]) -> Plan:
    """Plan what becomes of the scanner's files in a dataset.

    Raises
    ------
    InputError
        See `ecdysis.planning.plan.plan` and `ecdysis.planning.study_rules.read_study_rules`; or a
        file that the settings name is not there.
    """
    table, rules, people = (
        _file(settings, key) for key in ("plan", "study_rules", "participants_map")
    )
    return plan(
        Path(settings["dicom_dir"]),
        Path(settings["private_dir"]),
        Path(settings["bids_dir"]),
        Key.load(Path(settings["key_file"])),
        people,
        Wishes(
            tuple(settings["suffixes"]),
            settings["convert"]["others"],
            rules=read_study_rules(rules) if rules else (),
        ),
        table,
    )


def _file(settings: Mapping[str, Any], key: str) -> Path | None:
    if settings[key] is None:
        return None
    path = Path(settings[key])
    if not path.is_file():
        raise InputError(f"config {key}", "there is no such file", "Correct its path")
    return path
