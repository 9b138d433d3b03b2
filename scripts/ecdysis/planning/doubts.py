"""Series that a person should look at: aborted ones, and those whose words and header disagree."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ecdysis.planning.decision import Decision

DIRECTION = re.compile(r"(?<![A-Za-z])(AP|PA|LR|RL|HF|FH)(?![A-Za-z])", re.IGNORECASE)
ABORTED_BELOW = 0.5
"""Share of the volumes or slices of another series with the same name, kind and echoes."""


def doubt_short_repeats(decisions: Sequence[Decision]) -> list[Decision]:
    """Lower the confidence in a series that is much shorter than another of the same name."""
    most: defaultdict[tuple[object, ...], list[float]] = defaultdict(lambda: [0, 0])
    for decision in decisions:
        if decision.kind:
            longest, known = most[_protocol(decision)], decision.facts
            longest[:] = max(longest[0], known.volumes), max(longest[1], known.slices)

    def settle(decision: Decision) -> Decision:
        if not decision.kind or decision.zero_b:
            return decision
        sizes = (decision.facts.volumes, decision.facts.slices)
        for own, longest, what in zip(
            sizes, most[_protocol(decision)], ("volumes", "slices"), strict=True
        ):
            if own < ABORTED_BELOW * longest:
                why = f"{own:g} {what} and {longest:g} in another series of this name"
                return _doubted(decision, f"{why}, so it may have been aborted")
        return decision

    return list(map(settle, decisions))


def doubt_directions(decisions: Sequence[Decision]) -> list[Decision]:
    """Lower the confidence where a description names the opposite of the phase encoding."""

    def settle(decision: Decision) -> Decision:
        header, own = decision.series.header, decision.facts.direction
        said = DIRECTION.findall(str(header["SeriesDescription"] or ""))
        if not decision.kind or own is None or [text.upper() for text in said] != [own[::-1]]:
            return decision
        return _doubted(decision, f"described as {own[::-1]}, and phase-encoded as {own}")

    return list(map(settle, decisions))


def _protocol(decision: Decision) -> tuple[object, ...]:
    header, known = decision.series.header, decision.facts
    names = (str(header[key] or "").lower() for key in ("SeriesDescription", "ProtocolName"))
    return decision.kind, *names, tuple(known.echo_times), tuple(known.parts)


def _doubted(decision: Decision, why: str) -> Decision:
    guess = decision.guess
    confidence = "low" if guess.confidence == "low" else "medium"
    return replace(decision, guess=replace(guess, confidence=confidence, why=f"{guess.why}; {why}"))


STEPS = (doubt_short_repeats, doubt_directions)
