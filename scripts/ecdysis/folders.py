"""Derive the folders of a run, and check that none contains another that it must not."""

import stat
from pathlib import Path
from typing import Any

from ecdysis.config_schema import all_settings
from ecdysis.errors import InputError

Settings = dict[str, Any]


def dataset(given: str | None, cwd: Path) -> Path | None:
    """Return the BIDS dataset: the one given, or `cwd` when it is one."""
    if given:
        return Path(given)
    return cwd if (cwd / "dataset_description.json").is_file() else None


def complete(settings: Settings) -> None:
    """Fill in the folders that follow from others, and check all paths.

    With a dataset, the results are a derivative of it, and the private folder is next to it. With
    only `deid_dir`, both are next to that folder. Without either, nothing is filled in.

    Raises
    ------
    InputError
        An input is missing, or a path is inside a folder where it must not be.
    """
    shard = f"-shard-{settings['shard'].replace('/', 'of')}" if settings["shard"] else ""
    if settings["bids_dir"]:
        home = settings["bids_dir"]
        results = f"{home}/derivatives/ecdysis{shard}"
        settings["share_dir"] = settings["share_dir"] or f"{home}-share"
    elif settings["deid_dir"]:
        home, results = settings["deid_dir"], f"{settings['deid_dir']}-report{shard}"
    else:
        return
    settings["output_dir"] = settings["output_dir"] or results
    settings["private_dir"] = settings["private_dir"] or f"{home}-private"
    settings["key_file"] = settings["key_file"] or f"{settings['private_dir']}/key"
    _check_names(settings)
    _check_inputs(settings)
    _check_places(settings)


def _check_names(settings: Settings) -> None:
    """Refuse paths that Snakemake cannot handle as names of its files."""
    for setting in all_settings():
        if "x-any-name" in setting.schema:
            continue
        for path in setting.paths(settings):
            if set("{}<>") & set(path) or not path.isprintable():
                raise InputError(
                    setting.name,
                    "its path has one of {}<>, a control character or bytes that are not UTF-8, "
                    "which Snakemake cannot handle",
                    "Rename the folder, or give a symbolic link to it",
                )


def _check_inputs(settings: Settings) -> None:
    if settings["dicom_dir"]:
        if not Path(settings["dicom_dir"]).is_dir():
            raise InputError(
                "dicom_dir",
                f"there is no directory {settings['dicom_dir']}",
                "Give the folder that holds the scanner's files",
            )
    elif not settings["bids_dir"]:
        raise InputError("deid_dir", "dicom_dir is not given", "Give the scanner's files as well")
    elif not Path(settings["bids_dir"]).is_dir():
        raise InputError(
            "bids_dir",
            f"there is no directory {settings['bids_dir']}",
            "Give the BIDS dataset, or give dicom_dir too to make one from scanner DICOM",
        )
    for setting in all_settings():
        for path in setting.paths(settings):
            if "x-exists" in setting.schema and not Path(path).exists():
                raise InputError(setting.name, f"{path} does not exist", "Correct the path")


def _check_places(settings: Settings) -> None:
    """Refuse outputs inside inputs, and private folders inside folders that are read or shared."""
    if settings["bids_dir"] == settings["output_dir"]:
        raise InputError(
            "output_dir", "it is bids_dir itself", "Give a directory below derivatives/"
        )
    for setting in all_settings():
        for path in setting.paths(settings):
            for folder in setting.outside:
                if settings[folder] and Path(path).is_relative_to(settings[folder]):
                    why = "never written to" if folder == "dicom_dir" else "read or shared"
                    raise InputError(
                        setting.name,
                        f"{path} lies inside {folder}, which is {why}",
                        f"Give a path outside {folder}",
                    )
    _check_raw_folders(settings)
    if settings["dicom_dir"]:
        _check_private(Path(settings["private_dir"]))


def _check_private(folder: Path) -> None:
    """Refuse a private folder that other users of the machine can read."""
    mode = stat.S_IMODE(folder.stat().st_mode) if folder.is_dir() else 0
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(
            "private_dir",
            f"{folder} has mode {mode:03o}, so other users can read it",
            f"Run: chmod 700 {folder}",
        )


def _check_raw_folders(settings: Settings) -> None:
    """Refuse an output directory inside the raw data of a subject."""
    if not settings["bids_dir"]:
        return
    output, home = Path(settings["output_dir"]), Path(settings["bids_dir"])
    if output.is_relative_to(home):
        first = output.relative_to(home).parts[0]
        if first.startswith("sub-") or first in ("code", "stimuli", "sourcedata"):
            raise InputError(
                "output_dir",
                f"{output} lies inside {first} of the dataset, which holds its raw files",
                "Give a directory below derivatives/, or one outside the dataset",
            )
