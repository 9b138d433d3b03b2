"""Split a dataset into shards, one run each, and join their outputs for one report.

Each run processes its shard of the subjects and has its own output directory, so that no run waits
for another. The joined directory consists of links and reads like the output of a single run.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import read_json, read_manifest, write_json
from ecdysis.places import FULL_GRID, MANIFEST, TEMPLATE

OF_ONE_SHARD = (
    *("shard", "shards", "participant_label", "exclude_participant_label", "keep_intermediates"),
)
"""Settings that may differ between shards of one study."""
LINKED = (".", ".ecdysis", "logs", "benchmarks", str(FULL_GRID))
"""Folders whose entries ``sub-*`` are linked."""


def in_shard(subject: str, shard: str | None) -> bool:
    """Return whether a subject belongs to a shard such as ``2/8``, the second of eight.

    The shard depends on the label only (SHA-256), so an added subject moves no other subject.

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
    """Fill `output_dir` with links to the outputs of several runs.

    `patterns` are absolute output directories, or patterns of them with ``*``. `output_dir` is
    written again each time, except for its pages. The shards are not changed.

    Raises
    ------
    InputError
        A shard has no manifest, two shards have the same subject or different settings, or
        `output_dir` contains the results of a run.
    """
    roots = _matching_folders(patterns)
    _check_output_dir(output_dir, roots)
    manifests = {root: read_manifest(root) for root in roots}
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
    for path, target in wanted.items():
        _link(output_dir / path, target)
    for dataset in (Path(), FULL_GRID):
        for name in ("dataset_description.json", "descriptions.tsv", ".bidsignore"):
            file = dataset / name
            described = next((root / file for root in roots if (root / file).is_file()), None)
            if described:
                _link(output_dir / file, described)
    template = next((root / TEMPLATE for root in roots if (root / TEMPLATE).is_file()), None)
    if template:
        write_json(output_dir / TEMPLATE, read_json(template))
    write_json(output_dir / MANIFEST, joined)


def _matching_folders(patterns: Sequence[str]) -> list[Path]:
    folders: list[Path] = []
    for pattern in patterns:
        path = Path(pattern)
        matches = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not matches:
            raise InputError("shards", f"there is no {pattern}", "Give the shards' output_dir")
        folders += [match for match in matches if match not in folders]
    return folders


def _check_output_dir(output_dir: Path, roots: Sequence[Path]) -> None:
    """Raise an InputError if `output_dir` contains the results of a run."""
    own = output_dir / MANIFEST
    if output_dir in roots or (own.is_file() and "shards" not in read_json(own)):
        raise InputError(
            "output_dir",
            f"{output_dir} contains the results of a run",
            "Give another folder for the joined report",
        )


def _joined(manifests: Mapping[Path, Mapping[str, Any]]) -> dict[str, Any]:
    first_root, first = next(iter(manifests.items()))
    owner: dict[str, Path] = {}
    for root, manifest in manifests.items():
        ours, theirs = first["settings"], manifest["settings"]
        keys = sorted({*ours, *theirs} - {*OF_ONE_SHARD})
        if differing := [key for key in keys if ours.get(key) != theirs.get(key)]:
            raise InputError(
                root,
                f"its settings differ from those of {first_root.name}: {', '.join(differing)}",
                "Join only shards of one study with the same settings",
            )
        for subject in {item["subject"] for item in (*manifest["images"], *manifest["excluded"])}:
            if owner.setdefault(subject, root) != root:
                raise InputError(
                    root,
                    f"sub-{subject} is also in {owner[subject].name}",
                    "Give each subject to one shard",
                )
    datasets = {manifest["bids_dir"] for manifest in manifests.values()}
    return {
        **first,
        "bids_dir": datasets.pop()
        if len(datasets) == 1
        else os.path.commonpath(filter(None, datasets)),
        "settings": first["settings"] | {"shard": None, "participant_label": []},
        "shards": [root.name for root in manifests],
        "plan": {
            key: _union(manifest["plan"].get(key, []) for manifest in manifests.values())
            for key in dict.fromkeys(key for item in manifests.values() for key in item["plan"])
        },
        **{
            key: _union(manifest.get(key, []) for manifest in manifests.values())
            for key, value in first.items()
            if isinstance(value, list)
        },
    }


def _union(lists: Iterable[Sequence[Any]]) -> list[Any]:
    """Return the items of all lists, each once."""
    by_text = {json.dumps(item, sort_keys=True): item for items in lists for item in items}
    return list(by_text.values())


def _entries(folder: Path) -> list[Path]:
    """Return the files and folders of subjects in a folder."""
    return sorted(folder.glob("sub-*")) if folder.is_dir() else []


def _link(link: Path, target: Path) -> None:
    """Make `link` a relative link; a page that was written for the joined report stays."""
    link.parent.mkdir(parents=True, exist_ok=True)
    text = os.path.relpath(target, link.parent)
    if link.is_symlink():
        if link.readlink() == Path(text):
            return
        link.unlink()
    elif link.is_file():
        return
    link.symlink_to(text)
