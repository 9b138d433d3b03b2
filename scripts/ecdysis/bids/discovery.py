"""Which images a BIDS dataset holds: found once, before the DAG, and written to a manifest.

The names are read by pybids' own entity patterns, and `bids_validator` says what is valid
BIDS. A ``BIDSLayout`` is not built: what it adds, a database of every file and its metadata,
is not asked here and costs minutes on thousands of subjects. An image's entities follow from
its path alone and its fitness from its size and times, so both are remembered by these, and a
file that was added, changed or deleted is always noticed.
"""

import difflib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from ecdysis.bids.image_name import ImageName
from ecdysis.errors import InputError, printable
from ecdysis.shards import in_shard

EXTENSIONS = (".nii.gz", ".nii")
SUBJECT_FOLDER = re.compile(r"sub-[A-Za-z0-9]+")
SAFE_PATH = re.compile(
    rf"{SUBJECT_FOLDER.pattern}(/ses-[A-Za-z0-9]+)?/anat"
    r"/sub-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)*_[A-Za-z0-9]+(\.nii|\.nii\.gz)"
)
"""Paths that may become names of rules' files: the shape of BIDS, and no other character."""

LONGEST_NAME = 150
"""Letters of a file's name: file systems allow 255, and results have longer names than images."""

BAD_NAME = "its name is not valid BIDS"

MAGNITUDE = {"part": [None, "mag"]}
"""What an image shall be unless the filters ask otherwise: a phase image shows no head."""

Filters = Mapping[str, Mapping[str, Any]]

SUGGESTIONS = 3
"""Number of labels that an error suggests."""


@dataclass(frozen=True)
class Image(ImageName):
    """One anatomical image of the study.

    Attributes
    ----------
    subject, session : str
        Labels without prefix; `session` is None when the dataset has none.
    path : str
        The raw file.
    source : str
        ``bids`` when the file exists, ``dicom`` when it will be converted.
    series, dicom_session : str or None
        The pseudonymous series and the session of the plan that the image comes from.
    """

    subject: str
    session: str | None
    path: str
    source: str = "bids"
    series: str | None = None
    dicom_session: str | None = None


@dataclass(frozen=True)
class Exclusion:
    """Something of the study that is not processed, and why.

    `fault` is True when a person should repair it: it makes the run end as failed. `rated` is True
    when a person left it out by a rating.
    """

    image: str | None
    subject: str
    reason: str
    fault: bool = True
    rated: bool = False


@dataclass(frozen=True)
class Selection:
    """Which part of a dataset to process; empty sequences select everything."""

    suffixes: Sequence[str] = ("T1w",)
    participant_label: Sequence[str] = ()
    exclude_participant_label: Sequence[str] = ()
    session_label: Sequence[str] = ()
    filters: Filters | None = None
    shard: str | None = None


def discover(
    bids_dir: Path,
    selection: Selection,
    preflight: Callable[[Path], None],
    remembered: dict[str, Any] | None = None,
    planned: Sequence[Image] = (),
    also: Sequence[str] = (),
) -> tuple[list[Image], list[Exclusion], dict[str, Any]]:
    """Find the selected images of a dataset.

    Parameters
    ----------
    bids_dir : Path
        Root of the dataset; it may not exist yet when images are planned.
    selection : Selection
        What to process.
    preflight : callable
        Raises an InputError for a file that cannot be processed.
    remembered : dict, optional
        What an earlier call returned as third value.
    planned : sequence of Image
        Images that will come from DICOM; those whose files are there already are dropped.
    also : sequence of str
        Subjects of whom other images will come from DICOM.

    Returns
    -------
    images, exclusions, remembered
        Sorted by name.

    Raises
    ------
    InputError
        A label that was asked for does not exist, or nothing is selected.
    """
    found, known = _index(bids_dir, selection.suffixes, remembered or {}, preflight)
    present = {image.name for image, _, _ in found}
    found += [(image, _entities_of(image), None) for image in planned if image.name not in present]
    found.sort(key=lambda item: item[0].name)

    folders = map(printable, _subjects(bids_dir))
    subjects = sorted({image.subject for image, _, _ in found} | {*folders, *also})
    sessions = sorted({image.session for image, _, _ in found if image.session})
    wanted = set(match(selection.participant_label, subjects, "participant_label") or subjects)
    wanted -= set(match(selection.exclude_participant_label, subjects, "exclude_participant_label"))
    wanted = {label for label in wanted if in_shard(label, selection.shard)}
    in_sessions = match(selection.session_label, sessions, "session_label")

    images: dict[str, Image] = {}
    exclusions = []
    for image, entities, reason in found:
        asked = {**MAGNITUDE, **(selection.filters or {}).get(image.suffix, {})}
        if (
            image.subject not in wanted
            or (in_sessions and image.session not in in_sessions)
            or not all(_agrees(entities.get(key), value) for key, value in asked.items())
        ):
            continue
        if reason:
            exclusions.append(Exclusion(image.name, image.subject, reason))
        elif image.name in images:
            twin = f"there is also {Path(images[image.name].path).name}, which is used"
            exclusions.append(Exclusion(image.name, image.subject, twin))
        else:
            images[image.name] = image
    seen = {image.subject for image in images.values()} | {item.subject for item in exclusions}
    kinds = ", ".join(selection.suffixes)
    exclusions += [
        Exclusion(None, subject, f"it has no {kinds} image that is asked for", fault=False)
        for subject in sorted(wanted - seen)
    ]
    if not images and not exclusions:
        raise InputError(
            bids_dir,
            f"it holds no {kinds} image that is asked for",
            "Check bids_dir, or give dicom_dir to fill it from scanner DICOM",
        )
    return list(images.values()), exclusions, known


def match(asked: Sequence[str], known: Sequence[str], key: str) -> list[str]:
    """Return the labels that were asked for; ``sub-01`` and ``01`` both name 01.

    Raises
    ------
    InputError
        The dataset does not have such a label; the error names the closest ones.

    Examples
    --------
    >>> match(["sub-01", "2"], ["01", "02", "2"], "participant_label")
    ['01', '2']
    """
    prefix = "ses-" if key == "session_label" else "sub-"
    labels = [label.removeprefix(prefix) for label in asked]
    for label in labels:
        if label not in known:
            raise InputError(
                f"config {key}",
                f"the dataset has no {prefix}{label}",
                f"Available: {_closest(label, known)}",
            )
    return labels


def _closest(label: str, known: Sequence[str]) -> str:
    """Name the labels that a mistyped one may stand for, then the first others."""
    same = [name for name in known if name.lstrip("0") == label.lstrip("0")]
    near = difflib.get_close_matches(label, known, n=SUGGESTIONS, cutoff=0.5)
    named = list(dict.fromkeys([*same, *near, *known]))[:SUGGESTIONS]
    more = len(known) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "") if named else "none"


def _index(
    bids_dir: Path,
    suffixes: Sequence[str],
    remembered: Mapping[str, Any],
    preflight: Callable[[Path], None],
) -> tuple[list[tuple[Image, dict[str, Any], str | None]], dict[str, Any]]:
    """Return (image, entities, reason for exclusion) of every file of these suffixes."""
    endings = tuple(f"_{suffix}{ending}" for suffix in suffixes for ending in EXTENSIONS)
    known: dict[str, Any] = {}
    found: list[tuple[Image, dict[str, Any], str | None]] = []
    for path, stat in _files(bids_dir, endings):
        before = remembered.get(path)
        if reason := _name_fault(path):
            found.append((_unsafe(path), {}, reason))
            continue
        if before and before["stat"] == stat:
            known[path] = before
        else:
            entities, valid = _name_reader()(path)
            reason = _fault(bids_dir / path, preflight) if valid else BAD_NAME
            known[path] = {"stat": stat, "entities": entities, "reason": reason}
        entities, reason = known[path]["entities"], known[path]["reason"]
        folder, _, name = path.rpartition("/")
        stem, _, suffix = name.split(".")[0].rpartition("_")
        image = Image(
            folder=folder,
            entities=stem,
            suffix=suffix,
            subject=folder.split("/")[0].removeprefix("sub-"),
            session=entities.get("session"),
            path=str(bids_dir / path),
        )
        found.append((image, entities, reason))
    return found, known


def _name_fault(path: str) -> str | None:
    """Say why no file can be called by a path, if so."""
    if not SAFE_PATH.fullmatch(path):
        return BAD_NAME
    letters = len(path.rpartition("/")[2])
    too_long = f"its name is too long, with {letters} letters of {LONGEST_NAME}. Shorten it."
    return too_long if letters > LONGEST_NAME else None


def _unsafe(path: str) -> Image:
    """Describe a file whose name may go no further than the report, as text that can be shown."""
    folder, _, name = printable(path).rpartition("/")
    stem, _, suffix = name.split(".")[0].rpartition("_")
    subject = folder.split("/")[0].removeprefix("sub-")
    return Image(folder, stem, suffix, subject, session=None, path="")


def _files(bids_dir: Path, endings: tuple[str, ...]) -> Iterator[tuple[str, list[int]]]:
    """Yield path in the dataset, and size and times, of the files with these endings, sorted.

    Only ``sub-*`` folders are entered, and of these only ``anat``, at the level of the subject
    or of a session. A broken link is yielded with size -1, so that it can be named. The times
    are those of the content and of the inode: a copy may keep the former, nothing the latter.
    """
    for label in _subjects(bids_dir):
        subject = f"sub-{label}"
        names = [entry.name for entry in _entries(f"{bids_dir}/{subject}")]
        for folder in ["anat", *(f"{name}/anat" for name in names if name.startswith("ses-"))]:
            for entry in _entries(f"{bids_dir}/{subject}/{folder}"):
                if entry.name.endswith(endings):
                    path = f"{subject}/{folder}/{entry.name}"
                    try:
                        stat = entry.stat()
                        yield path, [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
                    except OSError:
                        yield path, [-1, 0, 0]


def _subjects(bids_dir: Path) -> list[str]:
    return [
        entry.name.removeprefix("sub-")
        for entry in _entries(str(bids_dir))
        if entry.name.startswith("sub-") and entry.is_dir()
    ]


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return what a folder holds, by name; plain text, as a Path for each file takes its time."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=attrgetter("name"))
    except OSError:
        return []


@cache
def _name_reader() -> Callable[[str], tuple[dict[str, Any], bool]]:
    """Return a function from a path to its pybids entities and whether it is valid BIDS."""
    from bids.layout import parse_file_entities
    from bids.layout.models import Config
    from bids_validator import BIDSValidator

    patterns = list(Config.load("bids").entities.values())
    is_bids = BIDSValidator().is_bids

    def read(path: str) -> tuple[dict[str, Any], bool]:
        entities = parse_file_entities(f"/{path}", entities=patterns)
        plain = {key: _plain(value) for key, value in entities.items()}
        return plain, bool(is_bids(f"/{path}"))

    return read


def _plain(value: Any) -> str | int:
    """Turn pybids' padded integers into plain ones."""
    return int(value) if isinstance(value, int) else str(value)


def _fault(path: Path, preflight: Callable[[Path], None]) -> str | None:
    try:
        preflight(path)
    except InputError as error:
        return f"{error.problem}. {error.remedy}."
    return None


def _entities_of(image: Image) -> dict[str, Any]:
    """Read the entities of an image that is not there yet."""
    return _name_reader()(f"{image.name}.nii.gz")[0]


def _agrees(value: Any, asked: Any) -> bool:
    """Whether an entity has (one of) the values asked for; None asks for its absence."""
    options: Iterable[Any] = asked if isinstance(asked, list) else [asked]
    return any(
        value is None if option is None else value is not None and _same(value, option)
        for option in options
    )


def _same(value: str | int, option: str | int) -> bool:
    """Compare an entity's value with one that was asked for: 1, "1" and "01" are one run."""
    if isinstance(value, int):
        return str(option).isdecimal() and value == int(option)
    return value == str(option)


def to_json(items: Iterable[Image | Exclusion]) -> list[dict[str, Any]]:
    """Return images or exclusions, whose fields are plain, as a list of dicts."""
    return [dict(vars(item)) for item in items]
