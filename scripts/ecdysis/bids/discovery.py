"""Find the images of a BIDS dataset, before the DAG is built.

pybids' own patterns read the entities from the names, and `bids_validator` says which names are
valid. They give the same images as a ``BIDSLayout`` (a test compares them), which costs three
times as much CPU time on 10,000 subjects even with its best settings. Entities follow from the
path and fitness from the content, so both are remembered with size and times of the file: a file
that was added, changed or deleted is always noticed.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from ecdysis.bids.image_name import ImageName
from ecdysis.bids.labels import match
from ecdysis.errors import InputError, printable
from ecdysis.shards import in_shard

EXTENSIONS = (".nii.gz", ".nii")
SUFFIXES = ("T1w", "T2w", "FLAIR", "PDw")
"""What the setting ``suffixes`` can name."""
SUBJECT_FOLDER = re.compile(r"sub-[A-Za-z0-9]+")
SAFE_PATH = re.compile(
    rf"{SUBJECT_FOLDER.pattern}(/ses-[A-Za-z0-9]+)?/anat"
    r"/sub-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)*_[A-Za-z0-9]+(\.nii|\.nii\.gz)"
)
"""Paths that may become names of files and jobs: those of BIDS, without other characters."""

LONGEST_NAME = 150
"""Characters of a file name: file systems allow 255, and results have longer names than images."""

BAD_NAME = "its name is not valid BIDS"

MAGNITUDE = {"part": [None, "mag"]}
"""Default filter: magnitude images only."""

Entities = dict[str, str | int]
"""pybids' names of the entities of a file, and their values."""
Filters = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Image(ImageName):
    """One anatomical image of the study."""

    subject: str
    """Its label without prefix."""
    session: str | None
    """Its label without prefix; None when the dataset has no sessions."""
    path: str
    """The raw file."""
    source: str = "bids"
    """``bids`` when the file exists, ``dicom`` when it will be converted."""
    series: str | None = None
    """The pseudonymous series that the image comes from."""
    dicom_session: str | None = None
    """The session of the plan that the image comes from."""


@dataclass(frozen=True)
class Exclusion:
    """An image that is not processed, or with `image` None a whole subject, with the reason.

    `fault` is True if a person should repair it; the run then ends as failed. `rated` is True if
    a rating excluded it.
    """

    image: str | None
    subject: str
    reason: str
    fault: bool = True
    rated: bool = False

    @property
    def name(self) -> str:
        """The image without its folder, or the subject."""
        return self.image.rpartition("/")[2] if self.image else f"sub-{self.subject}"


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
    """Find the selected images of a dataset; return images, exclusions and what to remember.

    The dataset may not exist yet if images are `planned`, that is, will be converted from DICOM;
    `also` are the subjects of other such images. `preflight` raises an InputError for a file that
    cannot be processed. `remembered` is the third return value of an earlier call. Images and
    exclusions are sorted by name.

    Raises
    ------
    InputError
        A label does not exist, or no image is selected.
    """
    found, known = _index(bids_dir, selection.suffixes, remembered or {}, preflight)
    present = {image.name for image, _, _ in found}
    for image in planned:
        if image.name not in present:
            found.append((image, _name_reader()(f"{image.name}.nii.gz")[0], None))
    found.sort(key=lambda item: item[0].name)
    labels = {*map(printable, _subjects(bids_dir)), *also}
    subjects = sorted(labels | {image.subject for image, _, _ in found})
    sessions = sorted({image.session for image, _, _ in found if image.session})
    wanted = _selected_subjects(selection, subjects)
    in_sessions = match(selection.session_label, sessions, "session_label")
    images, exclusions = _without_twins(
        (image, reason)
        for image, entities, reason in found
        if image.subject in wanted
        and (not in_sessions or image.session in in_sessions)
        and _passes(entities, (selection.filters or {}).get(image.suffix, {}))
    )
    seen = {image.subject for image in images} | {item.subject for item in exclusions}
    kinds = ", ".join(selection.suffixes)
    for subject in sorted(wanted - seen):
        misplaced = _misplaced(bids_dir, subject, selection.suffixes)
        exclusions += misplaced or [
            Exclusion(None, subject, f"no {kinds} image of it is selected", fault=False)
        ]
    faults = any(item.fault for item in exclusions)
    if not (images or faults or wanted & set(also) or selection.shard):
        _refuse_empty(bids_dir, selection, [image.suffix for image, _, _ in found])
    return images, exclusions, known


def _selected_subjects(selection: Selection, subjects: Sequence[str]) -> set[str]:
    chosen = set(match(selection.participant_label, subjects, "participant_label") or subjects)
    chosen -= set(match(selection.exclude_participant_label, subjects, "exclude_participant_label"))
    return {label for label in chosen if in_shard(label, selection.shard)}


def _passes(entities: Mapping[str, str | int], filters: Mapping[str, Any]) -> bool:
    """Return whether the entities of an image pass the filters and the default filter."""
    asked = {**MAGNITUDE, **filters}
    return all(_agrees(entities.get(key), value) for key, value in asked.items())


def _without_twins(
    candidates: Iterable[tuple[Image, str | None]],
) -> tuple[list[Image], list[Exclusion]]:
    """Return the first image of each name, and exclusions of the others and of refused images."""
    images: dict[str, Image] = {}
    exclusions = []
    for image, reason in candidates:
        if reason:
            exclusions.append(Exclusion(image.name, image.subject, reason))
        elif image.name in images:
            twin = f"there is also {Path(images[image.name].path).name}, which is used"
            exclusions.append(Exclusion(image.name, image.subject, twin))
        else:
            images[image.name] = image
    return list(images.values()), exclusions


def _refuse_empty(bids_dir: Path, selection: Selection, suffixes: Sequence[str]) -> None:
    """Raise an InputError that says why no image is selected."""
    kinds = ", ".join(selection.suffixes)
    if suffixes:
        raise InputError(
            "filters" if selection.filters else "session_label",
            f"none of the {len(suffixes)} images ({kinds}) of the dataset is selected",
            "Check filters, session_label, participant_label and exclude_participant_label",
        )
    others = [suffix for suffix in SUFFIXES if any(bids_dir.glob(f"sub-*/**/anat/*_{suffix}.nii*"))]
    raise InputError(
        f"bids_dir {bids_dir}",
        f"it has no {kinds} image",
        f"It has images of other kinds: set suffixes: [{', '.join(others)}]"
        if others
        else "Check bids_dir and suffixes, or give dicom_dir to fill the dataset from DICOM",
    )


def _misplaced(bids_dir: Path, subject: str, suffixes: Sequence[str]) -> list[Exclusion]:
    """Return images of a subject that lie outside the folder ``anat``, where they belong."""
    endings = tuple(f"_{suffix}{ending}" for suffix in suffixes for ending in EXTENSIONS)
    root = bids_dir / f"sub-{subject}"
    files = [
        path
        for path in (*root.glob("*"), *root.glob("*/*"), *root.glob("ses-*/*/*"))
        if path.name.endswith(endings) and not path.name.startswith(".")
    ]
    return [
        Exclusion(
            printable(str(path.relative_to(bids_dir))),
            subject,
            f"it lies in {printable(path.parent.name)}/, but an image of this suffix belongs in "
            "anat/. Move it there.",
        )
        for path in sorted(files)
        if path.parent.name != "anat"
    ]


def _index(
    bids_dir: Path,
    suffixes: Sequence[str],
    remembered: Mapping[str, Any],
    preflight: Callable[[Path], None],
) -> tuple[list[tuple[Image, Entities, str | None]], dict[str, Any]]:
    """Return (image, entities, reason for exclusion) of every file of these suffixes."""
    endings = tuple(f"_{suffix}{ending}" for suffix in suffixes for ending in EXTENSIONS)
    known: dict[str, Any] = {}
    found: list[tuple[Image, Entities, str | None]] = []
    for path, stat in _files(bids_dir, endings):
        before = remembered.get(path)
        if reason := _name_fault(path, endings):
            # Its name is shown in the report, but never used as a name of a file.
            found.append((_image(printable(path)), {}, reason))
            continue
        if before and before["stat"] == stat:
            known[path] = before
        else:
            entities, valid = _name_reader()(path)
            reason = _fault(bids_dir / path, preflight) if valid else BAD_NAME
            known[path] = {"stat": stat, "entities": entities, "reason": reason}
        entities, reason = known[path]["entities"], known[path]["reason"]
        image = _image(path, entities.get("session"), str(bids_dir / path))
        found.append((image, entities, reason))
    return found, known


def _name_fault(path: str, endings: tuple[str, ...]) -> str | None:
    """Return what is wrong with a path, if no job or file can be named after it."""
    if not path.endswith(endings):
        right = next(ending for ending in endings if path.lower().endswith(ending.lower()))
        return f"upper and lower case of its name do not follow BIDS. Rename it to ...{right}."
    if not SAFE_PATH.fullmatch(path):
        return BAD_NAME
    letters = len(path.rpartition("/")[2])
    too_long = f"its name is too long, with {letters} letters of {LONGEST_NAME}. Shorten it."
    return too_long if letters > LONGEST_NAME else None


def _image(path: str, session: str | None = None, file: str = "") -> Image:
    folder, _, name = path.rpartition("/")
    stem, _, suffix = name.split(".")[0].rpartition("_")
    subject = folder.split("/")[0].removeprefix("sub-")
    return Image(folder, stem, suffix, subject, session, file)


def _files(bids_dir: Path, endings: tuple[str, ...]) -> Iterator[tuple[str, list[int]]]:
    """Yield the files with these endings, in upper or lower case: path, and size and times; sorted.

    Only ``anat`` folders of subjects and sessions are searched. Hidden files, such as the ``._``
    files of macOS, are skipped. A broken link has the size -1. The times are those of the content
    and of the inode: a copied file may keep the former, but never the latter.
    """
    lower = tuple(ending.lower() for ending in endings)
    for label in _subjects(bids_dir):
        subject = f"sub-{label}"
        names = [entry.name for entry in _entries(f"{bids_dir}/{subject}")]
        for folder in ["anat", *(f"{name}/anat" for name in names if name.startswith("ses-"))]:
            for entry in _entries(f"{bids_dir}/{subject}/{folder}"):
                if entry.name.lower().endswith(lower) and not entry.name.startswith("."):
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
    """Return the entries of a folder, by name. Path objects would cost more time."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=attrgetter("name"))
    except OSError:
        return []


@cache
def _name_reader() -> Callable[[str], tuple[Entities, bool]]:
    """Return a function from a path to its pybids entities and whether it is valid BIDS."""
    from bids.layout import parse_file_entities
    from bids.layout.models import Config
    from bids_validator import BIDSValidator

    patterns = list(Config.load("bids").entities.values())
    is_bids = BIDSValidator().is_bids

    def read(path: str) -> tuple[Entities, bool]:
        entities = parse_file_entities(f"/{path}", entities=patterns)
        # pybids' integers keep the zeros before them.
        plain = {k: int(v) if isinstance(v, int) else str(v) for k, v in entities.items()}
        return plain, bool(is_bids(f"/{path}"))

    return read


def _fault(path: Path, preflight: Callable[[Path], None]) -> str | None:
    try:
        preflight(path)
    except InputError as error:
        return f"{error.problem}. {error.remedy}."
    return None


def _agrees(value: str | int | None, asked: Any) -> bool:
    """Whether an entity has (one of) the values asked for; None means that it is absent."""
    options: Iterable[Any] = asked if isinstance(asked, list) else [asked]
    return any(
        value is None if option is None else value is not None and _same(value, option)
        for option in options
    )


def _same(value: str | int, option: str | int) -> bool:
    """Compare the value of an entity with one that was asked for: run 1, "1" and "01" are equal."""
    if isinstance(value, int):
        return str(option).isdecimal() and value == int(option)
    return value == str(option)


def to_json(items: Iterable[Image | Exclusion]) -> list[dict[str, Any]]:
    """Return images or exclusions as a list of dicts."""
    return [dict(vars(item)) for item in items]
