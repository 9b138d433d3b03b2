"""A run as the pages show it: subjects, their images, and the stages of each."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ecdysis.bids.discovery import Exclusion
from ecdysis.errors import InputError
from ecdysis.planning import entries
from ecdysis.ratings import Rating

State = Literal["failed", "interrupted", "running", "pending", "done"]
STATES: tuple[State, ...] = ("failed", "interrupted", "running", "pending", "done")
"""The states of one stage, the most urgent first; `ecdysis.report.status` judges images by them."""


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
        """Warnings raised by the stage."""
        details = self.details or {}
        return [str(word) for word in details.get("Warnings") or details.get("warnings") or []]


@dataclass(frozen=True)
class ProcessedImage:
    """One image of the study and its stages."""

    name: str
    """Such as ``sub-01_ses-1_T1w``."""
    suffix: str
    session: str | None
    stages: tuple[Stage, ...]
    finished: bool
    """Whether its results exist."""

    @property
    def progress(self) -> State:
        """The most urgent state of its stages; done only if its results also exist."""
        state = worst(stage.state for stage in self.stages if stage.state != "pending")
        return state if state != "done" or self.finished else "pending"

    def stage(self, name: str) -> Stage | None:
        """Return the stage called `name`, or None."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def results_of(self, name: str) -> Mapping[str, Any]:
        """Return what the stage called `name` recorded when it was done; empty if it was not."""
        stage = self.stage(name)
        return (stage.details or {}) if stage is not None and stage.state == "done" else {}

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The details of all stages; those of a later stage replace those of an earlier one."""
        return {key: value for stage in self.stages for key, value in (stage.details or {}).items()}


@dataclass(frozen=True)
class Subject:
    """One subject; `stages` are those of the subject or a session, each with its unit's name."""

    label: str
    images: tuple[ProcessedImage, ...]
    stages: tuple[tuple[str, Stage], ...]
    exclusions: tuple[Exclusion, ...]

    @property
    def name(self) -> str:
        """The label with its prefix."""
        return f"sub-{self.label}"

    @property
    def progress(self) -> State:
        """The most urgent state of its images and stages."""
        states = [stage.state for _, stage in self.stages]
        return worst([*(image.progress for image in self.images), *states])

    @property
    def rejected(self) -> list[Exclusion]:
        """Its images that are not processed."""
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
        """Each warning of its stages once, with the name of the image, session or subject."""
        pairs = [(name, word) for name, stage in self.all_stages for word in stage.warnings]
        return list(dict.fromkeys(pairs))


@dataclass(frozen=True)
class Dicom:
    """The scanner's files: stages by session, files that are not used, notices."""

    sessions: Mapping[str, tuple[Stage, ...]]
    left_out: tuple[entries.Exclusion, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """The whole study; `dicom` is None when the run began with a BIDS dataset."""

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
    protocols: tuple[Mapping[str, Any], ...] = ()
    """Groups of series with the same parameters, see `ecdysis.planning.entries.Protocol`."""
    deviations: tuple[Mapping[str, Any], ...] = ()
    """See `ecdysis.planning.entries.Deviation`."""
    live: bool = False
    """Whether Snakemake was running when the records were read."""

    @cached_property
    def images(self) -> list[tuple[Subject, ProcessedImage]]:
        """Every image, with its subject."""
        return [(subject, image) for subject in self.subjects for image in subject.images]

    @cached_property
    def complete(self) -> bool:
        """Whether no stage is running or pending."""
        return not any(subject.progress in ("running", "pending") for subject in self.subjects)

    @cached_property
    def identity(self) -> str:
        """An identifier of the study, under which a browser stores ratings."""
        return hashlib.sha256(f"{self.place}\0{self.dataset}".encode()).hexdigest()[:12]

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
    """Return the most urgent state; done when there is no state."""
    return min(states, key=STATES.index, default="done")
