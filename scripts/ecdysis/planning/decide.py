"""Which series of a session become images, and why the others do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ecdysis.bids import schema
from ecdysis.planning.description_labels import task
from ecdysis.planning.recognise import Guess, recognise, words
from ecdysis.planning.recognition_table import FEWEST, FOLDERS
from ecdysis.planning.rulings import Ruling, Rulings
from ecdysis.planning.series import Series, facts
from ecdysis.planning.study_rules import StudyRule, ruling_for

TIME_SERIES = ("bold", "dwi", "asl")
"""What a reference image is of."""


@dataclass(frozen=True)
class Wishes:
    """What a person wants of the series.

    Parameters
    ----------
    suffixes : tuple of str
        Anatomical kinds that are processed further, each image by a job of its own.
    others : bool
        Whether all other kinds are converted too.
    rulings : dict
        Decisions on single series, see `ecdysis.planning.rulings`.
    rules : sequence of StudyRule
        Decisions for all series of a kind, see `ecdysis.planning.study_rules`.
    """

    suffixes: tuple[str, ...] = ("T1w",)
    others: bool = True
    rulings: Rulings = field(default_factory=dict)
    rules: Sequence[StudyRule] = ()

    def ruling(self, one: Series, told: Mapping[str, Any]) -> Ruling | None:
        """Return what a person decided on a series: by its number, else by a rule."""
        for identifier in (one.id, one.uid):
            if identifier in self.rulings:
                return self.rulings[identifier]
        return ruling_for(self.rules, told, one.header)


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
    ruling : Ruling or None
        What a person decided.
    partner : str or None
        For a reference image, the series that it is of.
    """

    series: Series
    told: Mapping[str, Any]
    guess: Guess
    objection: str | None
    ruling: Ruling | None = None
    partner: str | None = None

    @property
    def kind(self) -> str | None:
        """The kind of image that it becomes; None when it becomes none."""
        return None if self.objection else self.guess.suffix


def decide(members: Sequence[Series], wishes: Wishes) -> list[Decision]:
    """Decide on every series of a session, which are in the order of their numbers."""
    decisions = [_decide(one, wishes) for one in members]
    for step in (_prefer_originals, _in_plane, _references, _magnitudes):
        settled = step(decisions)
        decisions = [
            new if old.ruling is None else old for old, new in zip(decisions, settled, strict=True)
        ]
    return [_wanted(one, wishes) for one in decisions]


def _decide(one: Series, wishes: Wishes) -> Decision:
    told = facts(one)
    ruling = wishes.ruling(one, told)
    guess = recognise(told, words(one.header))
    if guess.suffix == "bold" and task(one.header) is None:
        guess = replace(guess, confidence="medium", why=f"{guess.why}; no task is named")
    reason = objection(told, guess)
    if ruling is None:
        return Decision(one, told, guess, reason)
    if ruling.kind is None:
        # A line that says what is done anyway must not hide why.
        return Decision(one, told, guess, reason or f"left out by {ruling.where}", ruling)
    if ruling.kind != guess.suffix or reason or not ruling.exact:
        guess = Guess(ruling.kind, "high", f"as {ruling.where} says")
    return Decision(one, told, guess, fault(told, ruling.kind), ruling)


def _wanted(one: Decision, wishes: Wishes) -> Decision:
    """Object to an image that nobody asked for."""
    if one.kind is None or one.kind in wishes.suffixes or wishes.others:
        return one
    kind, why = one.kind, one.guess.why
    return replace(one, objection=f"recognised as {kind} ({why}), which is not among the suffixes")


def objection(told: Mapping[str, Any], guess: Guess) -> str | None:
    """Say why a series becomes no image; None when it does.

    A guess of low confidence is never followed.
    """
    if guess.suffix not in FOLDERS or guess.confidence == "low":
        return guess.why
    if guess.suffix == "asl":
        return (
            f"{guess.why}; BIDS needs to know what its volumes are, which no header says: give "
            "a rule with volumes in study_rules"
        )
    if reason := fault(told, guess.suffix):
        return reason
    if FOLDERS[guess.suffix] == "anat":
        if told["slices"] < FEWEST:
            return f"{told['slices']} slices, fewer than the {FEWEST} of a head image"
    elif "DERIVED" in told["image_type"]:
        return f"recognised as {guess.suffix}, but derived from other images"
    return None


def fault(told: Mapping[str, Any], kind: str) -> str | None:
    """Say why a series cannot become an image of its kind at all; None when it can."""
    slices, volumes, missing = told["slices"], told["volumes"], told["missing_slices"]
    folder = schema.folder_of(kind)
    images = max(1, len(told["echo_times"])) * len(told["parts"])
    if told["conflicts"]:
        return f"{told['conflicts']} instances came twice with different content"
    if told["shapes"] > 1:
        return "its slices differ in size, as of several series under one identifier"
    if slices == 0:
        return "its slices have no position"
    if missing:
        return f"{missing} slices are missing between the first and the last"
    if volumes != round(volumes):
        return f"{slices} slice positions for {told['files']} files, so a volume is incomplete"
    if folder == "fmap" or schema.allows(kind, "echo"):
        if volumes % images:
            return f"{volumes:g} volumes for {images} echoes and parts, so one is incomplete"
    elif len(told["echo_times"]) > 1:
        return f"{len(told['echo_times'])} echoes in one series, which are not converted"
    if folder == "anat" and volumes != images:
        return f"{slices} slice positions for {told['files']} files, not one volume"
    return None


def _prefer_originals(decisions: Sequence[Decision]) -> list[Decision]:
    # What scanners combine from several echoes is derived, and no echo of it takes its place.
    original = {
        one.kind
        for one in decisions
        if one.kind and "DERIVED" not in one.told["image_type"] and len(one.told["echo_times"]) < 2
    }
    return [
        replace(one, objection=f"derived, and the session has an original {one.kind}")
        if one.kind in original and "DERIVED" in one.told["image_type"]
        else one
        for one in decisions
    ]


def _in_plane(decisions: Sequence[Decision]) -> list[Decision]:
    """Take 2-D images with the slices of a functional series for its in-plane anatomy."""
    grids = {_grid(one) for one in decisions if one.kind == "bold"}

    def settle(one: Decision) -> Decision:
        named = "inplane" in words(one.series.header)
        if one.kind not in ("T1w", "T2w") or not (named or _grid(one) in grids):
            return one
        if one.told["dimension"] == "3D":
            return one
        why = "named in-plane" if named else "with the slices of a functional series"
        kind = f"inplane{one.kind[:2]}"
        return replace(one, guess=Guess(kind, one.guess.confidence, f"{one.guess.why}, {why}"))

    return [settle(one) for one in decisions]


def _grid(one: Decision) -> tuple[Any, ...]:
    orientation = one.series.header["ImageOrientationPatient"]
    turned = tuple(round(item or 0.0, 2) for item in orientation) if orientation else ()
    # A mosaic does not tell its slices.
    slices = one.told["slices"] if one.told["slices"] > 1 else object()
    return turned, slices, one.told["slice_mm"]


def _references(decisions: Sequence[Decision]) -> list[Decision]:
    """Give each reference image the time series that follows it."""
    settled = []
    for at, one in enumerate(decisions):
        if one.kind != "sbref":
            settled.append(one)
            continue
        later = (other for other in decisions[at + 1 :] if other.kind not in (None, "sbref"))
        partner = next(later, None)
        if partner is None or partner.kind not in (*TIME_SERIES, "epi"):
            settled.append(replace(one, objection="a reference image, but no time series follows"))
        elif partner.kind == "epi":
            settled.append(replace(one, objection="the reference image of a field map"))
        else:
            kind = "dwi/sbref" if partner.kind == "dwi" else "sbref"
            settled.append(
                replace(one, guess=replace(one.guess, suffix=kind), partner=partner.series.id)
            )
    return settled


def _magnitudes(decisions: Sequence[Decision]) -> list[Decision]:
    """Tell first from second echo where the magnitudes of a field map are two series."""
    settled: list[Decision] = []
    first: float | None = None
    for one in decisions:
        times = one.told["echo_times"]
        if one.kind != "magnitude" or len(times) != 1:
            settled.append(one)
            continue
        second = first is not None and times[0] > first
        first = None if second else times[0]
        guess = replace(one.guess, suffix="magnitude2" if second else "magnitude1")
        settled.append(replace(one, guess=guess))
    return settled
