"""Find sessions that were acquired with other parameters than most sessions of the study.

Images of the same name (without run) are compared over all sessions. Series with equal parameters
form a group. A session deviates if its series is not in the largest group of the name.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ecdysis.ordering import grouped
from ecdysis.planning.entries import Deviation, Facts, Protocol

FEWEST_SESSIONS = 3
"""With fewer sessions, no protocol is regarded as usual."""

TOLERANCE = 0.005
"""Numbers that differ by at most this fraction are equal: scanners adjust times slightly."""


@dataclass(frozen=True)
class Acquired:
    """One image series of a session."""

    session: str
    """For example ``sub-01_ses-01``."""
    name: str
    """Entities without run, and suffix, for example ``task-rest_bold``."""
    facts: Facts
    coil: str = ""
    """The text in the header."""
    software: str = ""
    """The text in the header."""


Numbers = tuple[float | None, ...]

NUMBERS: dict[str, Callable[[Facts], Numbers]] = {
    "repetition time (ms)": lambda facts: (facts.repetition_time,),
    "echo times (ms)": lambda facts: tuple(facts.echo_times),
    "flip angle (degrees)": lambda facts: (facts.flip_angle,),
    "voxel size (mm)": lambda facts: (facts.pixel_mm, facts.slice_mm),
    "slices": lambda facts: (facts.slices,),
    "b-values (s/mm2)": lambda facts: tuple(facts.b_values),
}
TEXTS: dict[str, Callable[[Acquired], str]] = {
    "phase encoding": lambda item: item.facts.direction or "n/a",
    "receive coil": lambda item: item.coil or "n/a",
    "software version": lambda item: item.software or "n/a",
}
FREE_TEXT = ("receive coil", "software version")
"""Parameters whose value may be a name; outside the private folder it is a number."""


def protocols(acquired: Sequence[Acquired]) -> list[Protocol]:
    """Group the series of a study by name and parameters, the largest group of each name first."""
    groups = []
    for name, images in sorted(grouped((item.name, item) for item in acquired).items()):
        columns = {parameter: _texts(parameter, images) for parameter in (*NUMBERS, *TEXTS)}
        members: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for values, image in zip(zip(*columns.values(), strict=True), images, strict=True):
            members[values].add(image.session)
        ordered = sorted(members.items(), key=lambda item: (-len(item[1]), item[0]))
        sizes = [len(sessions) for _, sessions in ordered]
        usual = len(set.union(*members.values())) >= FEWEST_SESSIONS and (
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
    """Return how sessions of smaller groups differ from the largest group of the same name."""
    usual: dict[str, Protocol] = {}
    differences = []
    for group in groups:
        if group.largest:
            usual[group.name] = group
        elif group.name in usual:
            expected = usual[group.name].parameters
            differences += [
                Deviation(session, group.name, parameter, value, expected[parameter])
                for session in group.sessions
                for parameter, value in group.parameters.items()
                if value != expected[parameter]
            ]
    return sorted(differences, key=lambda item: (item.name, item.session))


def without_free_text(groups: Sequence[Protocol]) -> list[Protocol]:
    """Replace values that may name a person by numbers; ``number 1`` is the most frequent value."""
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
    """Return a parameter of each image as text; numbers within the tolerance give equal texts."""
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
    """Map each number to the most frequent number within `TOLERANCE`."""
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
