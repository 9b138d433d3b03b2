"""A run as the pages see it: subjects, their images, and the stages these went through."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ecdysis.errors import InputError
from ecdysis.ratings import Rating

State = Literal["failed", "interrupted", "excluded", "running", "pending", "done"]
STATES: tuple[State, ...] = (
    "failed", "interrupted", "excluded", "running", "pending", "done",
)  # fmt: skip
"""From what most needs a look to what least does."""


@dataclass(frozen=True)
class Stage:
    """One stage of an image, a session or a subject; seconds and MB are None until it ended.

    `log` is a path relative to the output directory, None when the log is private.
    """

    name: str
    state: State
    reason: str | None = None
    started: str | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_memory_mb: float | None = None
    log: str | None = None
    details: Mapping[str, Any] | None = None

    @property
    def warnings(self) -> list[str]:
        """What the stage found odd."""
        details = self.details or {}
        return [str(word) for word in details.get("Warnings") or details.get("warnings") or []]


@dataclass(frozen=True)
class Image:
    """One image of the study and its stages."""

    folder: str
    entities: str
    suffix: str
    session: str | None
    stages: tuple[Stage, ...]
    finished: bool
    """Whether the results are there."""

    @property
    def name(self) -> str:
        """Such as ``sub-01_ses-1_T1w``."""
        return f"{self.entities}_{self.suffix}"

    @property
    def state(self) -> State:
        """Done means: the results are there and no stage says otherwise."""
        state = worst(stage.state for stage in self.stages if stage.state != "pending")
        return state if state != "done" or self.finished else "pending"

    def stage(self, name: str) -> Stage | None:
        """Return one of its stages, None when there is none of that name."""
        return next((stage for stage in self.stages if stage.name == name), None)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The details of all stages; a later stage's word wins."""
        return {key: value for stage in self.stages for key, value in (stage.details or {}).items()}


@dataclass(frozen=True)
class Exclusion:
    """An image, or with None a whole subject, that is not processed, and why."""

    image: str | None
    subject: str
    reason: str
    rated: bool = False
    """Whether a person left it out by a rating."""

    @property
    def name(self) -> str:
        """The image without its folder, or the subject."""
        return self.image.rpartition("/")[2] if self.image else f"sub-{self.subject}"


@dataclass(frozen=True)
class Subject:
    """All that is known of one subject; `stages` are those not of one image, by whose they are."""

    label: str
    images: tuple[Image, ...]
    stages: tuple[tuple[str, Stage], ...]
    exclusions: tuple[Exclusion, ...]

    @property
    def name(self) -> str:
        """The label with its prefix."""
        return f"sub-{self.label}"

    @property
    def state(self) -> State:
        """The worst of its images and stages; excluded when nothing of it is processed."""
        if not self.images and not self.stages:
            return "excluded"
        return worst(
            [*(image.state for image in self.images), *(stage.state for _, stage in self.stages)]
        )

    @property
    def rejected(self) -> list[Exclusion]:
        """The images of it that are left out."""
        return [item for item in self.exclusions if item.image]

    @property
    def all_stages(self) -> list[tuple[str, Stage]]:
        """Every stage, with the name of the image, session or subject it belongs to."""
        own = [(image.name, stage) for image in self.images for stage in image.stages]
        return [*self.stages, *own]

    @property
    def faults(self) -> list[tuple[str, Stage]]:
        """The stages that failed or were interrupted."""
        return [item for item in self.all_stages if item[1].state in ("failed", "interrupted")]

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """What the stages found odd, each once, with the name of what it is about."""
        found = [(name, word) for name, stage in self.all_stages for word in stage.warnings]
        return list(dict.fromkeys(found))


@dataclass(frozen=True)
class LeftOut:
    """DICOM files that are not used: of which session and series, where known; how many; why."""

    session: str | None
    series: str | None
    files: int
    reason: str


@dataclass(frozen=True)
class Dicom:
    """What became of the scanner's files: stages by session, files left out, notices."""

    sessions: Mapping[str, tuple[Stage, ...]]
    left_out: tuple[LeftOut, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """The whole study as one run left it; `dicom` is None when it began with BIDS."""

    output_dir: Path
    place: str
    dataset: str
    subjects: tuple[Subject, ...]
    unmapped: tuple[Mapping[str, Any], ...]
    dicom: Dicom | None
    settings: Mapping[str, Any]
    template: Mapping[str, Any] | None
    validation: Mapping[str, Any] | None = None
    ratings: Mapping[str, tuple[Rating, ...]] = field(default_factory=dict)
    live: bool = False
    """Whether Snakemake was at work when the records were read."""

    @cached_property
    def images(self) -> list[tuple[Subject, Image]]:
        """Every image, with its subject."""
        return [(subject, image) for subject in self.subjects for image in subject.images]

    @cached_property
    def complete(self) -> bool:
        """Whether nothing is to come any more."""
        return not any(one.state in ("running", "pending") for one in self.subjects)

    @cached_property
    def identity(self) -> str:
        """A name for the study under which a browser keeps what belongs to it."""
        return hashlib.sha256(f"{self.place}\0{self.dataset}".encode()).hexdigest()[:12]

    def counts(self) -> dict[State, int]:
        """How many subjects are in each state."""
        states = [subject.state for subject in self.subjects]
        return {state: states.count(state) for state in STATES}

    @cached_property
    def place_of(self) -> dict[str, int]:
        """The place of each subject among `subjects`, by its label."""
        return {subject.label: place for place, subject in enumerate(self.subjects)}

    def subject(self, label: str) -> Subject:
        """Return one subject; InputError when there is no such label."""
        if label not in self.place_of:
            raise InputError(f"sub-{label}", "it is not in the manifest", "Run the workflow again")
        return self.subjects[self.place_of[label]]


def worst(states: Iterable[State]) -> State:
    """Return the state that most needs a look; done when there are none."""
    return min(states, key=STATES.index, default="done")
