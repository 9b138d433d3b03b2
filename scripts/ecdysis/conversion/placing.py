"""Putting new files into a dataset of which none is ever overwritten."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

from ecdysis.conversion.session import Session
from ecdysis.files import sha256, write_json


def place(session: Session, bids_dir: Path) -> dict[str, list[Any]]:
    """Put what was converted into the dataset: the image last, after all that describes it.

    Returns
    -------
    dict
        ``files`` (``path`` and ``sha256``) that are in the dataset now, and the paths of those
        that were ``kept`` as they were.
    """
    files, kept = [], []
    for one in session.staged:
        image = bids_dir / f"{one.output.path}.nii.gz"
        if one.source is None or image.exists():
            kept.append(f"{one.output.path}.nii.gz")
            files.append({"path": kept[-1], "sha256": sha256(image)})
            continue
        described = one.source.with_name(one.source.name.replace(".nii.gz", ".json"))
        write_json(described, one.sidecar)
        whole = (
            (described, f"{one.output.path}.json"),
            *one.beside,
            (one.source, f"{one.output.path}.nii.gz"),
        )
        for source, path in whole:
            if not place_new(source, bids_dir / path):
                kept.append(path)
            files.append({"path": path, "sha256": sha256(bids_dir / path)})
    return {"files": files, "kept": kept}


def keep_dicom(dicom: Path, sourcedata: Path) -> list[str]:
    """Copy the de-identified series that are not there yet; return their names."""
    folder = sourcedata.joinpath(*dicom.name.split("_"))
    copied = []
    for series in sorted(path for path in dicom.iterdir() if path.is_dir()):
        target = folder / series.name
        if not target.exists():
            partial = folder / f".{series.name}"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(series, partial)
            partial.rename(target)
            copied.append(series.name)
    return copied


def place_new(source: Path, target: Path) -> bool:
    """Give a finished file its name in the dataset unless the name is taken; say whether.

    It appears with all its bytes at once: a hard link is refused where the name exists.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
    near = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        shutil.copyfile(source, near)
        return _link(near, target)
    finally:
        near.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    return True
