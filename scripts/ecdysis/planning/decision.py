"""Decide whether one series becomes an image, and of which kind; group series by acquisition."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ecdysis.bids import schema
from ecdysis.planning.entries import Facts
from ecdysis.planning.facts import series_facts
from ecdysis.planning.recognise import (
    FEWEST_SLICES,
    FOLDERS,
    Guess,
    description_words,
    recognise,
    task_label,
)
from ecdysis.planning.rulings import Ruling, Rulings, StudyRule, ruling_for
from ecdysis.planning.series import Series, same_acquisition

Grid = tuple[tuple[float, ...], int, float | None]
"""Orientation of the slices, their number and their thickness (mm)."""


@dataclass(frozen=True)
class PlanOptions:
    """What the user decided."""

    suffixes: tuple[str, ...] = ("T1w",)
    """Anatomical kinds whose images are processed further, each in its own job."""
    others: bool = True
    """Whether all other kinds are converted too."""
    rulings: Rulings = field(default_factory=dict)
    """Decisions on single series."""
    rules: Sequence[StudyRule] = ()
    """Decisions on all series that meet some conditions."""

    def ruling(self, series: Series, facts: Facts) -> Ruling | None:
        """Return the user's decision on a series; ``plan.tsv`` overrides the rules."""
        for identifier in (series.id, series.uid):
            if identifier in self.rulings:
                return self.rulings[identifier]
        return ruling_for(self.rules, facts, series.header)


@dataclass(frozen=True)
class Decision:
    """What a series becomes."""

    series: Series
    facts: Facts
    guess: Guess
    """The kind that was recognised, or that the user set."""
    objection: str | None
    """Why the series does not become an image; None if it does."""
    ruling: Ruling | None = None
    """The user's decision."""
    partner: str | None = None
    """The series whose name a companion takes. Reference images and magnitudes of field maps are
    companions."""
    zero_b: bool = False
    """Whether it is a diffusion series whose b-values are all zero."""

    @property
    def kind(self) -> str | None:
        """The kind of the image; None if the series does not become one."""
        return None if self.objection else self.guess.suffix

    @property
    def keep(self) -> bool:
        """Whether the user wants the series although it is incomplete."""
        return self.ruling is not None and self.ruling.keep

    @property
    def metadata(self) -> dict[str, Any]:
        """The sidecar fields that the user set."""
        return dict(self.ruling.metadata) if self.ruling else {}

    @property
    def grid(self) -> Grid:
        """Orientation, number and thickness (mm) of the slices."""
        orientation = self.series.header["ImageOrientationPatient"]
        rounded = tuple(round(item or 0.0, 2) for item in orientation) if orientation else ()
        return rounded, self.facts.slices, self.facts.slice_mm

    def with_kind(self, suffix: str, why: str | None = None) -> "Decision":
        """Return this decision with another kind, and another reason if one is given."""
        guess = replace(self.guess, suffix=suffix, why=why or self.guess.why)
        return replace(self, guess=guess)

    def without_image(self, why: str) -> "Decision":
        """Return this decision with a reason why the series does not become an image."""
        return replace(self, objection=why)

    def with_doubt(self, why: str) -> "Decision":
        """Return this decision with a lower confidence and the reason for it."""
        return replace(self, guess=self.guess.with_doubt(why))


Acquisition = list[Decision]


def decide_series(series: Series, options: PlanOptions) -> Decision:
    """Decide on one series without regard to the other series of its session."""
    facts = series_facts(series)
    ruling = options.ruling(series, facts)
    guess = recognise(facts, description_words(series.header))
    if guess.suffix == "bold" and task_label(series.header) is None:
        guess = guess.with_doubt("no task is named")
    keep = bool(ruling and ruling.keep)
    reason = objection(facts, guess, keep=keep)
    if ruling is None or not ruling.decides:
        return Decision(series, facts, guess, reason, ruling)
    if ruling.kind is None:
        # A line of plan.tsv that only repeats the automatic decision must not hide its reason.
        return Decision(series, facts, guess, reason or f"left out by {ruling.where}", ruling)
    if ruling.kind != guess.suffix or reason or not ruling.exact:
        guess = Guess(ruling.kind, "high", f"set by {ruling.where}")
    return Decision(series, facts, guess, conversion_problem(facts, ruling.kind, keep=keep), ruling)


def objection(facts: Facts, guess: Guess, *, keep: bool = False) -> str | None:
    """Return why a series does not become an image; None if it does.

    A series of low confidence never becomes an image.
    """
    if guess.suffix not in FOLDERS or guess.confidence == "low":
        return guess.why
    if guess.suffix == "asl":
        if "DERIVED" in facts.image_type:
            return f"recognised as asl, but derived from other images ({guess.why})"
        return (
            f"{guess.why}; BIDS requires the type of each of its {facts.volumes:g} volumes, which "
            "the header does not contain. Add a rule with name: asl and volumes to study_rules, "
            "for example [label, control] or [m0scan, label, control]"
        )
    if reason := conversion_problem(facts, guess.suffix, keep=keep):
        return reason
    if FOLDERS[guess.suffix] == "anat":
        if facts.slices < FEWEST_SLICES and not facts.mosaic:
            return f"{facts.slices} slices; a head image has at least {FEWEST_SLICES}"
    elif "DERIVED" in facts.image_type:
        return f"recognised as {guess.suffix}, but derived from other images"
    return None


def conversion_problem(facts: Facts, kind: str, *, keep: bool = False) -> str | None:
    """Return why a series cannot become an image of this kind; None if it can.

    With `keep`, the user wants the series although it is incomplete, so only problems that no
    conversion can solve are returned.
    """
    slices, volumes, missing = facts.slices, facts.volumes, facts.missing_slices
    folder = schema.folder_of(kind)
    images = max(1, len(facts.echo_times)) * len(facts.parts)
    how = "; to convert it nevertheless, write yes in the column keep of plan.tsv"
    if facts.shapes > 1:
        return "its slices differ in size; it may be several series under one identifier"
    if slices == 0:
        return "its slices have no position"
    if keep:
        return None
    if facts.conflicts:
        return f"{facts.conflicts} instances exist twice with different content{how}"
    if missing:
        return f"{missing} slices are missing between the first and the last{how}"
    if volumes != round(volumes):
        return f"{slices} slice positions for {facts.files} files, so a volume is incomplete{how}"
    if kind == "fieldmap":
        return None
    if folder == "fmap" or schema.allows(kind, "echo") or kind == "PDT2":
        if volumes % images:
            return f"{volumes:g} volumes for {images} echoes and parts, so one is incomplete{how}"
    elif len(facts.echo_times) > 1:
        return f"a series of this kind with {len(facts.echo_times)} echoes is not converted"
    if folder == "anat" and volumes != images:
        return f"{slices} slice positions for {facts.files} files, not one volume"
    return None


def acquisitions(decisions: Sequence[Decision]) -> list[Acquisition]:
    """Group the series of one acquisition and kind, in the order of acquisition.

    Series without a time belong to one acquisition if they follow each other and differ in echo
    or part.
    """
    groups: list[Acquisition] = []
    for decision in decisions:
        fitting = (group for group in reversed(groups) if _belongs_to(group, decision))
        group = next(fitting, None)
        if group is None:
            groups.append([decision])
        else:
            group.append(decision)
    return groups


def _belongs_to(group: Acquisition, decision: Decision) -> bool:
    first, last = group[0], group[-1]
    # Exports may have lost the times, or have the same time in all series.
    if first.guess.suffix != decision.guess.suffix or _image(decision) in map(_image, group):
        return False
    if first.series.acquired() and decision.series.acquired():
        return same_acquisition(first.series, decision.series)
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
    """Return the properties in which the series of one acquisition differ."""
    facts = decision.facts
    return facts.echo_times, facts.parts, facts.inversion_time, facts.image_type
