"""Find the statistical maps of a study, and other images to show."""

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from pathlib import Path
from typing import Any, Literal

from ecdysis.errors import InputError
from ecdysis.sections import StatmapsSection

GROUP = "group"
"""The unit of maps that belong to no single subject."""
NOT_SEARCHED = ("derivatives", "sourcedata", "code", "stimuli")
"""Folders of a dataset that are not searched."""
Space = Literal["template", "own", "scanner", "unknown"]
OWN_SPACES = ("T1w", "T2w", "FLAIR", "PDw", "individual", "orig", "anat", "subject", "native")
"""Labels of the entity ``space`` that mean a subject's own anatomy."""
SCANNER_SPACES = ("boldref", "fsnative", "scanner", "func", "dwi")
"""Labels of the coordinates of the scanner: near the anatomy, but not registered to it."""
TEMPLATE_SPACES = ("MNI152", "MNI305", "MNIColin27", "ICBM", "IXI549Space", "MNI")
"""Beginnings of the labels of templates in MNI coordinates (BIDS 1.10, appendix on coordinate
systems)."""
SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")
SPACE = re.compile(r"_space-([A-Za-z0-9]+)")
UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")
LONGEST = 150

Fits = Callable[[str], object]
"""Whether the name of a file fits a pattern."""


@dataclass(frozen=True)
class StatMap:
    """One statistical map, or another image that is to be shown."""

    path: str
    """The file."""
    unit: str
    """``sub-<label>``, or `GROUP`."""
    name: str
    """Unique in its unit; letters, digits, dots, ``-`` and ``_`` only."""
    title: str
    """The name of the file without its extension; any text."""
    anatomy: bool = False
    """Whether it is not a statistical map but an image to show as it is."""

    @property
    def space_label(self) -> str:
        """The label of the entity ``space``; empty if the name has none."""
        match = SPACE.search(self.title)
        return match[1] if match else ""

    @property
    def space(self) -> Space:
        """The space of the map by its name; without a name, MNI space is assumed."""
        label = self.space_label
        if not label or label.startswith(TEMPLATE_SPACES):
            return "template"
        if label in OWN_SPACES:
            return "own"
        return "scanner" if label in SCANNER_SPACES else "unknown"

    @property
    def own_space(self) -> bool:
        """Whether the map belongs on its subject's own head."""
        return not self.anatomy and self.unit != GROUP and self.space in ("own", "scanner")


def find_maps(settings: Mapping[str, Any]) -> list[StatMap]:
    """Find the maps of a study, sorted by path.

    The labels of participants to process or to leave out select maps of single subjects. A file
    that matches both ``statmaps.pattern`` and ``statmaps.anat_pattern`` is a statistical map.
    """
    asked: StatmapsSection = settings["statmaps"]
    patterns = [item for item in (asked["pattern"], asked["anat_pattern"]) if item]
    if not (patterns and settings["bids_dir"]):
        return []
    fits = re.compile("|".join(map(translate, patterns))).match
    paths = set(_in_dataset(Path(settings["bids_dir"]), fits))
    for folder in asked["folders"]:
        if not Path(folder).is_dir():
            raise InputError(
                f"config statmaps.folders: {folder}",
                "the folder does not exist",
                "Correct the path, or remove it from the list",
            )
        paths |= set(_below(folder, fits, settings["output_dir"]))
    maps: list[StatMap] = []
    taken: set[tuple[str, str]] = set()
    for path in sorted(paths):
        title = Path(path).name.removesuffix(".gz").removesuffix(".nii")
        unit = _unit(path, title)
        if not _wanted(unit, settings):
            continue
        name = _free_name(unit, title, taken)
        taken.add((unit, name))
        anatomy = not (asked["pattern"] and fnmatchcase(Path(path).name, asked["pattern"]))
        maps.append(StatMap(path, unit, name, title, anatomy))
    return maps


def _in_dataset(bids_dir: Path, fits: Fits) -> Iterator[str]:
    """Find files of the dataset itself: at its top, and below its folders."""
    for path in bids_dir.glob("[!.]*"):
        if path.name in NOT_SEARCHED:
            continue
        if path.is_dir():
            yield from _below(path, fits)
        elif fits(path.name):
            yield str(path)


def _below(folder: str | Path, fits: Fits, left_out: str | None = None) -> Iterator[str]:
    """Find files below a folder, but not below `left_out`, a hidden folder, or a linked folder."""
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "." and f"{root}/{name}" != left_out]
        yield from (f"{root}/{name}" for name in files if name[0] != "." and fits(name))


def _unit(path: str, title: str) -> str:
    """Return the subject of a map, by its name or else by a folder above it."""
    for part in (title, *reversed(Path(path).parts[:-1])):
        if match := SUBJECT.match(part):
            return match[0]
    return GROUP


def _wanted(unit: str, settings: Mapping[str, Any]) -> bool:
    chosen, left_out = (
        _labels(settings[key]) for key in ("participant_label", "exclude_participant_label")
    )
    return unit == GROUP or ((not chosen or unit in chosen) and unit not in left_out)


def _labels(given: Sequence[str | int]) -> Collection[str]:
    return {f"sub-{str(label).removeprefix('sub-')}" for label in given}


def _free_name(unit: str, title: str, taken: Collection[tuple[str, str]]) -> str:
    safe = "_".join(UNSAFE.sub("-", part) for part in title.split("_"))[:LONGEST].lstrip(".-")
    name, number = safe or "map", 1
    while (unit, name) in taken:
        number += 1
        name = f"{safe}-{number}"
    return name
