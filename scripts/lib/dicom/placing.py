"""Which series of a session become images, and why the others do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lib.dicom.recognise import Guess, recognise, words
from lib.dicom.rules import FEWEST, FOLDERS
from lib.dicom.rulings import Ruling
from lib.dicom.series import Series, facts


@dataclass(frozen=True)
class Decision:
    """What becomes of a series.

    Parameters
    ----------
    series : Series
    told : dict
        Its facts.
    guess : Guess
        What it seems to be, or what a person said it is.
    objection : str or None
        Why it becomes no image; None when it does.
    """

    series: Series
    told: Mapping[str, Any]
    guess: Guess
    objection: str | None


def decide(
    members: Sequence[Series], suffixes: Sequence[str], rulings: Mapping[str, Ruling]
) -> list[Decision]:
    """Decide on every series of a session.

    Parameters
    ----------
    members : sequence of Series
        All series of one session.
    suffixes : sequence of str
        The BIDS suffixes that are wanted.
    rulings : mapping
        Series identifier -> what a person decided.
    """
    decisions = [_decide(one, suffixes, rulings.get(one.id)) for one in members]
    original = {
        one.guess.suffix
        for one in decisions
        if one.objection is None and "DERIVED" not in one.told["image_type"]
    }
    return [
        replace(one, objection=f"derived, and the session has an original {one.guess.suffix}")
        if one.objection is None
        and one.series.id not in rulings
        and one.guess.suffix in original
        and "DERIVED" in one.told["image_type"]
        else one
        for one in decisions
    ]


def _decide(one: Series, suffixes: Sequence[str], ruling: Ruling | None) -> Decision:
    told = facts(one)
    if ruling is None:
        guess = recognise(told, words(one.header))
        return Decision(one, told, guess, objection(told, guess, suffixes))
    guess = Guess(ruling.suffix, "high", "as plan.tsv says")
    if ruling.suffix is None:
        return Decision(one, told, guess, "left out by plan.tsv")
    if ruling.suffix not in suffixes:
        return Decision(one, told, guess, f"{ruling.suffix} is not among the suffixes")
    return Decision(one, told, guess, fault(told))


def objection(told: Mapping[str, Any], guess: Guess, suffixes: Sequence[str]) -> str | None:
    """Say why a series becomes no image; None when it does.

    A guess of low confidence is never followed.
    """
    if guess.suffix not in FOLDERS or guess.confidence == "low":
        return guess.why
    if FOLDERS[guess.suffix] != "anat":
        return f"recognised as {guess.suffix} ({guess.why}), which is not converted"
    if guess.suffix not in suffixes:
        return f"recognised as {guess.suffix} ({guess.why}), which is not among the suffixes"
    if reason := fault(told):
        return reason
    if told["slices"] < FEWEST:
        return f"{told['slices']} slices, fewer than the {FEWEST} of a head image"
    return None


def fault(told: Mapping[str, Any]) -> str | None:
    """Say why a series cannot become one anatomical image at all; None when it can."""
    slices, volumes, missing = told["slices"], told["volumes"], told["missing_slices"]
    if told["conflicts"]:
        return f"{told['conflicts']} instances came twice with different content"
    if told["shapes"] > 1:
        return "its slices differ in size, as of several series under one identifier"
    if slices == 0:
        return "its slices have no position"
    if missing:
        return f"{missing} slices are missing between the first and the last"
    if len(told["echo_times"]) > 1:
        return f"{len(told['echo_times'])} echoes in one series, which are not converted"
    if volumes != 1:
        return f"{slices} slice positions for {told['files']} files, not one volume"
    return None
