"""Checks at the start of a run, each with one sentence that names the mistake and the remedy."""

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import read_json

OF_DICOM = ("plan", "headers", "deidentify")
"""Targets that read scanner files."""
DEMO = "see how the workflow runs with: snakemake --cores 2 demo"


def check_targets(settings: Mapping[str, Any], targets: Collection[str]) -> None:
    """Raise an InputError when a setting that a target needs is not given.

    No target means ``all``.
    """
    for target in targets:
        if target in OF_DICOM and not settings["dicom_dir"]:
            raise InputError(
                f"target {target}", "dicom_dir is not given", "Add --config dicom_dir=SCANS"
            )
        if target == "plan":
            _check_dicom(Path(settings["dicom_dir"]))
        if target in ("headers", "deidentify") and not settings["private_dir"]:
            raise InputError(
                f"target {target}",
                "deid_dir is not given",
                "Add deid_dir=CLEAN after --config, the folder for the de-identified files",
            )
        if target in ("report", "share") and not settings["output_dir"]:
            raise InputError(
                f"target {target}",
                "bids_dir is not given",
                "Add --config bids_dir=STUDY, or output_dir as well if you gave it to the run",
            )
        if target == "share" and not settings["bids_dir"]:
            raise InputError(
                "target share", "there is no BIDS dataset to share", "Add --config bids_dir=STUDY"
            )
    if not targets or "all" in targets:
        _check_default_target(settings)


def _check_dicom(root: Path) -> None:
    """Raise an InputError if a folder contains no DICOM file."""
    from ecdysis.dicom.header import HeaderReader, UnusableError
    from ecdysis.dicom.index import NOT_DICOM, walk

    remedy = "Give the folder that holds the scanner's files"
    if not root.is_dir():
        raise InputError("dicom_dir", f"there is no directory {root}", remedy)
    reader = HeaderReader([])
    for path, size, _ in walk(root, (), {}):
        try:
            reader.read(root / path, size)
        except UnusableError as reason:
            if str(reason) in NOT_DICOM:
                continue
        return
    raise InputError(f"dicom_dir {root}", "it has no DICOM file", remedy)


def _check_default_target(settings: Mapping[str, Any]) -> None:
    if settings["shards"]:
        raise InputError(
            "shards", "they are joined by the target report only", "Run: snakemake report"
        )
    if settings["bids_dir"] or settings["deid_dir"]:
        return
    if settings["dicom_dir"]:
        raise InputError(
            "dicom_dir",
            "the dataset to make of it is not given",
            "Add bids_dir=STUDY after --config, or deid_dir=CLEAN to de-identify only",
        )
    raise InputError(
        "bids_dir",
        "no dataset is given, and the working directory is not one",
        f"Add --config bids_dir=STUDY, or {DEMO}",
    )


def check_dataset(bids_dir: Path) -> list[str]:
    """Check that a folder is a raw BIDS dataset; return notices about it.

    Raises
    ------
    InputError
        It is a derivative dataset, or it has no subject.
    """
    description = bids_dir / "dataset_description.json"
    content: Any = {}
    notices = []
    if description.is_file():
        try:
            content = read_json(description)
        except (OSError, ValueError, RecursionError) as error:
            problem = f"cannot be read as JSON ({type(error).__name__})"
            notices.append(f"{description} {problem}. The dataset is processed all the same.")
    if isinstance(content, dict) and content.get("DatasetType") == "derivative":
        raise InputError(
            f"bids_dir {bids_dir}",
            "it is a derivative dataset (DatasetType in dataset_description.json)",
            "Give the raw dataset that it was made from",
        )
    if not any(path.is_dir() for path in bids_dir.glob("sub-*")):
        raise InputError(
            f"bids_dir {bids_dir}",
            "it has no folder sub-<label>",
            "Give the root folder of a BIDS dataset, or give dicom_dir to fill it from DICOM",
        )
    if description.is_file():
        return notices
    return [
        f"{bids_dir} has no dataset_description.json, which BIDS requires. It is processed all the "
        'same; add the file, such as {"Name": "My study", "BIDSVersion": "1.10.1"}.'
    ]


@contextmanager
def undone_on_error(settings: Mapping[str, Any]) -> Iterator[None]:
    """Remove the folders that the block made, when it ends with an InputError.

    Only `output_dir`, `private_dir` and the key are removed, and only if they did not exist before;
    the folders above them only if they are empty.
    """
    places = [Path(settings[key]) for key in ("output_dir", "private_dir") if settings[key]]
    made = [place for place in places if not place.exists()]
    key = Path(settings["key_file"]) if settings["key_file"] else None
    had_key = key is None or key.exists()
    above = {folder for place in made for folder in place.parents if not folder.exists()}
    try:
        yield
    except InputError:
        for place in made:
            shutil.rmtree(place, ignore_errors=True)
        if key and not had_key:
            key.unlink(missing_ok=True)
        for folder in sorted(above, reverse=True):
            with suppress(OSError):
                folder.rmdir()
        raise


def remove_made(paths: Collection[Path]) -> None:
    """Remove files, and folders that contain only empty folders."""
    for path in paths:
        if path.is_file():
            path.unlink()
        below = [folder for folder in path.rglob("*") if folder.is_dir()]
        for folder in [*sorted(below, reverse=True), path]:
            with suppress(OSError):
                folder.rmdir()
