"""Images that belong to another: references, the parts of a field map, echoes, reversed b0.

They are paired by the time of acquisition, echo, part and geometry, never by a counter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ecdysis.planning.decision import Decision
from ecdysis.planning.recognise import words
from ecdysis.planning.recognition_table import FEW_VOLUMES
from ecdysis.planning.series import at_once, seconds_between

TIME_SERIES = ("bold", "dwi", "asl")
"""What a reference image is of."""

UNWEIGHTED = 50.0
"""b-values (s/mm2) up to this one are those of an image without diffusion weighting."""

B_VALUES_IN_HEADER = ("SIEMENS", "PHILIPS", "CANON")
"""Vendors that write b-values to public attributes or to the name of the sequence."""

Acquisition = list[Decision]


def acquisitions(decisions: Sequence[Decision]) -> list[Acquisition]:
    """Put together the series of one acquisition and kind, in the order of their acquisition.

    Series without a time are of one acquisition when they follow each other and differ in echo
    or part.
    """
    groups: list[Acquisition] = []
    for decision in decisions:
        same = (group for group in reversed(groups) if _together(group, decision))
        group = next(same, None)
        if group is None:
            groups.append([decision])
        else:
            group.append(decision)
    return groups


def _together(group: Acquisition, decision: Decision) -> bool:
    first, last = group[0], group[-1]
    # Exports may have lost the times, or have one time for all.
    if first.guess.suffix != decision.guess.suffix or _image(decision) in map(_image, group):
        return False
    if first.series.acquired() and decision.series.acquired():
        return at_once(first.series, decision.series)
    before, number = last.facts.series_number, decision.facts.series_number
    return (
        number is not None
        and before == number - 1
        and first.facts.volumes == decision.facts.volumes
        and _image(decision)[:3] not in [_image(other)[:3] for other in group]
    )


def _image(
    decision: Decision,
) -> tuple[list[float], list[str], float | None, list[str]]:
    """Return what distinguishes a series from the others of its acquisition."""
    known = decision.facts
    return known.echo_times, known.parts, known.inversion_time, known.image_type


def references(decisions: Sequence[Decision]) -> list[Decision]:
    """Give each reference image the time series that it was acquired for.

    That is the next time series, when no other reference lies between them: the one before it
    is of an acquisition that was stopped.
    """
    settled = {id(decision): decision for decision in decisions}
    relevant = [
        decision
        for decision in decisions
        if decision.guess.suffix in ("sbref", "epi", *TIME_SERIES)
        and "DERIVED" not in decision.facts.image_type
    ]
    ordered = acquisitions(relevant)
    for at, group in enumerate(ordered):
        following = ordered[at + 1] if at + 1 < len(ordered) else None
        for decision in group:
            if decision.kind == "sbref":
                settled[id(decision)] = _reference(decision, following)
    return [settled[id(decision)] for decision in decisions]


def _reference(decision: Decision, following: Acquisition | None) -> Decision:
    suffix = following[0].guess.suffix if following else None
    if following is None or suffix == "sbref":
        return replace(decision, objection="a reference image without its time series")
    if suffix == "epi":
        return replace(decision, objection="the reference image of a field map")
    if suffix == "asl":
        return replace(decision, objection="the reference image of an arterial spin labelling")
    made = [other for other in following if other.kind]
    if not made:
        return replace(decision, objection="a reference image whose time series is left out")
    alike = [
        other
        for other in made
        if (other.facts.echo_times, other.facts.parts)
        == (decision.facts.echo_times, decision.facts.parts)
    ]
    kind = "dwi/sbref" if suffix == "dwi" else "sbref"
    partner = (alike or made)[0].series.id
    return replace(decision, guess=replace(decision.guess, suffix=kind), partner=partner)


def field_maps(decisions: Sequence[Decision]) -> list[Decision]:
    """Give each phase its magnitude, and distinguish first and second echo.

    A magnitude without a phase, as when a field map is repeated, is left out where the session
    has phases; so is a phase difference without a magnitude, whose echo times BIDS requires.
    """
    decisions = _two_phases(decisions)
    phases = [decision for decision in decisions if decision.kind in ("phasediff", "phase1")]
    magnitudes = [decision for decision in decisions if decision.kind == "magnitude"]
    partner = _phases_of(phases, magnitudes)
    paired = {phase.series.id for phase in partner.values()}

    def settle(decision: Decision) -> Decision:
        single = len(decision.facts.echo_times) < 2
        lonely = decision.series.id not in paired and decision.partner not in paired
        if decision.kind in ("phasediff", "phase1", "phase2") and single and lonely:
            why = "the phase difference of a field map without its magnitude"
            return replace(decision, objection=why)
        if decision.kind != "magnitude":
            return decision
        phase = partner.get(decision.series.id)
        if phases and phase is None:
            why = "the magnitude of a field map without its phase, as when it was repeated"
            return replace(decision, objection=why)
        guess = decision.guess
        if single:
            first = _is_first_echo(decision, phase, magnitudes, partner)
            guess = replace(guess, suffix="magnitude1" if first else "magnitude2")
        return replace(decision, guess=guess, partner=phase.series.id if phase else None)

    return [settle(decision) for decision in decisions]


def _two_phases(decisions: Sequence[Decision]) -> list[Decision]:
    """Recognise the phases of two echoes of one field map, of which each is a series."""
    phases = [
        decision
        for decision in decisions
        if decision.kind == "phasediff" and len(decision.facts.echo_times) == 1
    ]
    settled = {id(decision): decision for decision in decisions}
    for first in phases:
        for second in phases:
            same = at_once(first.series, second.series) and first.grid == second.grid
            if same and first.facts.echo_times < second.facts.echo_times:
                guess = replace(first.guess, suffix="phase1")
                settled[id(first)] = replace(first, guess=guess)
                guess = replace(second.guess, suffix="phase2")
                settled[id(second)] = replace(second, guess=guess, partner=first.series.id)
    return [settled[id(decision)] for decision in decisions]


def _is_first_echo(
    decision: Decision,
    phase: Decision | None,
    magnitudes: Sequence[Decision],
    partner: Mapping[str, Decision],
) -> bool:
    times = [
        other.facts.echo_times[0]
        for other in magnitudes
        if len(other.facts.echo_times) == 1
        and (
            partner.get(other.series.id) is phase
            if phase
            else at_once(other.series, decision.series)
        )
    ]
    return not decision.facts.echo_times or decision.facts.echo_times[0] <= min(
        times, default=decision.facts.echo_times[0]
    )


def _phases_of(phases: Sequence[Decision], magnitudes: Sequence[Decision]) -> dict[str, Decision]:
    """Return the phase of each magnitude: of the same acquisition, else the nearest in time.

    Magnitude series of different echoes may have one phase.
    """
    partner: dict[str, Decision] = {}
    for phase in phases:
        for magnitude in magnitudes:
            if at_once(phase.series, magnitude.series) and magnitude.grid == phase.grid:
                partner.setdefault(magnitude.series.id, phase)
    for phase in phases:
        if phase in partner.values():
            continue
        free = [
            magnitude
            for magnitude in magnitudes
            if magnitude.series.id not in partner and magnitude.grid == phase.grid
        ]
        nearest = min(free, key=lambda magnitude: _distance(phase, magnitude), default=None)
        for magnitude in free:
            if nearest is not None and (magnitude is nearest or _other_echo(magnitude, nearest)):
                partner[magnitude.series.id] = phase
    return partner


def _distance(phase: Decision, magnitude: Decision) -> tuple[float, int]:
    """Return the time between two series, and the difference of their numbers."""
    times = phase.series.began(), magnitude.series.began()
    seconds = abs(seconds_between(times[0], times[1])) if times[0] and times[1] else 0.0
    numbers = phase.facts.series_number or 0, magnitude.facts.series_number or 0
    return seconds, abs(numbers[0] - numbers[1])


def _other_echo(magnitude: Decision, nearest: Decision) -> bool:
    """Say whether a magnitude is another echo of the acquisition of the nearest."""
    if magnitude.facts.echo_times == nearest.facts.echo_times:
        return False
    numbers = magnitude.facts.series_number, nearest.facts.series_number
    adjacent = None not in numbers and abs((numbers[0] or 0) - (numbers[1] or 0)) == 1
    return adjacent or at_once(magnitude.series, nearest.series)


def echoes(decisions: Sequence[Decision]) -> list[Decision]:
    """Recognise a multi-echo gradient echo of which each echo is a series."""
    settled = {id(decision): decision for decision in decisions}
    candidates = [
        decision
        for decision in decisions
        if decision.kind in ("T1w", "T2starw")
        and "GR" in decision.facts.sequence
        and "IR" not in decision.facts.sequence
        and "MP" not in decision.facts.variant
        and decision.facts.inversion_time is None
        and len(decision.facts.echo_times) == 1
    ]
    for first in candidates:
        group = [other for other in candidates if at_once(first.series, other.series)]
        times = {other.facts.echo_times[0] for other in group}
        named = any("T1w" in words(other.series.header) for other in group)
        if len(times) >= 3 and max(times) >= 9 and not named:
            why = "one of three or more echoes of a gradient echo"
            guess = replace(first.guess, suffix="MEGRE", why=why)
            settled[id(first)] = replace(first, guess=guess)
    return [settled[id(decision)] for decision in decisions]


def reversed_b0(decisions: Sequence[Decision]) -> list[Decision]:
    """Decide what diffusion series without weighting are: field maps, or dwi of zero b-values.

    A short unweighted series with the opposite phase encoding is a field map of the weighted
    series of its session, and so is one of a pair of opposite directions; any other is a dwi.
    """
    diffusion = [decision for decision in decisions if decision.kind == "dwi"]
    short = [decision for decision in diffusion if _is_unweighted(decision)]
    weighted = [decision for decision in diffusion if decision not in short]

    def settle(decision: Decision) -> Decision:
        if decision in weighted:
            return _without_b_values(decision)
        if decision not in short:
            return decision
        own = decision.facts.direction
        against = {other.facts.direction for other in (*weighted, *short)} - {None}
        along = {other.facts.direction for other in weighted}
        opposite = own is not None and own[::-1] in against
        paired = opposite and (
            own not in along or any(_opposite(decision, other) for other in short)
        )
        named = own is None and "reversed" in words(decision.series.header)
        decided = decision.ruling is not None and decision.ruling.decides
        if weighted and (paired or named) and not decided:
            why = "unweighted diffusion image, phase-encoded against the weighted series"
            if own in along:
                why = "unweighted diffusion image, one of a pair of opposite phase encoding"
            return replace(decision, guess=replace(decision.guess, suffix="epi", why=why))
        why = "diffusion image without weighting"
        return replace(decision, guess=replace(decision.guess, why=why), zero_b=True)

    return [settle(decision) for decision in decisions]


def _is_unweighted(decision: Decision) -> bool:
    b_values = decision.facts.b_values
    known = bool(b_values) or "b0" in words(decision.series.header)
    few = decision.facts.volumes <= FEW_VOLUMES
    return few and known and max(b_values, default=0) <= UNWEIGHTED


def _opposite(decision: Decision, other: Decision) -> bool:
    own = decision.facts.direction
    return own is not None and other.facts.direction == own[::-1] and other.grid == decision.grid


def _without_b_values(decision: Decision) -> Decision:
    """Lower the confidence in a diffusion series whose header should have b-values."""
    if decision.facts.b_values or decision.facts.vendor not in B_VALUES_IN_HEADER:
        return decision
    why = f"{decision.guess.why}; its header has no b-values"
    return replace(decision, guess=replace(decision.guess, confidence="medium", why=why))


def calibrations(decisions: Sequence[Decision]) -> list[Decision]:
    """Leave out a calibration image when the session converts no arterial spin labelling."""
    if any(decision.kind == "asl" for decision in decisions):
        return list(decisions)
    why = "the calibration image (m0scan) of an arterial spin labelling that is not converted"
    return [
        replace(decision, objection=why) if decision.kind == "m0scan" else decision
        for decision in decisions
    ]


STEPS = (reversed_b0, echoes, references, field_maps, calibrations)
"""What is settled when all series of a session are recognised, in this order."""
