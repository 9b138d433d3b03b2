"""What is fuzzed: each target takes bytes and raises when the code under it misbehaves.

A target swallows the errors that a user is told (InputError and its like for single files)
and lets through everything else: any other exception, and what takes longer than `SECONDS`.
"""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecdysis.bids.discovery import SAFE_PATH, Selection, discover
from ecdysis.deid.instance import InstanceCleaner
from ecdysis.dicom.elements import RefusedError
from ecdysis.dicom.header import HeaderReader, UnusableError
from ecdysis.dicom.part10 import open_part10
from ecdysis.errors import InputError
from ecdysis.image import nifti
from ecdysis.image.reorient import reorient
from ecdysis.key import Key
from ecdysis.planning.participants_map import read_map
from ecdysis.planning.rulings import read_rulings, read_study_rules
from ecdysis.settings import resolve

SECONDS = 10
"""What one input may take, on a machine that does other things too."""

OPTIONS = ["clean_descriptors", "retain_dates_modified", "retain_safe_private", "clean_graphics",
           "clean_structured_content"]  # fmt: skip
CLEANER = InstanceCleaner({"options": OPTIONS}, Key(bytes(range(32))), "sub-01")
WORK = Path(tempfile.mkdtemp(prefix="fuzz-"))


def clean_dicom(data: bytes) -> None:
    """What passes the cleaner must be a data set that it can read again."""
    try:
        result = CLEANER.clean(data)
    except RefusedError:
        return
    content = b"".join(bytes(chunk) for chunk in result.chunks)
    file = open_part10(content)
    assert not file.elements or file.elements[-1].end == len(file.reader.data)


def index_dicom(data: bytes) -> None:
    """The index says of every file what it is, or why it cannot be used."""
    import pydicom.config

    path = _file("a.dcm", data)
    with pydicom.config.disable_value_validation():
        try:
            HeaderReader([]).read(path, len(data))
        except UnusableError as error:
            _told(error)


def check_nifti(data: bytes) -> None:
    """What passes the preflight is reoriented or refused, and its voxels stay what they were."""
    for name in ("a.nii", "a.nii.gz"):
        path = _file(name, data)
        try:
            nifti.preflight(path)
            reorient(path, WORK / "reoriented.nii", "RAS")
        except InputError as error:
            _told(error)


def discover_names(data: bytes) -> None:
    """Names of any bytes end as images with safe paths or as exclusions with printable ones."""
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        for line in data.split(b"\n")[:20]:
            parts = [part for part in line.split(b"/") if part not in (b"", b".", b"..")]
            path = Path(folder, *map(os.fsdecode, parts))
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(exist_ok=False)
            except (OSError, ValueError):
                continue
        try:
            images, exclusions, _ = discover(Path(folder), Selection(), lambda path: None)
        except InputError:
            return
        for image in images:
            assert SAFE_PATH.fullmatch(str(Path(image.path).relative_to(folder)))
        for item in exclusions:
            assert (item.image or "").isprintable()
            assert item.subject.isprintable()


def read_settings(data: bytes) -> None:
    """Settings, rules and tables of any bytes are taken or refused."""
    study = WORK / "study"
    (study / "code").mkdir(parents=True, exist_ok=True)
    (study / "dataset_description.json").write_text("{}")
    (study / "code/ecdysis.yaml").write_bytes(data)
    path = _file("table", data)
    readers: list[Callable[[], object]] = [
        lambda: resolve({}, study),
        lambda: read_study_rules(path),
        lambda: read_rulings(path),
        lambda: read_map(path),
        lambda: InstanceCleaner({"edits": [str(path)]}, Key(bytes(range(32))), "sub-01"),
    ]
    for read in readers:
        try:
            read()
        except InputError as error:
            _told(error)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "cleaner": clean_dicom,
    "index": index_dicom,
    "nifti": check_nifti,
    "discovery": discover_names,
    "config": read_settings,
}


@contextmanager
def timed() -> Iterator[None]:
    """Raise a TimeoutError in a block that takes too long."""

    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"it takes longer than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _told(error: Exception) -> None:
    """Check that an error can be shown to a user."""
    assert str(error).replace("\n", "").isprintable(), str(error)
    assert len(str(error)) < 5000, str(error)


def _file(name: str, data: bytes) -> Path:
    path = WORK / name
    path.write_bytes(data)
    return path
