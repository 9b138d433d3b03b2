"""Decide which series of a session become images, with regard to the other series."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ecdysis.planning import companions
from ecdysis.planning.decision import Decision, PlanOptions, decide_series
from ecdysis.planning.recognise import description_words
from ecdysis.planning.series import Series

DIRECTION = re.compile(r"(?<![A-Za-z])(AP|PA|LR|RL|HF|FH)(?![A-Za-z])", re.IGNORECASE)
"""A direction of phase encoding in a series description."""

ABORTED_BELOW = 0.5
"""A series with less than this share of the volumes or slices of a repeat may be aborted."""


def decide(members: Sequence[Series], options: PlanOptions) -> list[Decision]:
    """Decide on every series of a session, in the order of their acquisition."""
    decisions = [decide_series(series, options) for series in members]
    for step in (
        leave_out_derived,
        recognise_in_plane,
        *companions.STEPS,
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
