"""BIDS entities that distinguish the images of one kind in a session.

An image gets an entity only if the images of the session differ in it: ``acq`` (dimension, plane,
sequence or voxel size), ``rec`` (several reconstructions of one acquisition), ``dir`` (phase
encoding), ``echo`` and ``part``. Images without such a difference are repeats, which get ``run``
(see `ecdysis.planning.names`). BIDS 1.10, Appendix: Entities.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from ecdysis.bids import schema
from ecdysis.ordering import grouped
from ecdysis.planning.decision import Decision, acquisitions
from ecdysis.planning.entries import Facts
from ecdysis.planning.recognise import description_words, entity_labels, task_label

RECONSTRUCTIONS = ("NORM", "DIS2D", "DIS3D", "MOCO")
"""Terms of ImageType in which reconstructions of one acquisition differ."""

UNNAMED = "unnamed"
"""The task label of a series without a task in its description."""

UNKNOWN = {"ROW": "row", "COL": "column", "COLUMN": "column"}
"""Axis of phase encoding in the header -> ``dir``, if its polarity is not known."""

Labels = dict[str, str]


def distinguish(kind: str, several: Sequence[Decision]) -> dict[str, str]:
    """Return the entities that distinguish each series from the others.

    Labels are fixed words and numbers, or labels that
    `ecdysis.planning.recognise.entity_labels` regards as safe. The result maps the identifier of a
    series to entities as in a file name, for example ``acq-2Dtra_ce-agent``; they may be empty.
    """
    labels = {decision.series.id: _fixed_labels(kind, decision) for decision in several}
    acquisition_of = {
        decision.series.id: group for group in acquisitions(several) for decision in group
    }
    for group in _with_equal_labels(several, labels):
        for name, acquisition in _acquisition_labels(kind, group).items():
            labels[name]["acq"] = labels[name].get("acq", "") + acquisition
        directions = _if_different(
            {decision.series.id: decision.facts.direction or "" for decision in group}
        )
        for decision in group:
            own = labels[decision.series.id]
            own.setdefault("dir", directions[decision.series.id])
            same = [other for other in acquisition_of[decision.series.id] if other in group]
            own["rec"] = _reconstruction(decision, same, labels)
    for decision in several:
        labels[decision.series.id] |= entity_labels(decision.series.header)
    without_rec = {
        name: {key: label for key, label in own.items() if key != "rec"}
        for name, own in labels.items()
    }
    for decision in several:
        name = decision.series.id
        same = [
            other
            for other in acquisition_of[name]
            if without_rec[other.series.id] == without_rec[name]
        ]
        labels[name] |= _labels_within_acquisition(decision, same)
    return {
        name: schema.join({key: value for key, value in own.items() if schema.allows(kind, key)})
        for name, own in labels.items()
    }


def distinguish_equal_names(
    kind: str, entities: str, automatic: Mapping[str, str]
) -> dict[str, str]:
    """Return different entities for series to which the user gave the same name.

    The user gave the `entities` to all of the series. `automatic` is the result of `distinguish`,
    in the order of acquisition. The result maps the identifier of a series to the user's entities,
    and the automatic entities in which the series differ, or a run. They stay equal if the user
    gave a run.
    """
    given = schema.labels_of(entities)
    labels_of = {name: schema.labels_of(text) for name, text in automatic.items()}
    keys = {key for labels in labels_of.values() for key in labels} - set(given)
    differing = {key for key in keys if len({labels.get(key) for labels in labels_of.values()}) > 1}
    named = {
        name: schema.join(given | {key: labels[key] for key in differing if key in labels})
        for name, labels in labels_of.items()
    }
    for text, names in grouped((text, name) for name, text in named.items()).items():
        if len(names) > 1 and "run" not in given and schema.allows(kind, "run"):
            runs = {name: str(run) for run, name in enumerate(names, start=1)}
            named |= {name: schema.with_entities(text, run=run) for name, run in runs.items()}
    return named


def _fixed_labels(kind: str, decision: Decision) -> Labels:
    """Return the entities of a series that do not depend on other series."""
    labels: Labels = {}
    header, facts = decision.series.header, decision.facts
    if schema.allows(kind, "task") and schema.folder_of(kind) == "func":
        labels["task"] = task_label(header) or UNNAMED
    if schema.suffix_of(kind) == "epi":
        axis = UNKNOWN.get(str(facts.phase_encoding), "unknown")
        labels["dir"] = facts.direction or axis
        if "DIFFUSION" in facts.image_type or {"dwi", "b0"} & description_words(header):
            labels["acq"] = "dwi"
    if facts.contrast_agent:
        labels["ce"] = "agent"
    return labels


def _with_equal_labels(
    several: Sequence[Decision], labels: Mapping[str, Labels]
) -> Iterable[list[Decision]]:
    return grouped(
        (tuple(sorted(labels[decision.series.id].items())), decision) for decision in several
    ).values()


def _acquisition_labels(kind: str, several: Sequence[Decision]) -> Labels:
    """Return a label for each series, of the properties in which the acquisitions differ."""
    anatomical: tuple[Callable[[Facts], str], ...] = (
        lambda facts: facts.dimension or "",
        lambda facts: facts.plane or "",
        lambda facts: "".join(sorted(facts.sequence)).lower(),
    )
    properties = (*(anatomical if schema.folder_of(kind) == "anat" else ()), _voxel_size)
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


def _voxel_size(facts: Facts) -> str:
    """Return the voxel size as a label, for example ``1x1x4p5mm`` for 1 x 1 x 4.5 mm."""
    if facts.pixel_mm is None or facts.slice_mm is None:
        return ""
    sizes = (facts.pixel_mm, facts.pixel_mm, facts.slice_mm)
    return "x".join(f"{round(size, 1):g}".replace(".", "p") for size in sizes) + "mm"


def _reconstruction(
    decision: Decision, others: Sequence[Decision], labels: Mapping[str, Labels]
) -> str:
    """Return the label ``rec``: the terms in which a series differs from others of its acquisition.

    Susceptibility-weighted images, which are computed from magnitude and phase, and denoised
    images have labels of their own.
    """
    if decision.facts.image_type and "SWI" in decision.facts.image_type:
        return "swi"
    if "denoised" in description_words(decision.series.header):
        return "den"
    acquisition = labels[decision.series.id].get("acq")
    same: list[set[str]] = [
        set(other.facts.image_type).intersection(RECONSTRUCTIONS)
        for other in others
        if other.facts.parts == decision.facts.parts
        and "SWI" not in other.facts.image_type
        and labels[other.series.id].get("acq") == acquisition
    ]
    if len(same) < 2:
        return ""
    own = set(decision.facts.image_type) - same[0].intersection(*same)
    terms = [term.lower() for term in RECONSTRUCTIONS if term in own]
    return "".join([*terms, "combined" * _combines_echoes(decision, others)])


def _combines_echoes(decision: Decision, others: Sequence[Decision]) -> bool:
    """Return whether a series was computed from the echoes of another, as for MEMPRAGE."""
    return len(decision.facts.echo_times) <= 1 and any(
        len(other.facts.echo_times) > 1 for other in others
    )


def _labels_within_acquisition(decision: Decision, others: Sequence[Decision]) -> Labels:
    """Return inversion, echo and part of a series that shares its acquisition with others."""
    own = decision.facts.echo_times
    echo_times = (other.facts.echo_times for other in others)
    times = sorted({tuple(echoes) for echoes in echo_times if len(echoes) == 1})
    echo = times.index(tuple(own)) + 1 if len(times) > 1 and len(own) == 1 else 0
    parts = {"".join(other.facts.parts) for other in others if not _computed(other)}
    part = ""
    if len(decision.facts.parts) == 1 and not _computed(decision):
        mixed = len(parts) > 1 or decision.facts.parts != ["mag"]
        part = decision.facts.parts[0] if mixed else ""
    labels = {"echo": str(echo) if echo else "", "part": part}
    if decision.guess.suffix == "MP2RAGE":
        labels["inv"] = _inversion(decision, others)
    return labels


def _computed(decision: Decision) -> bool:
    return "SWI" in decision.facts.image_type


def _inversion(decision: Decision, others: Sequence[Decision]) -> str:
    """Return the inversion of an MP2RAGE image, by its description or by its inversion time."""
    named = description_words(decision.series.header)
    for number in ("1", "2"):
        if f"inv{number}" in named:
            return number
    times = sorted({other.facts.inversion_time or 0.0 for other in others})
    return str(times.index(decision.facts.inversion_time or 0.0) + 1)
