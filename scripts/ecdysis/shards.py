"""A dataset that several runs share: which subjects are whose, and one report over all.

Each run works on its shard of the subjects and has an output directory of its own, so that
none waits for another. Joined, they are one directory of links, which reads like the output
of a single run: to the report, to pybids and to a person.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import read_json, write_json
from ecdysis.places import MANIFEST, TEMPLATE

OF_ONE_SHARD = (
    "shard",
    "shards",
    "participant_label",
    "exclude_participant_label",
    "keep_intermediates",
)
"""Settings in which shards of one study may differ."""
LINKED = (".", ".ecdysis", "logs", "benchmarks")
"""Folders whose entries ``sub-*`` are linked."""


def in_shard(subject: str, shard: str | None) -> bool:
    """Whether a subject belongs to a shard such as ``2/8``, the second of eight.

    It follows from the label alone (SHA-256), so a subject that is added moves no other.

    Examples
    --------
    >>> [in_shard("01", f"{number}/3") for number in (1, 2, 3)].count(True)
    1
    """
    if shard is None:
        return True
    number, _, count = shard.partition("/")
    digest = hashlib.sha256(subject.encode()).digest()
    return int.from_bytes(digest, "big") % int(count) == int(number) - 1


def check_shard(shard: str | None) -> None:
    """Raise an InputError for a shard that does not exist, such as ``9/8``."""
    number, _, count = (shard or "1/1").partition("/")
    if not 1 <= int(number) <= int(count):
        raise InputError(
            "shard", f"there is no shard {shard}", f"Give 1/{count} to {count}/{count}"
        )


def join(patterns: Sequence[str], output_dir: Path) -> None:
    """Make `output_dir` the union of the outputs of several runs, by links.

    Parameters
    ----------
    patterns : sequence of str
        Output directories, absolute, or patterns of such with ``*``.
    output_dir : Path
        Made anew each time, except for its pages. The shards are not written to.

    Raises
    ------
    InputError
        A shard has no manifest, two have the same subject or differ in their settings, or
        `output_dir` holds the results of a run.
    """
    roots = _found(patterns)
    _check_place(output_dir, roots)
    manifests = {root: _manifest(root) for root in roots}
    joined = _joined(manifests)
    wanted = {
        folder / entry.name: entry
        for root in roots
        for folder in map(Path, LINKED)
        for entry in _entries(root / folder)
    }
    for folder in LINKED:
        for entry in _entries(output_dir / folder):
            if entry.is_symlink() and entry.relative_to(output_dir) not in wanted:
                entry.unlink()
    for place, target in wanted.items():
        _link(output_dir / place, target)
    for name in ("dataset_description.json", ".bidsignore"):
        described = next((root / name for root in roots if (root / name).is_file()), None)
        if described:
            _link(output_dir / name, described)
    template = next((root / TEMPLATE for root in roots if (root / TEMPLATE).is_file()), None)
    if template:
        write_json(output_dir / TEMPLATE, read_json(template))
    write_json(output_dir / MANIFEST, joined)


def _found(patterns: Sequence[str]) -> list[Path]:
    """Return the directories that the patterns name."""
    found: list[Path] = []
    for pattern in patterns:
        path = Path(pattern)
        matches = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not matches:
            raise InputError("shards", f"there is no {pattern}", "Give the shards' output_dir")
        found += [match for match in matches if match not in found]
    return found


def _check_place(output_dir: Path, roots: Sequence[Path]) -> None:
    """Refuse to join shards where a run has its results."""
    own = output_dir / MANIFEST
    if output_dir in roots or (own.is_file() and "shards" not in read_json(own)):
        raise InputError(
            "output_dir",
            f"{output_dir} holds the results of a run",
            "Give a folder of its own for the joined report",
        )


def _manifest(root: Path) -> dict[str, Any]:
    try:
        return dict(read_json(root / MANIFEST))
    except (OSError, ValueError) as error:
        raise InputError(
            root,
            f"the manifest of a run cannot be read ({type(error).__name__})",
            "Give output directories of runs that have begun",
        ) from error


def _joined(manifests: Mapping[Path, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the manifest of all shards together."""
    first_root, first = next(iter(manifests.items()))
    owner: dict[str, Path] = {}
    for root, manifest in manifests.items():
        differing = _differing(first["settings"], manifest["settings"])
        if differing:
            raise InputError(
                root,
                f"it was made with other settings than {first_root.name}: {', '.join(differing)}",
                "Join only shards of one study with the same settings",
            )
        for subject in {one["subject"] for one in (*manifest["images"], *manifest["excluded"])}:
            if owner.setdefault(subject, root) != root:
                raise InputError(
                    root,
                    f"sub-{subject} is also in {owner[subject].name}",
                    "Give each subject to one shard",
                )
    places = {manifest["bids_dir"] for manifest in manifests.values()}
    return {
        **first,
        "bids_dir": places.pop() if len(places) == 1 else os.path.commonpath(filter(None, places)),
        "settings": first["settings"] | {"shard": None, "participant_label": []},
        "shards": [root.name for root in manifests],
        "plan": {
            key: _union(manifest["plan"].get(key, []) for manifest in manifests.values())
            for key in dict.fromkeys(key for one in manifests.values() for key in one["plan"])
        },
        **{
            key: _union(manifest.get(key, []) for manifest in manifests.values())
            for key, value in first.items()
            if isinstance(value, list)
        },
    }


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the settings in which two shards differ though they may not."""
    return sorted(key for key in {*one, *other} - {*OF_ONE_SHARD} if one.get(key) != other.get(key))


def _union(lists: Iterable[Sequence[Any]]) -> list[Any]:
    """Return the items of all lists, each once."""
    items = {json.dumps(item, sort_keys=True): item for one in lists for item in one}
    return list(items.values())


def _entries(folder: Path) -> list[Path]:
    """Return what is of one subject in a folder; joined again, pages are no links any more."""
    return sorted(folder.glob("sub-*")) if folder.is_dir() else []


def _link(place: Path, target: Path) -> None:
    """Make `place` a relative link; a page that was written for the joined report stays."""
    place.parent.mkdir(parents=True, exist_ok=True)
    text = os.path.relpath(target, place.parent)
    if place.is_symlink():
        if place.readlink() == Path(text):
            return
        place.unlink()
    elif place.is_file():
        return
    place.symlink_to(text)
