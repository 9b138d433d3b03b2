"""Which field map is for which image: IntendedFor, B0FieldIdentifier and B0FieldSource.

BIDS 1.10, "Fieldmap data". A time series gets the field map of its session that was made with
the same shim; of several the one with the same slices; of several the last one before it, else
the first after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecdysis.bids.schema import join, labels_of

TARGETS = ("bold", "cbv", "sbref", "dwi", "asl", "m0scan")


@dataclass(frozen=True)
class Item:
    """One image of a session.

    Parameters
    ----------
    path : str
        In the dataset, with extension.
    suffix, entities : str
    number : int
        Of its series: the order of acquisition.
    sidecar : dict
    grid : tuple
        Shape and affine, rounded.
    """

    path: str
    suffix: str
    entities: str
    number: int
    sidecar: Mapping[str, Any] = field(repr=False)
    grid: tuple[Any, ...] = ()

    @property
    def is_map(self) -> bool:
        """Whether it lies in ``fmap``."""
        return "/fmap/" in f"/{self.path}"


@dataclass
class _Group:
    """The images from which one field is estimated."""

    name: str
    items: list[Item]
    targets: list[Item]

    def shims(self) -> list[Any]:
        return [item.sidecar["ShimSetting"] for item in self.items if "ShimSetting" in item.sidecar]


def links(items: Sequence[Item], session: str) -> dict[str, dict[str, Any]]:
    """Return the fields that tie field maps and time series: path -> fields.

    Parameters
    ----------
    items : sequence of Item
        All images of one session.
    session : str
        As ``sub-01_ses-01``; it makes the identifiers unique.
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
            if _is_half(group):
                # The series itself is the other direction of the pair.
                fields[target.path]["B0FieldIdentifier"] = group.name
    return {path: one for path, one in fields.items() if one}


def _groups(items: Sequence[Item], session: str) -> list[_Group]:
    maps = sorted(
        (item for item in items if item.is_map), key=lambda item: (item.number, item.path)
    )
    kinds: dict[tuple[str, str, str], list[Item]] = {}
    for item in maps:
        pepolar = item.suffix in ("epi", "m0scan")
        ignored = ("dir", "run") if pepolar else ("dir",)
        labels = {k: v for k, v in labels_of(item.entities).items() if k not in ignored}
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


def _sets(items: Sequence[Item]) -> list[list[Item]]:
    """Split repeated images of several directions into sets with one image of each direction.

    Where each direction was acquired equally often, the first of each belong together, then the
    second; else a set ends when a direction comes again.
    """
    by_direction: dict[Any, list[Item]] = {}
    for item in items:
        direction = item.sidecar.get("PhaseEncodingDirection") or labels_of(item.entities).get(
            "dir"
        )
        by_direction.setdefault(direction, []).append(item)
    if len({len(same) for same in by_direction.values()}) == 1:
        return [list(members) for members in zip(*by_direction.values(), strict=True)]
    sets: list[list[Item]] = []
    seen: set[Any] = set()
    directions = {id(item): key for key, same in by_direction.items() for item in same}
    for item in items:
        if not sets or directions[id(item)] in seen:
            sets.append([])
            seen = set()
        sets[-1].append(item)
        seen.add(directions[id(item)])
    return sets


def _name(members: Sequence[Item], name: str, suffix: str) -> str:
    """Return the identifier that the images have already, else a new one."""
    given = (item.sidecar.get("B0FieldIdentifier") for item in members)
    return next(
        (one for one in given if isinstance(one, str)), "_".join(filter(None, (name, suffix)))
    )


def _group_for(target: Item, groups: Sequence[_Group]) -> _Group:
    shim = target.sidecar.get("ShimSetting")
    same = [group for group in groups if shim is not None and shim in group.shims()]
    left = same or list(groups)
    left = [one for one in left if any(item.grid == target.grid for item in one.items)] or left
    before = [group for group in left if group.items[0].number < target.number]
    return before[-1] if before else left[0]


def _directions(group: _Group) -> set[Any]:
    return {item.sidecar.get("PhaseEncodingDirection") for item in group.items}


def _is_half(group: _Group) -> bool:
    """Whether a pair of directions is complete only with the time series."""
    return group.items[0].suffix in ("epi", "m0scan") and len(_directions(group)) == 1


def _can_estimate(group: _Group, target: Item) -> bool:
    if not _is_half(group):
        return True
    (own,) = _directions(group)
    other = target.sidecar.get("PhaseEncodingDirection")
    return other is not None and other != own and str(other)[0] == str(own)[:1]
