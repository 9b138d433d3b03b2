"""The folders of a run: which follow from which, and which must not lie in one another."""

from pathlib import Path
from typing import Any

from ecdysis.errors import InputError

Settings = dict[str, Any]

FOLDERS = ("bids_dir", "dicom_dir", "deid_dir", "output_dir", "private_dir")
FILES = ("key_file", "participants_map", "plan", "study_rules", "container")
SECRET = ("private_dir", "key_file", "plan", "linkage_dir")
"""What only its owner may read, and so lies outside everything that is read or shared."""


def dataset(given: str | None, cwd: Path) -> Path | None:
    """Return the BIDS dataset: the one given, or `cwd` when it is one."""
    if given:
        return Path(given)
    return cwd if (cwd / "dataset_description.json").is_file() else None


def complete(settings: Settings) -> None:
    """Fill in the folders that follow from others, and check all of them.

    With a dataset the results are a derivative of it, and what is private lies beside it.
    With `deid_dir` alone both lie beside that folder. With neither nothing is filled in.

    Raises
    ------
    InputError
        A folder is missing, or would mix inputs, outputs and secrets.
    """
    shard = f"-shard-{settings['shard'].replace('/', 'of')}" if settings["shard"] else ""
    if settings["bids_dir"]:
        home = settings["bids_dir"]
        results = f"{home}/derivatives/ecdysis{shard}"
    elif settings["deid_dir"]:
        home, results = settings["deid_dir"], f"{settings['deid_dir']}-report{shard}"
    else:
        return
    settings["output_dir"] = settings["output_dir"] or results
    settings["private_dir"] = settings["private_dir"] or f"{home}-private"
    settings["key_file"] = settings["key_file"] or f"{settings['private_dir']}/key"
    places = {key: Path(settings[key]) for key in (*FOLDERS, *FILES) if settings[key]}
    if settings["deid"]["linkage_dir"]:
        places["linkage_dir"] = Path(settings["deid"]["linkage_dir"])
    edits = [edit for edit in settings["deid"]["edits"] if isinstance(edit, str)]
    _check_names(places | {f"deid.edits[{at}]": Path(edit) for at, edit in enumerate(edits)})
    _check_inputs(places)
    _check_apart(places)


def _check_names(places: dict[str, Path]) -> None:
    for key, place in places.items():
        if set("{}<>") & set(str(place)) or not str(place).isprintable():
            raise InputError(
                key,
                "its path has one of {}<>, a control character or bytes that are no UTF-8, which "
                "Snakemake cannot handle",
                "Rename the folder, or reach it by a symbolic link",
            )


def _check_inputs(places: dict[str, Path]) -> None:
    if "dicom_dir" in places:
        if not places["dicom_dir"].is_dir():
            raise InputError(
                "dicom_dir",
                f"there is no directory {places['dicom_dir']}",
                "Give the folder that holds the scanner's files",
            )
    elif "bids_dir" not in places:
        raise InputError("deid_dir", "dicom_dir is not given", "Give the scanner's files as well")
    elif not places["bids_dir"].is_dir():
        raise InputError(
            "bids_dir",
            f"there is no directory {places['bids_dir']}",
            "Give the BIDS dataset, or dicom_dir as well to make one from scanner DICOM",
        )


def _check_apart(places: dict[str, Path]) -> None:
    """Refuse an output inside an input, a secret inside either, and one folder for two things."""
    if places.get("bids_dir") == places["output_dir"]:
        raise InputError(
            "output_dir", "it is bids_dir itself", "Give a directory below derivatives/"
        )
    for key in ("bids_dir", "deid_dir", "output_dir"):
        if key in places and _inside(places[key], places.get("dicom_dir")):
            raise InputError(
                key,
                "it lies inside dicom_dir, which is never written to",
                "Give a place outside the DICOM folder",
            )
    for key in SECRET:
        for where in ("bids_dir", "deid_dir", "output_dir", "dicom_dir"):
            if key in places and _inside(places[key], places.get(where)):
                raise InputError(
                    key,
                    f"{places[key]} lies inside {places[where]}, which is read or shared",
                    "Give a place outside the DICOM folder, the dataset and the results",
                )


def _inside(place: Path, folder: Path | None) -> bool:
    return folder is not None and place.is_relative_to(folder)
