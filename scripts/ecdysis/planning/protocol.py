"""Which sessions were acquired with another protocol than most of the study.

Images of one name (without run, echo and part) are compared over all sessions; a session deviates
where a parameter differs from the value that more than half of the others have.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ecdysis.planning.facts import Facts

FEWEST = 3
"""With fewer sessions nothing is the usual value."""

DIGITS = 3
"""Numbers are compared to this many significant digits, since scanners adjust times slightly."""


@dataclass(frozen=True)
class Acquired:
    """One image series of a session.

    Parameters
    ----------
    session : str
        As ``sub-01_ses-01``.
    name : str
        Entities and suffix that its repeats in all sessions share, as ``task-rest_bold``.
    facts : Facts
    coil, software : str
        As the header has them; they are compared and never shown.
    """

    session: str
    name: str
    facts: Facts
    coil: str = ""
    software: str = ""


@dataclass(frozen=True)
class Deviation:
    """A parameter in which a session differs from the study.

    ``value`` and ``usual`` are texts; those of coil and software are not shown.
    """

    session: str
    name: str
    parameter: str
    value: str
    usual: str


PARAMETERS: dict[str, Callable[[Acquired], str]] = {
    "repetition time (ms)": lambda one: _number(one.facts.repetition_time),
    "echo times (ms)": lambda one: ", ".join(map(_number, one.facts.echo_times)),
    "flip angle (degrees)": lambda one: _number(one.facts.flip_angle),
    "voxel size (mm)": lambda one: f"{_number(one.facts.pixel_mm)} x {_number(one.facts.slice_mm)}",
    "phase encoding": lambda one: one.facts.direction or "n/a",
    "b-values (s/mm2)": lambda one: ", ".join(map(_number, one.facts.b_values)),
    "slices": lambda one: _number(one.facts.slices),
}
HIDDEN: dict[str, Callable[[Acquired], str]] = {
    "receive coil": lambda one: one.coil,
    "software version": lambda one: one.software,
}
"""Parameters whose values may hold free text."""


def deviations(acquired: Sequence[Acquired]) -> list[Deviation]:
    """Return the deviations from the usual protocol, sorted by name and session."""
    by_name: defaultdict[str, list[Acquired]] = defaultdict(list)
    for one in acquired:
        by_name[one.name].append(one)
    found = []
    for name, images in sorted(by_name.items()):
        for parameter, value in {**PARAMETERS, **HIDDEN}.items():
            usual = _usual(images, value)
            if usual is None:
                continue
            shown = parameter not in HIDDEN
            found += [
                Deviation(
                    one.session,
                    name,
                    parameter,
                    value(one) if shown else "another",
                    usual if shown else "that of most sessions",
                )
                for one in images
                if value(one) != usual
            ]
    return list(dict.fromkeys(found))


def _usual(images: Sequence[Acquired], value: Callable[[Acquired], str]) -> str | None:
    """Return the value that more than half of the sessions have; None when there is none."""
    by_session = {(one.session, value(one)) for one in images}
    sessions = {session for session, _ in by_session}
    if len(sessions) < FEWEST:
        return None
    (usual, count), *_ = Counter(shown for _, shown in by_session).most_common(1)
    return usual if count > len(sessions) / 2 else None


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.{DIGITS}g}"
