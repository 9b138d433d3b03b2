"""What tells apart the images of one kind in a session, as BIDS entities.

An entity is given only where the images of the session differ in what it says: ``ce`` (with
or without contrast agent), ``acq`` (dimension, plane, sequence or voxel size), ``rec`` (one
acquisition reconstructed several times), ``dir`` (phase encoding), ``echo`` and ``part``.
Images that differ in none of these are repeats, which get ``run`` (see `ecdysis.planning.names`).
BIDS 1.10, Appendix: Entities.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ecdysis.bids import schema
from ecdysis.planning import description_labels
from ecdysis.planning.series import Series, facts

RECONSTRUCTIONS = ("NORM", "DIS2D", "DIS3D", "MOCO", "SWI")
"""Terms of ImageType that tell one reconstruction of an acquisition from another."""

UNNAMED = "unnamed"
"""The task of a series whose description names none."""

UNKNOWN = {"ROW": "row", "COL": "column", "COLUMN": "column"}
"""``dir`` where the header gives the axis of phase encoding and not its polarity."""

Facts = Mapping[str, Any]


def distinguish(kind: str, several: Sequence[Series]) -> dict[str, str]:
    """Return for each series (identifier) the entities by which it differs from the others.

    They are joined as in a file name, ``acq-2Dtra_ce-agent``; an empty text when there are
    none. Labels are fixed words and numbers, or what
    `ecdysis.planning.description_labels` lets pass.
    """
    told = {one.id: facts(one) for one in several}
    labels: dict[str, dict[str, str]] = {one.id: {} for one in several}
    for one in several:
        if schema.allows(kind, "task") and schema.folder_of(kind) == "func":
            labels[one.id]["task"] = description_labels.task(one.header) or UNNAMED
        if schema.suffix_of(kind) == "epi":
            axis = UNKNOWN.get(str(told[one.id]["phase_encoding"]), "unknown")
            labels[one.id]["dir"] = told[one.id]["direction"] or axis
    for group in _alike(several, labels):
        for name, acquisition in _acquisitions(kind, group, told).items():
            labels[name]["acq"] = acquisition
        agents = {one.id: "agent" * told[one.id]["contrast_agent"] for one in group}
        directions = {one.id: told[one.id]["direction"] or "" for one in group}
        for one in group:
            labels[one.id].setdefault("dir", _if_different(directions)[one.id])
            labels[one.id]["ce"] = _if_different(agents)[one.id]
            labels[one.id]["rec"] = _reconstruction(one, group, told, labels)
    for one in several:
        labels[one.id] |= description_labels.explicit(one.header)
    for group in _alike(several, labels):
        for one in group:
            labels[one.id] |= _of_one_acquisition(one, group, told)
    return {
        name: schema.join({key: value for key, value in own.items() if schema.allows(kind, key)})
        for name, own in labels.items()
    }


def _alike(
    several: Sequence[Series], labels: Mapping[str, Mapping[str, str]]
) -> Iterable[list[Series]]:
    groups: defaultdict[tuple[Any, ...], list[Series]] = defaultdict(list)
    for one in several:
        groups[tuple(sorted(labels[one.id].items()))].append(one)
    return list(groups.values())


def _acquisitions(
    kind: str, several: Sequence[Series], told: Mapping[str, Facts]
) -> dict[str, str]:
    """Return the properties in which the acquisitions differ, joined to a label."""
    anatomical: tuple[Callable[[Facts], str], ...] = (
        lambda fact: str(fact["dimension"] or ""),
        lambda fact: str(fact["plane"] or ""),
        lambda fact: "".join(sorted(fact["sequence"])).lower(),
    )
    properties = (*(anatomical if schema.folder_of(kind) == "anat" else ()), _voxel)
    different = [
        _if_different({one.id: said(told[one.id]) for one in several}) for said in properties
    ]
    return {one.id: "".join(values[one.id] for values in different) for one in several}


def _if_different(values: Mapping[str, str]) -> dict[str, str]:
    same = len(set(values.values())) <= 1
    return {name: "" if same else value for name, value in values.items()}


def _voxel(fact: Facts) -> str:
    """Return the voxel size as a label: 1 x 1 x 4.5 mm is ``1x1x4p5mm``."""
    sizes = (fact["pixel_mm"], fact["pixel_mm"], fact["slice_mm"])
    if None in sizes:
        return ""
    return "x".join(f"{round(size, 1):g}".replace(".", "p") for size in sizes) + "mm"


def _reconstruction(
    one: Series,
    several: Sequence[Series],
    told: Mapping[str, Facts],
    labels: Mapping[str, Mapping[str, str]],
) -> str:
    time = one.acquired()
    same = [
        set(told[other.id]["image_type"]).intersection(RECONSTRUCTIONS)
        for other in several
        if time
        and other.acquired() == time
        and told[other.id]["parts"] == told[one.id]["parts"]
        and labels[other.id].get("acq") == labels[one.id].get("acq")
    ]
    if not same:
        return ""
    own = set(told[one.id]["image_type"]) - set.intersection(*same)
    terms = [term.lower() for term in RECONSTRUCTIONS if term in own]
    return "".join([*terms, "combined" * _combines(one, several, told)])


def _combines(one: Series, several: Sequence[Series], told: Mapping[str, Facts]) -> bool:
    """Say whether a series was made of the echoes of another, as is usual for MEMPRAGE."""
    return len(told[one.id]["echo_times"]) <= 1 and any(
        len(told[other.id]["echo_times"]) > 1 and other.acquired() == one.acquired()
        for other in several
    )


def _of_one_acquisition(
    one: Series, several: Sequence[Series], told: Mapping[str, Facts]
) -> dict[str, str]:
    """Return echo and part of a series that shares its acquisition with others."""
    time = one.acquired()
    same = [other for other in several if time and other.acquired() == time]
    parts = {other.id: "".join(told[other.id]["parts"]) for other in same}
    own = told[one.id]["echo_times"]
    alone = (told[other.id]["echo_times"] for other in same)
    times = sorted({tuple(found) for found in alone if len(found) == 1})
    echo = times.index(tuple(own)) + 1 if len(times) > 1 and len(own) == 1 else 0
    part = _if_different(parts).get(one.id, "")
    if not part and told[one.id]["parts"] != ["mag"] and len(told[one.id]["parts"]) == 1:
        part = told[one.id]["parts"][0]
    return {"echo": str(echo) if echo else "", "part": part}
