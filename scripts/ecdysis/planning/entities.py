"""What tells apart the images of one kind in a session, as BIDS entities.

An entity is given only where the images of the session differ in what it says: ``acq``
(dimension, plane, sequence or voxel size), ``rec`` (one
acquisition reconstructed several times), ``dir`` (phase encoding), ``echo`` and ``part``.
Images that differ in none of these are repeats, which get ``run`` (see `ecdysis.planning.names`).
BIDS 1.10, Appendix: Entities.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ecdysis.bids import schema
from ecdysis.planning import description_labels
from ecdysis.planning.companions import acquisitions
from ecdysis.planning.decision import Decision
from ecdysis.planning.facts import Facts
from ecdysis.planning.recognise import words

RECONSTRUCTIONS = ("NORM", "DIS2D", "DIS3D", "MOCO")
"""Terms of ImageType by which reconstructions of one acquisition differ."""

UNNAMED = "unnamed"
"""The task of a series whose description names none."""

UNKNOWN = {"ROW": "row", "COL": "column", "COLUMN": "column"}
"""``dir`` where the header gives the axis of phase encoding and not its polarity."""

Labels = dict[str, str]


def distinguish(kind: str, several: Sequence[Decision]) -> dict[str, str]:
    """Return for each series (identifier) the entities by which it differs from the others.

    They are joined as in a file name, ``acq-2Dtra_ce-agent``; an empty text when there are
    none. Labels are fixed words and numbers, or what
    `ecdysis.planning.description_labels` lets pass.
    """
    labels = {decision.series.id: _own(kind, decision) for decision in several}
    beside = {decision.series.id: group for group in acquisitions(several) for decision in group}
    for group in _alike(several, labels):
        for name, acquisition in _acquisition_labels(kind, group).items():
            labels[name]["acq"] = labels[name].get("acq", "") + acquisition
        directions = _if_different(
            {decision.series.id: decision.facts.direction or "" for decision in group}
        )
        for decision in group:
            own = labels[decision.series.id]
            own.setdefault("dir", directions[decision.series.id])
            same = [other for other in beside[decision.series.id] if other in group]
            own["rec"] = _reconstruction(decision, same, labels)
    for decision in several:
        labels[decision.series.id] |= description_labels.explicit(decision.series.header)
    settled = {name: _without_rec(own) for name, own in labels.items()}
    for decision in several:
        name = decision.series.id
        same = [other for other in beside[name] if settled[other.series.id] == settled[name]]
        labels[name] |= _of_one_acquisition(decision, same)
    return {
        name: schema.join({key: value for key, value in own.items() if schema.allows(kind, key)})
        for name, own in labels.items()
    }


def with_difference(kind: str, entities: str, own: Mapping[str, str]) -> dict[str, str]:
    """Return different entities for series to which a person gave one name.

    Parameters
    ----------
    kind : str
    entities : str
        Those that the person gave to all of the series.
    own : mapping of str
        Series (identifier) in the order of acquisition -> the entities that `distinguish` found.

    Returns
    -------
    dict
        Series -> entities: those given, with those in which the series differ, or with a run. They
        stay equal when the person gave a run.
    """
    given = schema.labels_of(entities)
    found = {name: schema.labels_of(base) for name, base in own.items()}
    keys = {key for labels in found.values() for key in labels} - set(given)
    differing = {key for key in keys if len({labels.get(key) for labels in found.values()}) > 1}
    named = {
        name: schema.join(given | {key: labels[key] for key in differing if key in labels})
        for name, labels in found.items()
    }
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for name, text in named.items():
        alike[text].append(name)
    for text, names in alike.items():
        if len(names) > 1 and "run" not in given and schema.allows(kind, "run"):
            runs = {name: str(run) for run, name in enumerate(names, start=1)}
            named |= {name: schema.with_entities(text, run=run) for name, run in runs.items()}
    return named


def _without_rec(labels: Labels) -> Labels:
    return {key: label for key, label in labels.items() if key != "rec"}


def _own(kind: str, decision: Decision) -> Labels:
    """Return the entities that a series has whatever the others are."""
    labels: Labels = {}
    header, known = decision.series.header, decision.facts
    if schema.allows(kind, "task") and schema.folder_of(kind) == "func":
        labels["task"] = description_labels.task(header) or UNNAMED
    if schema.suffix_of(kind) == "epi":
        axis = UNKNOWN.get(str(known.phase_encoding), "unknown")
        labels["dir"] = known.direction or axis
        if "DIFFUSION" in known.image_type or {"dwi", "b0"} & words(header):
            labels["acq"] = "dwi"
    if known.contrast_agent:
        labels["ce"] = "agent"
    return labels


def _alike(several: Sequence[Decision], labels: Mapping[str, Labels]) -> Iterable[list[Decision]]:
    groups: defaultdict[tuple[Any, ...], list[Decision]] = defaultdict(list)
    for decision in several:
        groups[tuple(sorted(labels[decision.series.id].items()))].append(decision)
    return list(groups.values())


def _acquisition_labels(kind: str, several: Sequence[Decision]) -> Labels:
    """Return the properties in which the acquisitions differ, joined to a label."""
    anatomical: tuple[Callable[[Facts], str], ...] = (
        lambda known: known.dimension or "",
        lambda known: known.plane or "",
        lambda known: "".join(sorted(known.sequence)).lower(),
    )
    properties = (*(anatomical if schema.folder_of(kind) == "anat" else ()), _voxel)
    different = [
        _if_different({decision.series.id: label(decision.facts) for decision in several})
        for label in properties
    ]
    return {
        decision.series.id: "".join(values[decision.series.id] for values in different)
        for decision in several
    }


def _if_different(values: Mapping[str, str]) -> Labels:
    same = len(set(values.values())) <= 1
    return {name: "" if same else value for name, value in values.items()}


def _voxel(known: Facts) -> str:
    """Return the voxel size as a label: 1 x 1 x 4.5 mm is ``1x1x4p5mm``."""
    if known.pixel_mm is None or known.slice_mm is None:
        return ""
    sizes = (known.pixel_mm, known.pixel_mm, known.slice_mm)
    return "x".join(f"{round(size, 1):g}".replace(".", "p") for size in sizes) + "mm"


def _reconstruction(
    decision: Decision, beside: Sequence[Decision], labels: Mapping[str, Labels]
) -> str:
    """Return the terms by which a series differs from others of its acquisition.

    A susceptibility-weighted image, which is computed from magnitude and phase, and a denoised
    one are named as such.
    """
    if decision.facts.image_type and "SWI" in decision.facts.image_type:
        return "swi"
    if "denoised" in words(decision.series.header):
        return "den"
    acquisition = labels[decision.series.id].get("acq")
    same: list[set[str]] = [
        set(other.facts.image_type).intersection(RECONSTRUCTIONS)
        for other in beside
        if other.facts.parts == decision.facts.parts
        and "SWI" not in other.facts.image_type
        and labels[other.series.id].get("acq") == acquisition
    ]
    if len(same) < 2:
        return ""
    own = set(decision.facts.image_type) - same[0].intersection(*same)
    terms = [term.lower() for term in RECONSTRUCTIONS if term in own]
    return "".join([*terms, "combined" * _combines(decision, beside)])


def _combines(decision: Decision, beside: Sequence[Decision]) -> bool:
    """Say whether a series was made of the echoes of another, as is usual for MEMPRAGE."""
    return len(decision.facts.echo_times) <= 1 and any(
        len(other.facts.echo_times) > 1 for other in beside
    )


def _of_one_acquisition(decision: Decision, beside: Sequence[Decision]) -> Labels:
    """Return inversion, echo and part of a series that shares its acquisition with others."""
    own = decision.facts.echo_times
    alone = (other.facts.echo_times for other in beside)
    times = sorted({tuple(echoes) for echoes in alone if len(echoes) == 1})
    echo = times.index(tuple(own)) + 1 if len(times) > 1 and len(own) == 1 else 0
    parts = {"".join(other.facts.parts) for other in beside if not _computed(other)}
    part = ""
    if len(decision.facts.parts) == 1 and not _computed(decision):
        mixed = len(parts) > 1 or decision.facts.parts != ["mag"]
        part = decision.facts.parts[0] if mixed else ""
    labels = {"echo": str(echo) if echo else "", "part": part}
    if decision.guess.suffix == "MP2RAGE":
        labels["inv"] = _inversion(decision, beside)
    return labels


def _computed(decision: Decision) -> bool:
    return "SWI" in decision.facts.image_type


def _inversion(decision: Decision, beside: Sequence[Decision]) -> str:
    """Return which inversion of an MP2RAGE it is: as named, else by inversion time."""
    named = words(decision.series.header)
    for number in ("1", "2"):
        if f"inv{number}" in named:
            return number
    times = sorted({other.facts.inversion_time or 0.0 for other in beside})
    return str(times.index(decision.facts.inversion_time or 0.0) + 1)
