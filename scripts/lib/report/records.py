"""What became of every subject, read from the manifest and the status records of the jobs.

Nothing here asks Snakemake, so it works while a run goes on, after a failure and long after.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from lib.errors import InputError
from lib.files import read_json
from lib.places import (
    MANIFEST,
    TEMPLATE,
    VALIDATION,
    defaced_file,
    mask_file,
    preproc_file,
    record_file,
)

State = Literal["failed", "interrupted", "excluded", "pending", "done"]
STATES: tuple[State, ...] = ("failed", "interrupted", "excluded", "pending", "done")
"""From what most needs a look to what least does."""

DICOM_STAGE = "convert"
BRAIN_STAGES = ("skullstrip", "brain")
EXTRA_STAGES = ("tissues", "deface", "quality")
IMAGE_STAGES = (DICOM_STAGE, "reorient", "skullstrip", "crop", "brain", *EXTRA_STAGES)
"""Stages of one image, in order; `BRAIN_STAGES` only where skulls are stripped, and
`EXTRA_STAGES` only where they left a record."""
SESSION_STAGES = ("deidentify", "audit", "audit_results", "convert_session")
SUBJECT_STAGE = "figures"

INTERRUPTED = "it was started and left no result: it was stopped, or it still runs"


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
    dataset: str
    subjects: tuple[Subject, ...]
    unmapped: tuple[Mapping[str, Any], ...]
    dicom: Dicom | None
    settings: Mapping[str, Any]
    template: Mapping[str, Any] | None
    validation: Mapping[str, Any] | None = None

    def counts(self) -> dict[State, int]:
        """How many subjects are in each state."""
        states = [subject.state for subject in self.subjects]
        return {state: states.count(state) for state in STATES}

    def subject(self, label: str) -> Subject:
        """Return one subject; InputError when there is no such label."""
        for subject in self.subjects:
            if subject.label == label:
                return subject
        raise InputError(f"sub-{label}", "it is not in the manifest", "Run the workflow again")


def worst(states: Iterable[State]) -> State:
    """Return the state that most needs a look; done when there are none."""
    return min(states, key=STATES.index, default="done")


def load_run(output_dir: str | Path) -> Run:
    """Read the manifest and all status records of an output directory.

    Raises
    ------
    InputError
        There is no manifest, or it cannot be read.
    """
    root = Path(output_dir).resolve()
    try:
        manifest = read_json(root / MANIFEST)
    except (OSError, ValueError) as error:
        raise InputError(
            root / MANIFEST,
            f"the manifest of a run cannot be read ({type(error).__name__})",
            "Give the output directory of a run that has begun",
        ) from error
    template = root / TEMPLATE
    exclusions = [
        Exclusion(item["image"], str(item["subject"]), item["reason"])
        for item in manifest.get("excluded", [])
    ]
    stripping = _stripping(manifest)
    images: dict[str, list[Mapping[str, Any]]] = {item.subject: [] for item in exclusions}
    for item in manifest["images"]:
        images.setdefault(str(item["subject"]), []).append(item)
    dicom = _dicom(root, manifest.get("plan", {}))
    if manifest["bids_dir"] is None and dicom:
        for name in dicom.sessions:
            images.setdefault(name.partition("_")[0].removeprefix("sub-"), [])
    return Run(
        output_dir=root,
        dataset=Path(manifest["bids_dir"] or root).name,
        subjects=tuple(
            _subject(
                root,
                label,
                images[label],
                [item for item in exclusions if item.subject == label],
                dicom,
                stripping=stripping,
            )
            for label in sorted(images, key=natural)
        ),
        unmapped=tuple(manifest.get("unmapped", [])),
        dicom=dicom,
        settings=manifest.get("settings", {}),
        template=read_json(template) if stripping and template.is_file() else None,
        validation=read_json(root / VALIDATION) if (root / VALIDATION).is_file() else None,
    )


def natural(label: str) -> list[tuple[int, int, str]]:
    """Key by which sub-2 comes before sub-10."""
    parts = re.findall(r"\d+|\D+", label)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _dicom(root: Path, plan: Mapping[str, Any]) -> Dicom | None:
    """Read what became of the sessions of a plan."""
    if not plan:
        return None
    names = [item["session"] for item in plan["sessions"]]
    return Dicom(
        {name: tuple(_read(root, name, stage) for stage in SESSION_STAGES) for name in names},
        tuple(
            LeftOut(item["session"], item["series"], item["files"], item["reason"])
            for item in plan["excluded"]
        ),
        tuple(plan["notices"]),
    )


def _stripping(manifest: Mapping[str, Any]) -> bool:
    """Whether this run strips skulls."""
    stripping = manifest.get("settings", {}).get("skullstrip", {})
    return bool(stripping.get("method", "none") != "none" or stripping.get("masks"))


def _subject(
    root: Path,
    label: str,
    images: Sequence[Mapping[str, Any]],
    exclusions: Sequence[Exclusion],
    dicom: Dicom | None,
    *,
    stripping: bool,
) -> Subject:
    name = f"sub-{label}"
    sessions = dicom.sessions.items() if dicom else ()
    shared = [
        (session, stage)
        for session, stages in sessions
        if session.partition("_")[0] == name
        for stage in stages
        if stage.state != "pending"
    ]
    drawn = _read(root, name, SUBJECT_STAGE)
    if images and (drawn.state != "pending" or not (root / name / "figures").is_dir()):
        shared.append((name, drawn))
    return Subject(
        label=label,
        images=tuple(_image(root, item, stripping=stripping) for item in images),
        stages=tuple(shared),
        exclusions=tuple(exclusions),
    )


def _image(root: Path, item: Mapping[str, Any], *, stripping: bool) -> Image:
    folder, entities, suffix = item["folder"], item["entities"], item["suffix"]
    unit = f"{folder}/{entities}_{suffix}"
    wanted = [name for name in IMAGE_STAGES if stripping or name not in BRAIN_STAGES]
    stages = [_read(root, unit, name) for name in wanted]
    stages = [one for one in stages if one.name not in EXTRA_STAGES or one.state != "pending"]
    if item["source"] != "dicom":
        # An image that was converted by an earlier run is part of the dataset now.
        stages = [one for one in stages if one.name != DICOM_STAGE or one.state == "done"]
    # Which of them there is depends on the setting `deface`.
    results = [preproc_file(folder, entities, suffix)]
    if any(one.name == "deface" for one in stages):
        results = [defaced_file(folder, entities, suffix)]
    if stripping:
        results.append(mask_file(folder, entities, suffix))
    return Image(
        folder=folder,
        entities=entities,
        suffix=suffix,
        session=item["session"],
        stages=tuple(stages),
        finished=all((root / result).is_file() for result in results),
    )


def _read(root: Path, unit: str, name: str) -> Stage:
    """Read one status record; pending when there is none, failed when it cannot be read."""
    path = root / record_file(unit, name)
    try:
        # Snakemake makes an empty record where another job of the same Slurm job failed first.
        if not path.stat().st_size:
            return Stage(name, "pending")
        record = read_json(path)
    except FileNotFoundError:
        return Stage(name, "pending")
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return Stage(name, "failed", "its status record cannot be read")
    state: State = {"done": "done", "failed": "failed"}.get(record["state"], "interrupted")  # type: ignore[assignment]
    return Stage(
        name=name,
        state=state,
        reason=INTERRUPTED if state == "interrupted" else record.get("reason"),
        started=record.get("started"),
        seconds=record.get("seconds"),
        cpu_seconds=record.get("cpu_seconds"),
        peak_memory_mb=record.get("peak_memory_mb"),
        log=record.get("log"),
        details=record.get("details"),
    )
