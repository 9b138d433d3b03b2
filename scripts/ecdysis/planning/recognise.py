"""What a series is, by its header.

The physics decides (how the image was made: sequence, dimension, echo, repetition and
inversion time); the words of the description only confirm it, or speak alone when an
export has lost the physics.
"""

import re
from dataclasses import dataclass
from typing import Any

from ecdysis.dicom.header import Header
from ecdysis.planning.facts import Facts
from ecdysis.planning.recognition_table import (
    ANATOMICAL,
    BY_NAME,
    CONTRASTS,
    FEW_VOLUMES,
    FEWEST,
    HEAD,
    KINDS,
    LEFT_OUT,
    WORDS,
    WORDS_OF,
    Between,
    Rule,
    any_of,
)


@dataclass(frozen=True)
class Guess:
    """What a series seems to be.

    Parameters
    ----------
    suffix : str or None
        BIDS suffix, ``localizer``, or None.
    confidence : {'high', 'medium', 'low'}
        high: physics and words agree; medium: one of them speaks alone; low: they differ.
    why : str
        The reason, for a person; it holds no text of the header.
    """

    suffix: str | None
    confidence: str
    why: str


def words(header: Header) -> set[str]:
    """Return which of `WORDS` the texts of a header hold.

    The series description speaks first; protocol and sequence name are asked only when it
    says nothing, since one protocol name often covers a whole session.
    """
    named: set[str] = set()
    for keyword in ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName"):
        text = re.sub(r"[^a-z0-9]+", " ", str(header[keyword] or "").lower()).strip()
        found = {word for word, pattern in WORDS.items() if re.search(pattern, text)}
        if found and not named:
            named = found
        if keyword == "ProtocolName" and "mp2rage" in found:
            # Its images are often named by the inversion alone.
            named |= {"mp2rage"}
    return named


def recognise(facts: Facts, named: set[str]) -> Guess:
    """Find the first rule that a series meets.

    Parameters
    ----------
    facts : Facts
    named : set of str
        From `words`.
    """
    known = _known(facts, named)
    for rule in LEFT_OUT:
        if rule.fits(known):
            return _by_words(rule, known) if rule.by_words else Guess(rule.suffix, "high", rule.why)
    contrasts = named.intersection(CONTRASTS)
    for rule in KINDS:
        if rule.fits(known):
            return _judged(rule, named, contrasts)
    suffixes = [suffix for suffix in BY_NAME if suffix in contrasts]
    if not suffixes:
        return Guess(None, "low", "neither its sequence nor its description is known")
    first = suffixes[0]
    if not known["no_sequence"]:
        return Guess(first, "low", f"described as {first}, but its timing fits no such image")
    for suffix in suffixes:
        series = suffix == "bold"
        if series and facts.volumes <= FEW_VOLUMES:
            continue
        if all(time in BY_NAME[suffix] for time in facts.echo_times):
            return Guess(suffix, "medium", f"described as {suffix}; its header names no sequence")
    return Guess(first, "low", f"described as {first}, but its echo time or volumes do not fit")


def _known(facts: Facts, named: set[str]) -> dict[str, Any]:
    """Return the facts with those that follow from several of them."""
    kinds = set(facts.image_type)
    times = facts.echo_times
    return {
        **vars(facts),
        "words": named,
        "echoes": len(times),
        "prepared": any_of(facts.sequence, ("IR",))
        or any_of(facts.variant, ("MP",))
        or facts.inversion_time in Between(200, 1e5),
        "no_sequence": set(facts.sequence) <= {"RM"},
        "other_body_part": facts.body_part is not None and facts.body_part not in HEAD,
        # The third value of an enhanced ImageType names the contrast, not a map.
        "computed_map": bool(kinds & {"MAP", "T1_MAP", "T2_MAP"})
        or ("DERIVED" in kinds and bool(kinds & {"T1", "T2", "T2_STAR"})),
        "asl": "asl" in named or bool(kinds & {"ASL", "PERFUSION"}),
        "dual_spin_echo": len(times) == 2
        and facts.spin_echo
        and times[0] <= 45
        and times[1] >= 60
        and facts.repetition_time in Between(1500, 2e4),
    }


def _by_words(rule: Rule, known: dict[str, Any]) -> Guess:
    """Judge a series that its description alone leaves out."""
    few = known["slices"] < FEWEST and not known["mosaic"]
    if few or known["no_sequence"]:
        return Guess(rule.suffix, "high" if few else "medium", rule.why)
    neutral = {**known, "words": set()}
    made = next((kind for kind in KINDS if kind.suffix and kind.fits(neutral)), None)
    if made is None:
        return Guess(rule.suffix, "medium", rule.why)
    return Guess(rule.suffix, "low", f"{rule.why}; but made as {made.suffix}: {made.why}")


def _judged(rule: Rule, named: set[str], contrasts: set[str]) -> Guess:
    """Compare what the physics says with what the description says."""
    suffix = rule.suffix
    if suffix is None:
        return Guess(None, "high", rule.why)
    own = {suffix, *WORDS_OF.get(suffix, ())}
    if suffix not in CONTRASTS and suffix not in WORDS_OF:
        return Guess(suffix, "high", rule.why)
    related = set(ANATOMICAL) if suffix in ANATOMICAL or suffix in WORDS_OF else own
    others = sorted(contrasts - own - (related if named & own else set()))
    if rule.by_words:
        why = f"{rule.why}; but its description also says {' and '.join(others)}"
        return Guess(suffix, "low", why) if others else Guess(suffix, "medium", rule.why)
    if named & own:
        if others:
            why = f"{rule.why}; its description also says {' and '.join(others)}"
            return Guess(suffix, "medium", why)
        return Guess(suffix, "high", rule.why)
    if not contrasts:
        return Guess(suffix, "medium", rule.why + "; its description says nothing")
    return Guess(suffix, "low", f"{rule.why}; but its description says {' and '.join(others)}")
