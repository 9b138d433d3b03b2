"""What a series is, by its header.

The physics decides (how the image was made: sequence, dimension, echo, repetition and
inversion time); the words of the description only confirm it, or speak alone when an
export has lost the physics.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecdysis.dicom.header import Header
from ecdysis.planning.recognition_table import (
    BY_NAME,
    CONTRASTS,
    HEAD,
    KINDS,
    LEFT_OUT,
    WORDS,
    Between,
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
    for keyword in ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName"):
        text = re.sub(r"[^a-z0-9]+", " ", str(header[keyword] or "").lower()).strip()
        if found := {word for word, pattern in WORDS.items() if re.search(pattern, text)}:
            return found
    return set()


def recognise(facts: Mapping[str, Any], said: set[str]) -> Guess:
    """Find the first rule that a series meets.

    Parameters
    ----------
    facts : dict
        From `ecdysis.planning.series.facts`.
    said : set of str
        From `words`.
    """
    known = {
        **facts,
        "words": said,
        "prepared": any_of(facts["sequence"], ("IR",))
        or any_of(facts["variant"], ("MP",))
        or facts["inversion_time"] in Between(200, 1e5),
        "no_sequence": set(facts["sequence"]) <= {"RM"},
        "other_body_part": facts["body_part"] is not None and facts["body_part"] not in HEAD,
    }
    for rule in LEFT_OUT:
        if rule.fits(known):
            return Guess(rule.suffix, "high", rule.why)
    contrasts = said.intersection(CONTRASTS)
    for rule in KINDS:
        if rule.fits(known):
            if rule.suffix not in CONTRASTS or rule.suffix in contrasts:
                return Guess(rule.suffix, "high", rule.why)
            if not contrasts:
                return Guess(rule.suffix, "medium", rule.why + "; its description says nothing")
            other = " and ".join(sorted(contrasts))
            return Guess(rule.suffix, "low", f"{rule.why}; but its description says {other}")
    named = [suffix for suffix in BY_NAME if suffix in contrasts]
    if not named:
        return Guess(None, "low", "neither its sequence nor its description is known")
    if not known["no_sequence"]:
        return Guess(named[0], "low", f"described as {named[0]}, but its timing fits no such image")
    for suffix in named:
        if all(time in BY_NAME[suffix] for time in facts["echo_times"]):
            return Guess(suffix, "medium", f"described as {suffix}; its header names no sequence")
    return Guess(named[0], "low", f"described as {named[0]}, but its echo time does not fit")
