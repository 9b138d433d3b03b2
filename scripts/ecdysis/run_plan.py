"""The plan of a run: what each DICOM series becomes."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis import annex
from ecdysis.errors import InputError


def plan_of_run(settings: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
    """Index the DICOM folder, if there is one, and plan what each series becomes.

    A dry run uses a copy of the private folder, which is removed when this process ends.

    Raises
    ------
    InputError
        The folder has no DICOM file, or no series becomes an image.
    """
    if not settings["dicom_dir"]:
        return {}
    if settings["datalad"] == "get" and not dry_run:
        folder = Path(settings["dicom_dir"])
        annex.fetch(annex.pointers_below(folder), folder, "dicom_dir")
    plan = _plan_in_copy(settings) if dry_run else _plan(settings)
    if not plan["counts"]["dicom"]:
        raise InputError(
            "dicom_dir", "it has no DICOM file", "Give the folder that holds the scanner's files"
        )
    if settings["bids_dir"] and not (plan["images"] or plan["present"] or plan["others"]):
        raise InputError(
            "dicom_dir",
            f"none of its {len(plan['unmapped'])} series becomes an image "
            f"({plan['counts']['dicom']} DICOM files)",
            "See the reason of each with `snakemake plan`; name series in plan.tsv or study_rules",
        )
    return plan


def _plan_in_copy(settings: Mapping[str, Any]) -> dict[str, Any]:
    private, key = Path(settings["private_dir"]), Path(settings["key_file"])
    copy = Path(tempfile.mkdtemp(prefix="ecdysis-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    if private.is_dir():
        unused = shutil.ignore_patterns("logs", "ledger", "*.lock")
        shutil.copytree(private, copy, ignore=unused, dirs_exist_ok=True)
    key_file = key if key.is_file() else copy / "key"
    plan = _plan({**settings, "private_dir": str(copy), "key_file": str(key_file)})
    for session in plan["sessions"]:
        made = Path(session["files"])
        usual = private / made.relative_to(copy)
        if usual.is_file() and usual.read_bytes() == made.read_bytes():
            session["files"] = str(usual)
    return plan


def _plan(settings: Mapping[str, Any]) -> dict[str, Any]:
    from ecdysis.deid.instance import instance_cleaner
    from ecdysis.key import Key
    from ecdysis.planning.plan import plan_from

    plan = plan_from(settings).to_json()
    instance_cleaner(settings["deid"], Key.load(Path(settings["key_file"])), "sub-check")
    return plan
