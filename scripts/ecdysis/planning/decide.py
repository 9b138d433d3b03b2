"""Which series of a session become images, and why the others do not."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ecdysis.bids import schema
from ecdysis.planning import companions, doubts
from ecdysis.planning.decision import Decision
from ecdysis.planning.description_labels import task
from ecdysis.planning.facts import Facts, facts
from ecdysis.planning.recognise import Guess, recognise, words
from ecdysis.planning.recognition_table import FEWEST, FOLDERS
from ecdysis.planning.rulings import Ruling, Rulings
from ecdysis.planning.series import Series
from ecdysis.planning.study_rules import StudyRule, ruling_for


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

    def ruling(self, series: Series, known: Facts) -> Ruling | None:
        """Return what a person decided on a series: by its number, else by a rule."""
        for identifier in (series.id, series.uid):
            if identifier in self.rulings:
                return self.rulings[identifier]
        return ruling_for(self.rules, known, series.header)


def decide(members: Sequence[Series], wishes: Wishes) -> list[Decision]:
    """Decide on every series of a session, which are in the order of their acquisition."""
    decisions = [_decide(series, wishes) for series in members]
    for step in (_prefer_originals, _in_plane, *companions.STEPS, *doubts.STEPS):
        settled = step(decisions)
        decisions = [
            replace(old, zero_b=new.zero_b) if old.ruling and old.ruling.decides else new
            for old, new in zip(decisions, settled, strict=True)
        ]
    return [_wanted(decision, wishes) for decision in decisions]


def _decide(series: Series, wishes: Wishes) -> Decision:
    known = facts(series)
    ruling = wishes.ruling(series, known)
    guess = recognise(known, words(series.header))
    if guess.suffix == "bold" and task(series.header) is None:
        confidence = "low" if guess.confidence == "low" else "medium"
        guess = replace(guess, confidence=confidence, why=f"{guess.why}; no task is named")
    keep = bool(ruling and ruling.keep)
    reason = objection(known, guess, keep=keep)
    if ruling is None or not ruling.decides:
        return Decision(series, known, guess, reason, ruling)
    if ruling.kind is None:
        # A line that repeats what is done anyway must not hide why.
        return Decision(series, known, guess, reason or f"left out by {ruling.where}", ruling)
    if ruling.kind != guess.suffix or reason or not ruling.exact:
        guess = Guess(ruling.kind, "high", f"as {ruling.where} says")
    return Decision(series, known, guess, fault(known, ruling.kind, keep=keep), ruling)


def _wanted(decision: Decision, wishes: Wishes) -> Decision:
    """Object to an image that nobody asked for."""
    kind, why = decision.kind, decision.guess.why
    if kind is None or kind in wishes.suffixes or wishes.others:
        return decision
    reason = f"recognised as {kind} ({why}), which is not among the suffixes"
    return replace(decision, objection=reason)


def objection(known: Facts, guess: Guess, *, keep: bool = False) -> str | None:
    """Say why a series becomes no image; None when it does.

    A guess of low confidence is never followed.
    """
    if guess.suffix not in FOLDERS or guess.confidence == "low":
        return guess.why
    if guess.suffix == "asl":
        if "DERIVED" in known.image_type:
            return f"recognised as asl, but derived from other images ({guess.why})"
        return (
            f"{guess.why}; BIDS needs to know what its {known.volumes:g} volumes are, which no "
            "header says. Give a rule in study_rules with name: asl and volumes, as in "
            "[label, control] or [m0scan, label, control]"
        )
    if reason := fault(known, guess.suffix, keep=keep):
        return reason
    if FOLDERS[guess.suffix] == "anat":
        if known.slices < FEWEST and not known.mosaic:
            return f"{known.slices} slices, fewer than the {FEWEST} of a head image"
    elif "DERIVED" in known.image_type:
        return f"recognised as {guess.suffix}, but derived from other images"
    return None


def fault(known: Facts, kind: str, *, keep: bool = False) -> str | None:
    """Say why a series cannot become an image of its kind at all; None when it can.

    With `keep`, a person wants it although it is incomplete: what the converter can make of it
    is kept.
    """
    slices, volumes, missing = known.slices, known.volumes, known.missing_slices
    folder = schema.folder_of(kind)
    images = max(1, len(known.echo_times)) * len(known.parts)
    how = "; to convert what is whole, write yes in the column keep of plan.tsv"
    if known.shapes > 1:
        return "its slices differ in size, as of several series under one identifier"
    if slices == 0:
        return "its slices have no position"
    if keep:
        return None
    if known.conflicts:
        return f"{known.conflicts} instances came twice with different content{how}"
    if missing:
        return f"{missing} slices are missing between the first and the last{how}"
    if volumes != round(volumes):
        return f"{slices} slice positions for {known.files} files, so a volume is incomplete{how}"
    if kind == "fieldmap":
        return None
    if folder == "fmap" or schema.allows(kind, "echo") or kind == "PDT2":
        if volumes % images:
            return f"{volumes:g} volumes for {images} echoes and parts, so one is incomplete{how}"
    elif len(known.echo_times) > 1:
        return f"{len(known.echo_times)} echoes in one series, which are not converted"
    if folder == "anat" and volumes != images:
        return f"{slices} slice positions for {known.files} files, not one volume"
    return None


def _prefer_originals(decisions: Sequence[Decision]) -> list[Decision]:
    """Leave out a derived image when the session has the original of the same kind.

    A distortion-corrected image is derived, too; it stays, as a further reconstruction.
    """
    # What scanners combine from several echoes is derived, and no echo of it takes its place.
    original = {
        decision.kind
        for decision in decisions
        if decision.kind
        and "DERIVED" not in decision.facts.image_type
        and len(decision.facts.echo_times) < 2
    }

    def settle(decision: Decision) -> Decision:
        derived = "DERIVED" in decision.facts.image_type
        corrected = {"DIS2D", "DIS3D"} & set(decision.facts.image_type)
        if decision.kind not in original or not derived or corrected:
            return decision
        if decision.kind in ("UNIT1", "T1map"):
            return decision
        return replace(
            decision, objection=f"derived, and the session has an original {decision.kind}"
        )

    return [settle(decision) for decision in decisions]


def _in_plane(decisions: Sequence[Decision]) -> list[Decision]:
    """Take 2-D images with the slices of a functional series for its in-plane anatomy."""
    grids = {decision.grid for decision in decisions if decision.kind == "bold"}

    def settle(decision: Decision) -> Decision:
        named = "inplane" in words(decision.series.header)
        known = decision.facts
        same = known.dimension == "2D" and known.slices > 1 and decision.grid in grids
        if decision.kind not in ("T1w", "T2w") or not (named or same):
            return decision
        if decision.facts.dimension == "3D":
            return decision
        why = "named in-plane" if named else "with the slices of a functional series"
        kind = f"inplane{decision.kind[:2]}"
        guess = decision.guess
        return replace(decision, guess=Guess(kind, guess.confidence, f"{guess.why}, {why}"))

    return [settle(decision) for decision in decisions]
