"""One status for each image: the console, exit status, table, badges and counts all read it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from ecdysis.bids.discovery import Exclusion
from ecdysis.quality.outliers import Flag
from ecdysis.ratings import Rating
from ecdysis.report.model import ProcessedImage, Run, Stage, Subject

NO_REASON = "no reason was recorded"
HARMLESS = ("trailing dimensions of 1 were removed",)
"""Beginnings of warnings about repairs that cannot change the result."""


class Status(StrEnum):
    """What became of an image; the first needs attention most."""

    FAILED = "failed"
    UNREADABLE = "unreadable"
    REVIEW = "review"
    PENDING = "pending"
    EXCLUDED = "excluded by a rater"
    NOT_APPLICABLE = "not applicable"
    DONE = "done"

    @property
    def rank(self) -> int:
        """Its place in the order of urgency, 0 for the most urgent."""
        return list(Status).index(self)

    @property
    def slug(self) -> str:
        """The name as a class of the style sheet."""
        return self.replace(" ", "-")


PROBLEMS = (Status.FAILED, Status.UNREADABLE)
"""With one of these a run ends with an exit status other than 0."""
HAS_PROBLEMS = 3
"""Exit status of ``report.py --ended`` when an image has one of `PROBLEMS`."""
NEEDS_REVIEW = (*PROBLEMS, Status.REVIEW)
NOT_USED = (Status.EXCLUDED, Status.NOT_APPLICABLE)


@dataclass(frozen=True)
class Verdict:
    """The status of one image, with a sentence for each reason; `done` needs none."""

    status: Status
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One row of the study: an image, or a subject that has none.

    `item` is None where no image is known: for a subject, or for a session called `unit`.
    """

    subject: Subject
    item: ProcessedImage | Exclusion | None
    verdict: Verdict
    flags: tuple[Flag, ...] = ()
    unit: str = ""

    @property
    def name(self) -> str:
        """Such as ``sub-01_ses-1_T1w``, or ``sub-01``."""
        return self.item.name if self.item else self.unit or self.subject.name

    @property
    def status(self) -> Status:
        """The status of the image."""
        return self.verdict.status

    @property
    def is_image(self) -> bool:
        """Whether this is an image and not a whole subject."""
        return isinstance(self.item, ProcessedImage) or bool(self.item and self.item.image)


def entries_of(run: Run, flags: Mapping[str, Sequence[Flag]]) -> list[Entry]:
    """Return every image, and every subject or session without one, in the order of the subjects.

    `flags` are the quality flags of each processed image, by its name.
    """
    entries = []
    on_fail = run.settings.get("skullstrip", {}).get("on_fail", "stop")
    for subject in run.subjects:
        for image in subject.images:
            own = tuple(flags.get(image.name, ()))
            shared = [stage for unit, stage in subject.stages if _concerns(unit, subject, image)]
            ratings = run.ratings.get(image.name, ())
            verdict = judge(image, shared, own, ratings, on_fail=on_fail)
            entries.append(Entry(subject, image, verdict, own))
        entries += [Entry(subject, item, judge(item)) for item in subject.exclusions]
        entries += _without_image(subject)
    return entries


def _concerns(unit: str, subject: Subject, image: ProcessedImage) -> bool:
    return unit in (subject.name, f"{subject.name}_ses-{image.session}")


def _without_image(subject: Subject) -> Iterator[Entry]:
    """Give an entry for each session, or else the subject, of which no image is known."""
    units = dict.fromkeys(unit for unit, _ in subject.stages)
    for unit in units:
        if not any(_concerns(unit, subject, image) for image in subject.images):
            stages = [stage for name, stage in subject.stages if name == unit]
            verdict = _of_stages(stages) or Verdict(Status.DONE)
            yield Entry(subject, None, verdict, unit=unit)
    if not (units or subject.images or subject.exclusions):
        yield Entry(subject, None, Verdict(Status.PENDING))


def judge(
    item: ProcessedImage | Exclusion,
    shared: Sequence[Stage] = (),
    flags: Sequence[Flag] = (),
    ratings: Sequence[Rating] = (),
    *,
    on_fail: str = "stop",
) -> Verdict:
    """Return the status of one image.

    `shared` are the stages of its session and subject, `flags` its quality flags, and `ratings`
    those of its raters, the most careful first. A rating *accept* settles a review, but no failure.
    `on_fail` is ``stop`` where a mask that fails its self-check makes the image failed, ``flag``
    where it makes it one to review.
    """
    if isinstance(item, Exclusion):
        return Verdict(_of_exclusion(item), (item.reason,))
    begun = [stage for stage in item.stages if stage.state != "pending"]
    unfinished = _of_stages([*begun, *shared])
    if unfinished and unfinished.status is Status.FAILED:
        return unfinished
    grade, doubts = brain_check(item)
    if grade == "fail" and on_fail == "stop":
        return Verdict(Status.FAILED, doubts)
    if unfinished or not item.finished:
        return unfinished or Verdict(Status.PENDING)
    reasons = [*doubts, *(flag.sentence() for flag in flags), *_warnings(item, shared)]
    if ratings and ratings[0].rating == "accept":
        return Verdict(Status.DONE, tuple(reasons))
    if ratings and ratings[0].rating == "unsure":
        reasons.append(ratings[0].sentence)
    return Verdict(Status.REVIEW if reasons else Status.DONE, tuple(reasons))


def brain_check(image: ProcessedImage) -> tuple[str, tuple[str, ...]]:
    """Return the verdict of the self-check on the brain mask (ok, look or fail), with reasons.

    The step that crops checks a mask by hand, which replaces that of skull stripping.
    """
    stages = (image.stage("crop"), image.stage("skullstrip"))
    checks = [((stage.details if stage else None) or {}).get("check") for stage in stages]
    check: Mapping[str, Any] = next(filter(None, checks), {})
    grade = str(check.get("verdict", "ok"))
    if grade == "ok":
        return grade, ()
    reasons = check.get("reasons") or ["the self-check did not pass"]
    return grade, tuple(f"skull stripping: {reason}" for reason in reasons)


class HasStatus(Protocol):
    """Anything with a status: an image, or a statistical map."""

    @property
    def status(self) -> Status:
        """The status."""


def worst(entries: Iterable[HasStatus]) -> Status:
    """Return the most urgent status; not applicable when there is no entry."""
    statuses = {entry.status for entry in entries}
    return next((status for status in Status if status in statuses), Status.NOT_APPLICABLE)


def counts_of(entries: Iterable[HasStatus]) -> dict[Status, int]:
    """Count the entries of each status, the most urgent first; a status without any is left out."""
    statuses = [entry.status for entry in entries]
    return {status: statuses.count(status) for status in Status if status in statuses}


def counted(entries: Iterable[HasStatus]) -> str:
    """Return such as ``1 failed, 3 done``."""
    return ", ".join(f"{count} {status}" for status, count in counts_of(entries).items())


def has_problems(entries: Iterable[HasStatus]) -> bool:
    """Whether the run must end with an exit status other than 0."""
    return any(entry.status in PROBLEMS for entry in entries)


def _of_exclusion(item: Exclusion) -> Status:
    if item.rated:
        return Status.EXCLUDED
    return Status.UNREADABLE if item.fault and item.image else Status.NOT_APPLICABLE


def _of_stages(stages: Sequence[Stage]) -> Verdict | None:
    """Return the verdict of stages that failed or did not end; None where all are done."""
    failed = [stage for stage in stages if stage.state in ("failed", "interrupted")]
    if failed:
        reasons = tuple(f"{stage.name}: {stage.reason or NO_REASON}" for stage in failed)
        return Verdict(Status.FAILED, reasons)
    running = tuple(f"running: {stage.name}" for stage in stages if stage.state == "running")
    if running or any(stage.state == "pending" for stage in stages):
        return Verdict(Status.PENDING, running)
    return None


def _warnings(image: ProcessedImage, shared: Sequence[Stage]) -> list[str]:
    """Return the warnings of an image's stages, and those of its subject that name it."""
    own = [
        f"{stage.name}: {text}"
        for stage in image.stages
        for text in stage.warnings
        if not text.startswith(HARMLESS)
    ]
    named = [text for stage in shared for text in stage.warnings if image.name in text]
    return list(dict.fromkeys([*own, *named]))
