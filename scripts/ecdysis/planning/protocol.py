"""Protocols of a study: which sessions were acquired with other parameters than most.

Images of one name (without run) are compared over all sessions. Series whose parameters agree are
one group; a session deviates where its series is not in the largest group of the name.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ecdysis.planning.facts import Facts

FEWEST = 3
"""With fewer sessions no group is the usual one."""

TOLERANCE = 0.005
"""Numbers that differ by at most this fraction are equal: scanners adjust times slightly."""


@dataclass(frozen=True)
class Acquired:
    """One image series of a session.

    Parameters
    ----------
    session : str
        As ``sub-01_ses-01``.
    name : str
        Entities without run, and suffix, as ``task-rest_bold``.
    facts : Facts
    coil, software : str
        As the header has them.
    """

    session: str
    name: str
    facts: Facts
    coil: str = ""
    software: str = ""


@dataclass(frozen=True)
class Protocol:
    """Series of one name with the same parameters.

    Parameters
    ----------
    name : str
    parameters : dict
        Parameter -> value, as a text.
    sessions : list of str
        Sorted, each once.
    largest : bool
        Whether it is the usual protocol, from which the sessions of other groups deviate.
    """

    name: str
    parameters: dict[str, str]
    sessions: list[str] = field(default_factory=list)
    largest: bool = False


@dataclass(frozen=True)
class Deviation:
    """A parameter in which a session differs from the usual protocol; values are texts."""

    session: str
    name: str
    parameter: str
    value: str
    usual: str


Numbers = tuple[float | None, ...]

NUMBERS: dict[str, Callable[[Facts], Numbers]] = {
    "repetition time (ms)": lambda known: (known.repetition_time,),
    "echo times (ms)": lambda known: tuple(known.echo_times),
    "flip angle (degrees)": lambda known: (known.flip_angle,),
    "voxel size (mm)": lambda known: (known.pixel_mm, known.slice_mm),
    "slices": lambda known: (known.slices,),
    "b-values (s/mm2)": lambda known: tuple(known.b_values),
}
TEXTS: dict[str, Callable[[Acquired], str]] = {
    "phase encoding": lambda item: item.facts.direction or "n/a",
    "receive coil": lambda item: item.coil or "n/a",
    "software version": lambda item: item.software or "n/a",
}
FREE_TEXT = ("receive coil", "software version")
"""Parameters whose value may be a name; outside the private folder it is a number."""


def protocols(acquired: Sequence[Acquired]) -> list[Protocol]:
    """Group the series of a study: by name, the largest group of each name first."""
    by_name: defaultdict[str, list[Acquired]] = defaultdict(list)
    for item in acquired:
        by_name[item.name].append(item)
    groups = []
    for name, images in sorted(by_name.items()):
        columns = {parameter: _texts(parameter, images) for parameter in (*NUMBERS, *TEXTS)}
        members: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for values, image in zip(zip(*columns.values(), strict=True), images, strict=True):
            members[values].add(image.session)
        ordered = sorted(members.items(), key=lambda item: (-len(item[1]), item[0]))
        sizes = [len(sessions) for _, sessions in ordered]
        usual = len(set.union(*members.values())) >= FEWEST and (
            len(sizes) < 2 or sizes[0] > sizes[1]
        )
        groups += [
            Protocol(
                name, dict(zip(columns, values, strict=True)), sorted(sessions), usual and not at
            )
            for at, (values, sessions) in enumerate(ordered)
        ]
    return groups


def deviations(groups: Iterable[Protocol]) -> list[Deviation]:
    """Return how the sessions of smaller groups differ from the largest group of their name."""
    usual: dict[str, Protocol] = {}
    found = []
    for group in groups:
        if group.largest:
            usual[group.name] = group
        elif group.name in usual:
            expected = usual[group.name].parameters
            found += [
                Deviation(session, group.name, parameter, value, expected[parameter])
                for session in group.sessions
                for parameter, value in group.parameters.items()
                if value != expected[parameter]
            ]
    return sorted(found, key=lambda item: (item.name, item.session))


def without_free_text(groups: Sequence[Protocol]) -> list[Protocol]:
    """Replace values that may name somebody by numbers, ``1`` for the most frequent."""
    counts = {word: Counter[str]() for word in FREE_TEXT}
    for group in groups:
        for word, count in counts.items():
            count[group.parameters[word]] += len(group.sessions)
    numbers = {
        word: {value: f"number {at}" for at, (value, _) in enumerate(count.most_common(), start=1)}
        for word, count in counts.items()
    }
    return [
        Protocol(
            group.name,
            group.parameters | {word: numbers[word][group.parameters[word]] for word in FREE_TEXT},
            group.sessions,
            group.largest,
        )
        for group in groups
    ]


def _texts(parameter: str, images: Sequence[Acquired]) -> list[str]:
    """Return the value of a parameter for each image; equal texts where numbers nearly agree."""
    if parameter in TEXTS:
        return [TEXTS[parameter](image) for image in images]
    values = [NUMBERS[parameter](image.facts) for image in images]
    levels = _levels([number for numbers in values for number in numbers if number is not None])
    between = " x " if parameter == "voxel size (mm)" else ", "
    return [
        between.join("n/a" if number is None else f"{levels[number]:g}" for number in numbers)
        for numbers in values
    ]


def _levels(numbers: Sequence[float]) -> dict[float, float]:
    """Map each number to the most frequent of those that differ from it by `TOLERANCE` at most."""
    counts = Counter(numbers)
    clusters: list[list[float]] = []
    for number in sorted(counts):
        if clusters and number - clusters[-1][0] <= TOLERANCE * abs(number):
            clusters[-1].append(number)
        else:
            clusters.append([number])
    return {
        number: max(cluster, key=counts.__getitem__) for cluster in clusters for number in cluster
    }
