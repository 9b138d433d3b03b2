"""Decide which series of a session become images, with regard to the other series.

Images that belong to others (references, field map parts, echoes, reversed b0) are paired by time
of acquisition, echo, part and geometry, never by a counter.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

from ecdysis.planning.decision import (
    Acquisition,
    Decision,
    PlanOptions,
    acquisitions,
    decide_series,
)
from ecdysis.planning.recognise import FEW_VOLUMES, description_words
from ecdysis.planning.series import Series, same_acquisition, seconds_between

DIRECTION = re.compile(r"(?<![A-Za-z])(AP|PA|LR|RL|HF|FH)(?![A-Za-z])", re.IGNORECASE)
"""A direction of phase encoding in a series description."""

ABORTED_BELOW = 0.5
"""A series with less than this share of the volumes or slices of a repeat may be aborted."""

TIME_SERIES = ("bold", "dwi", "asl")
"""Kinds that have reference images."""

UNWEIGHTED = 50.0
"""Images with b-values (s/mm2) up to this one have no diffusion weighting."""

B_VALUES_IN_HEADER = ("SIEMENS", "PHILIPS", "CANON")
"""Vendors that write b-values to public attributes or to the sequence name."""


def decide(members: Sequence[Series], options: PlanOptions) -> list[Decision]:
    """Decide on every series of a session, in the order of their acquisition."""
    decisions = [decide_series(series, options) for series in members]
    for step in (
        leave_out_derived,
        recognise_in_plane,
        reversed_b0,
        echoes,
        references,
        field_maps,
        calibrations,
        doubt_short_repeats,
        doubt_directions,
    ):
        changed = step(decisions)
        decisions = [
            replace(old, zero_b=new.zero_b) if old.ruling and old.ruling.decides else new
            for old, new in zip(decisions, changed, strict=True)
        ]
    return [_leave_out_unrequested(decision, options) for decision in decisions]


def _leave_out_unrequested(decision: Decision, options: PlanOptions) -> Decision:
    kind, why = decision.kind, decision.guess.why
    if kind is None or kind in options.suffixes or options.others:
        return decision
    return decision.without_image(f"recognised as {kind} ({why}), which is not among the suffixes")


def leave_out_derived(decisions: Sequence[Decision]) -> list[Decision]:
    """Leave out derived images if the session has an original of the same kind.

    Distortion-corrected images, which are marked as derived too, are kept as reconstructions.
    """
    # A scanner derives the combination of several echoes; no single echo replaces it.
    originals = {
        decision.kind
        for decision in decisions
        if decision.kind
        and "DERIVED" not in decision.facts.image_type
        and len(decision.facts.echo_times) < 2
    }

    def settle(decision: Decision) -> Decision:
        derived = "DERIVED" in decision.facts.image_type
        corrected = {"DIS2D", "DIS3D"} & set(decision.facts.image_type)
        always_derived = decision.kind in ("UNIT1", "T1map")
        if decision.kind not in originals or not derived or corrected or always_derived:
            return decision
        return decision.without_image(f"derived, and the session has an original {decision.kind}")

    return [settle(decision) for decision in decisions]


def recognise_in_plane(decisions: Sequence[Decision]) -> list[Decision]:
    """Recognise in-plane anatomy: 2-D images on the slices of a functional series."""
    grids = {decision.grid for decision in decisions if decision.kind == "bold"}

    def settle(decision: Decision) -> Decision:
        facts = decision.facts
        named = "inplane" in description_words(decision.series.header)
        same_slices = facts.dimension == "2D" and facts.slices > 1 and decision.grid in grids
        if decision.kind not in ("T1w", "T2w") or not (named or same_slices):
            return decision
        if facts.dimension == "3D":
            return decision
        why = "named in-plane" if named else "with the slices of a functional series"
        return decision.with_kind(f"inplane{decision.kind[:2]}", f"{decision.guess.why}, {why}")

    return [settle(decision) for decision in decisions]


def doubt_short_repeats(decisions: Sequence[Decision]) -> list[Decision]:
    """Lower the confidence in a series that is much shorter than another of the same protocol."""
    longest: defaultdict[tuple[object, ...], tuple[float, float]] = defaultdict(lambda: (0, 0))
    for decision in decisions:
        if decision.kind:
            volumes, slices = longest[_protocol(decision)]
            facts = decision.facts
            longest[_protocol(decision)] = max(volumes, facts.volumes), max(slices, facts.slices)

    def settle(decision: Decision) -> Decision:
        if not decision.kind or decision.zero_b:
            return decision
        sizes = (decision.facts.volumes, decision.facts.slices)
        for size, most, what in zip(
            sizes, longest[_protocol(decision)], ("volumes", "slices"), strict=True
        ):
            if size < ABORTED_BELOW * most:
                return decision.with_doubt(
                    f"{size:g} {what}, but another series of this name has {most:g}, so it may "
                    "have been aborted"
                )
        return decision

    return [settle(decision) for decision in decisions]


def doubt_directions(decisions: Sequence[Decision]) -> list[Decision]:
    """Lower the confidence if a description names the opposite of the phase encoding."""

    def settle(decision: Decision) -> Decision:
        header, direction = decision.series.header, decision.facts.direction
        named = DIRECTION.findall(str(header["SeriesDescription"] or ""))
        if not decision.kind or direction is None:
            return decision
        if [text.upper() for text in named] != [direction[::-1]]:
            return decision
        return decision.with_doubt(f"described as {direction[::-1]}, but phase-encoded {direction}")

    return [settle(decision) for decision in decisions]


def _protocol(decision: Decision) -> tuple[object, ...]:
    header, facts = decision.series.header, decision.facts
    names = (str(header[key] or "").lower() for key in ("SeriesDescription", "ProtocolName"))
    return decision.kind, *names, tuple(facts.echo_times), tuple(facts.parts)


def references(decisions: Sequence[Decision]) -> list[Decision]:
    """Pair each reference image with the time series that it was acquired for.

    This is the next time series. If another reference image comes before it, the acquisition of the
    first reference image was stopped.
    """
    changed: dict[str, Decision] = {}
    relevant = [
        decision
        for decision in decisions
        if decision.guess.suffix in ("sbref", "epi", *TIME_SERIES)
        and "DERIVED" not in decision.facts.image_type
    ]
    ordered = acquisitions(relevant)
    for group, following in zip(ordered, [*ordered[1:], None], strict=False):
        for decision in group:
            if decision.kind == "sbref":
                changed[decision.series.id] = _paired_reference(decision, following)
    return [changed.get(decision.series.id, decision) for decision in decisions]


def _paired_reference(decision: Decision, following: Acquisition | None) -> Decision:
    suffix = following[0].guess.suffix if following else None
    if following is None or suffix == "sbref":
        return decision.without_image("a reference image without its time series")
    if suffix == "epi":
        return decision.without_image("the reference image of a field map")
    if suffix == "asl":
        return decision.without_image("the reference image of an arterial spin labelling")
    converted = [other for other in following if other.kind]
    if not converted:
        return decision.without_image("a reference image whose time series is left out")
    same_image = [
        other
        for other in converted
        if (other.facts.echo_times, other.facts.parts)
        == (decision.facts.echo_times, decision.facts.parts)
    ]
    kind = "dwi/sbref" if suffix == "dwi" else "sbref"
    partner = (same_image or converted)[0].series.id
    return replace(decision.with_kind(kind), partner=partner)


def field_maps(decisions: Sequence[Decision]) -> list[Decision]:
    """Pair each phase image with its magnitude, and distinguish first and second echo.

    In a session with phase images, a magnitude without a phase is left out; it occurs when a field
    map is repeated. A phase difference without a magnitude is left out too, because BIDS requires
    the echo times.
    """
    decisions = _two_phases(decisions)
    phases = [decision for decision in decisions if decision.kind in ("phasediff", "phase1")]
    magnitudes = [decision for decision in decisions if decision.kind == "magnitude"]
    partner = _phases_of(phases, magnitudes)
    paired = {phase.series.id for phase in partner.values()}

    def settle(decision: Decision) -> Decision:
        single = len(decision.facts.echo_times) < 2
        unpaired = decision.series.id not in paired and decision.partner not in paired
        if decision.kind in ("phasediff", "phase1", "phase2") and single and unpaired:
            return decision.without_image(
                "the phase difference of a field map without its magnitude"
            )
        if decision.kind != "magnitude":
            return decision
        phase = partner.get(decision.series.id)
        if phases and phase is None:
            why = "the magnitude of a field map without its phase; it may have been repeated"
            return decision.without_image(why)
        if single:
            first = _is_first_echo(decision, phase, magnitudes, partner)
            decision = decision.with_kind("magnitude1" if first else "magnitude2")
        return replace(decision, partner=phase.series.id if phase else None)

    return [settle(decision) for decision in decisions]


def _two_phases(decisions: Sequence[Decision]) -> list[Decision]:
    """Recognise field maps with two phase images, each of one echo."""
    phases = [
        decision
        for decision in decisions
        if decision.kind == "phasediff" and len(decision.facts.echo_times) == 1
    ]
    changed: dict[str, Decision] = {}
    for first, second in product(phases, repeat=2):
        same = same_acquisition(first.series, second.series) and first.grid == second.grid
        if same and first.facts.echo_times < second.facts.echo_times:
            changed[first.series.id] = first.with_kind("phase1")
            phase2 = second.with_kind("phase2")
            changed[second.series.id] = replace(phase2, partner=first.series.id)
    return [changed.get(decision.series.id, decision) for decision in decisions]


def _is_first_echo(
    decision: Decision,
    phase: Decision | None,
    magnitudes: Sequence[Decision],
    partner: Mapping[str, Decision],
) -> bool:
    if not decision.facts.echo_times:
        return True
    if phase:
        same = [other for other in magnitudes if partner.get(other.series.id) is phase]
    else:
        same = [other for other in magnitudes if same_acquisition(other.series, decision.series)]
    times = [other.facts.echo_times for other in same if len(other.facts.echo_times) == 1]
    return decision.facts.echo_times <= min(times, default=decision.facts.echo_times)


def _phases_of(phases: Sequence[Decision], magnitudes: Sequence[Decision]) -> dict[str, Decision]:
    """Return the phase of each magnitude: of the same acquisition, or the nearest in time.

    Several magnitude series with different echoes may belong to one phase.
    """
    partner: dict[str, Decision] = {}
    for phase, magnitude in product(phases, magnitudes):
        if same_acquisition(phase.series, magnitude.series) and magnitude.grid == phase.grid:
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
    """Return the time (s) between two series, and the difference of their numbers."""
    times = phase.series.began(), magnitude.series.began()
    seconds = abs(seconds_between(times[0], times[1])) if times[0] and times[1] else 0.0
    numbers = phase.facts.series_number or 0, magnitude.facts.series_number or 0
    return seconds, abs(numbers[0] - numbers[1])


def _other_echo(magnitude: Decision, nearest: Decision) -> bool:
    """Return whether a magnitude is another echo of the acquisition of the nearest magnitude."""
    if magnitude.facts.echo_times == nearest.facts.echo_times:
        return False
    numbers = magnitude.facts.series_number, nearest.facts.series_number
    adjacent = None not in numbers and abs((numbers[0] or 0) - (numbers[1] or 0)) == 1
    return adjacent or same_acquisition(magnitude.series, nearest.series)


def echoes(decisions: Sequence[Decision]) -> list[Decision]:
    """Recognise multi-echo gradient echoes with one series for each echo."""
    changed: dict[str, Decision] = {}
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
        group = [other for other in candidates if same_acquisition(first.series, other.series)]
        times = {other.facts.echo_times[0] for other in group}
        named_t1w = any("T1w" in description_words(other.series.header) for other in group)
        if len(times) >= 3 and max(times) >= 9 and not named_t1w:
            why = "one of three or more echoes of a gradient echo"
            changed[first.series.id] = first.with_kind("MEGRE", why)
    return [changed.get(decision.series.id, decision) for decision in decisions]


def reversed_b0(decisions: Sequence[Decision]) -> list[Decision]:
    """Decide whether short diffusion series without weighting are field maps or dwi.

    In a session with weighted series, an unweighted series with the opposite phase encoding is a
    field map, and so are two unweighted series with opposite directions. Others are dwi with
    b-values of zero.
    """
    diffusion = [decision for decision in decisions if decision.kind == "dwi"]
    short = [decision for decision in diffusion if _is_unweighted(decision)]
    weighted = [decision for decision in diffusion if decision not in short]

    def settle(decision: Decision) -> Decision:
        if decision in weighted:
            return _doubt_missing_b_values(decision)
        if decision not in short:
            return decision
        direction = decision.facts.direction
        all_directions = {other.facts.direction for other in (*weighted, *short)} - {None}
        of_weighted = {other.facts.direction for other in weighted}
        opposite = direction is not None and direction[::-1] in all_directions
        paired = opposite and (
            direction not in of_weighted or any(_opposite(decision, other) for other in short)
        )
        named = direction is None and "reversed" in description_words(decision.series.header)
        decided = decision.ruling is not None and decision.ruling.decides
        if weighted and (paired or named) and not decided:
            why = "unweighted diffusion image with phase encoding opposite to the weighted series"
            if direction in of_weighted:
                why = "unweighted diffusion image, one of a pair with opposite phase encoding"
            return decision.with_kind("epi", why)
        return replace(decision.with_kind("dwi", "diffusion image without weighting"), zero_b=True)

    return [settle(decision) for decision in decisions]


def _is_unweighted(decision: Decision) -> bool:
    b_values = decision.facts.b_values
    known = bool(b_values) or "b0" in description_words(decision.series.header)
    few = decision.facts.volumes <= FEW_VOLUMES
    return few and known and max(b_values, default=0) <= UNWEIGHTED


def _opposite(decision: Decision, other: Decision) -> bool:
    direction = decision.facts.direction
    reverse = direction and direction[::-1]
    return reverse is not None and other.facts.direction == reverse and other.grid == decision.grid


def _doubt_missing_b_values(decision: Decision) -> Decision:
    """Lower the confidence in a diffusion series whose header should have b-values but has none."""
    if decision.facts.b_values or decision.facts.vendor not in B_VALUES_IN_HEADER:
        return decision
    return decision.with_doubt("its header has no b-values")


def calibrations(decisions: Sequence[Decision]) -> list[Decision]:
    """Leave out calibration images if no arterial spin labelling of the session is converted."""
    if any(decision.kind == "asl" for decision in decisions):
        return list(decisions)
    why = "the calibration image (m0scan) of an arterial spin labelling that is not converted"
    return [
        decision.without_image(why) if decision.kind == "m0scan" else decision
        for decision in decisions
    ]
