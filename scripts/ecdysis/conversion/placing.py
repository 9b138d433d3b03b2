"""New files for a dataset: no file is ever overwritten."""

import errno
import os
import shutil
from pathlib import Path


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
