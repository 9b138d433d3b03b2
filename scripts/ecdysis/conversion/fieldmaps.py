"""Link field maps to images: IntendedFor, B0FieldIdentifier and B0FieldSource.

BIDS 1.10, "Fieldmap data". Among the field maps of its session, a time series gets one with the
same shim settings. If there are several, those with the same slices are preferred, then the last
one before the time series, then the first one after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ecdysis.bids.outputs import Output
from ecdysis.bids.schema import join, labels_of

Grid = tuple[tuple[int, ...], tuple[float, ...]]
"""Shape and rounded affine of an image."""
TARGETS = ("bold", "cbv", "sbref", "dwi", "asl", "m0scan")


@dataclass
class SessionImage:
    """An image of a session; `number` is the place of its series in the order of acquisition."""

    output: Output
    number: int
    sidecar: dict[str, Any] = field(repr=False)
    grid: Grid | None = None

    @property
    def path(self) -> str:
        """Its path in the dataset, with extension."""
        return f"{self.output.path}.nii.gz"

    @property
    def suffix(self) -> str:
        """Its BIDS suffix."""
        return self.output.suffix

    @property
    def labels(self) -> dict[str, str]:
        """Its entities and their labels."""
        return labels_of(self.output.entities)

    @property
    def is_map(self) -> bool:
        """Whether it is in a folder ``fmap``."""
        return self.output.folder.split("/")[-1] == "fmap"


@dataclass
class _Group:
    """The images from which one field is estimated, and the images that it corrects."""

    name: str
    items: list[SessionImage]
    targets: list[SessionImage]

    def shims(self) -> list[Any]:
        return [item.sidecar["ShimSetting"] for item in self.items if "ShimSetting" in item.sidecar]


def links(items: Sequence[SessionImage], session: str) -> dict[str, dict[str, Any]]:
    """Return the sidecar fields that link field maps and time series of a session, by image.

    `session` such as ``sub-01_ses-01`` makes the identifiers unique.
    """
    groups = _groups(items, session)
    for target in sorted(items, key=lambda item: (item.number, item.path)):
        if target.suffix in TARGETS and not target.is_map and groups:
            _group_for(target, groups).targets.append(target)
    fields: dict[str, dict[str, Any]] = {item.path: {} for item in items}
    for group in groups:
        used = [target for target in group.targets if _can_estimate(group, target)]
        for item in group.items:
            fields[item.path]["B0FieldIdentifier"] = group.name
            if used:
                fields[item.path]["IntendedFor"] = [f"bids::{target.path}" for target in used]
        for target in used:
            fields[target.path]["B0FieldSource"] = group.name
            if _has_one_direction(group):
                # The time series has the opposite direction.
                fields[target.path]["B0FieldIdentifier"] = group.name
    return {path: added for path, added in fields.items() if added}


def _groups(items: Sequence[SessionImage], session: str) -> list[_Group]:
    maps = sorted(
        (item for item in items if item.is_map), key=lambda item: (item.number, item.path)
    )
    kinds: dict[tuple[str, str, str], list[SessionImage]] = {}
    for item in maps:
        pepolar = item.suffix in ("epi", "m0scan")
        ignored = ("dir", "run") if pepolar else ("dir",)
        labels = {k: v for k, v in item.labels.items() if k not in ignored}
        axis = str(item.sidecar.get("PhaseEncodingDirection", ""))[:1] * pepolar
        kind = "pepolar" if pepolar else "fieldmap"
        kinds.setdefault((kind, join(labels), axis), []).append(item)
    groups = [
        (kind, members)
        for (kind, *_), same in kinds.items()
        for members in (_sets(same) if kind == "pepolar" else [same])
    ]
    groups.sort(key=lambda group: group[1][0].number)
    suffix = "".join(part.replace("-", "") for part in session.split("_")[1:])
    return [
        _Group(_name(members, f"{kind}{number}", suffix), members, [])
        for number, (kind, members) in enumerate(groups, start=1)
    ]


def _sets(items: Sequence[SessionImage]) -> list[list[SessionImage]]:
    """Split repeated images of several directions into sets with one image of each direction.

    If every direction was acquired equally often, the first images of all directions are one set,
    the second images another. Otherwise a new set begins when a direction repeats.
    """
    by_direction: dict[str | None, list[SessionImage]] = {}
    for item in items:
        direction = item.sidecar.get("PhaseEncodingDirection") or item.labels.get("dir")
        by_direction.setdefault(direction, []).append(item)
    if len({len(same) for same in by_direction.values()}) == 1:
        return [list(members) for members in zip(*by_direction.values(), strict=True)]
    sets: list[list[SessionImage]] = []
    seen: set[str | None] = set()
    directions = {id(item): key for key, same in by_direction.items() for item in same}
    for item in items:
        if not sets or directions[id(item)] in seen:
            sets.append([])
            seen = set()
        sets[-1].append(item)
        seen.add(directions[id(item)])
    return sets


def _name(members: Sequence[SessionImage], name: str, suffix: str) -> str:
    present = (item.sidecar.get("B0FieldIdentifier") for item in members)
    new = "_".join(filter(None, (name, suffix)))
    return next((identifier for identifier in present if isinstance(identifier, str)), new)


def _group_for(target: SessionImage, groups: Sequence[_Group]) -> _Group:
    shim = target.sidecar.get("ShimSetting")
    same_shim = [group for group in groups if shim is not None and shim in group.shims()]
    candidates = same_shim or list(groups)
    same_grid = [
        group for group in candidates if any(item.grid == target.grid for item in group.items)
    ]
    candidates = same_grid or candidates
    before = [group for group in candidates if group.items[0].number < target.number]
    return before[-1] if before else candidates[0]


def _directions(group: _Group) -> set[str | None]:
    return {item.sidecar.get("PhaseEncodingDirection") for item in group.items}


def _has_one_direction(group: _Group) -> bool:
    """Return whether the images have one phase encoding, so that the time series is the other."""
    return group.items[0].suffix in ("epi", "m0scan") and len(_directions(group)) == 1


def _can_estimate(group: _Group, target: SessionImage) -> bool:
    if not _has_one_direction(group):
        return True
    (own,) = _directions(group)
    other = target.sidecar.get("PhaseEncodingDirection")
    return other is not None and other != own and str(other)[0] == str(own)[:1]
