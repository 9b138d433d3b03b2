"""What the index page says of the whole study, besides its table."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ecdysis.report.model import STATES, Image, Run, State, Subject
from ecdysis.report.quality import Comparison, check_of
from ecdysis.report.wording import NO_REASON
from ecdysis.version import package_versions

PACKAGES = (
    "snakemake", "pybids", "pydicom", "dcm2niix", "nibabel", "nipype", "antspyx", "nilearn",
    "numpy", "scipy", "jinja2",
)  # fmt: skip
PROGRAM_KEYS = ("converter", "provider", "ants_version")
"""Keys by which the details of a stage name the programs it ran."""
OPEN: tuple[State, ...] = ("running", "pending")


@dataclass(frozen=True)
class Case:
    """Something a person should look at; `state` is a state, or ``flagged``."""

    subject: Subject
    state: State | str
    what: str
    reasons: Sequence[str]


@dataclass(frozen=True)
class Ahead:
    """A stage that images or subjects wait for: how many wait, and which ones it works on."""

    stage: str
    waiting: int
    running: tuple[str, ...]


def urgent_cases(run: Run) -> list[Case]:
    """Return failures, then interruptions, then exclusions, by subject."""
    cases = [
        Case(subject, stage.state, f"{stage.name} of {name}", [stage.reason or NO_REASON])
        for subject in run.subjects
        for name, stage in subject.faults
    ]
    cases += [
        Case(subject, "excluded", item.name if item.image else "", [item.reason])
        for subject in run.subjects
        for item in subject.exclusions
    ]
    return sorted(cases, key=lambda case: STATES.index(case.state))  # type: ignore[arg-type]


def doubtful_cases(run: Run, comparison: Comparison) -> list[Case]:
    """Return images that came through and of which a check or a measure says something."""
    cases = []
    for subject, image in run.images:
        verdict, doubts = check_of(image)
        said = [f"skull strip: {doubt}" for doubt in doubts or [verdict]] if verdict != "ok" else []
        said += [flag.sentence() for flag in comparison.images[image.name].flags]
        if said:
            cases.append(Case(subject, "flagged", image.name, said))
    return cases


def ahead(run: Run) -> list[Ahead]:
    """Return what is still to come: each image by the stage that is next, or that works on it.

    A subject whose images are all through may still wait for a stage of its own.
    """
    steps: dict[str, list[tuple[str, State]]] = {}
    for subject in (one for one in run.subjects if one.state in OPEN):
        waiting = [image for image in subject.images if image.state in OPEN]
        for image in waiting:
            own = [stage for stage in image.stages if stage.state in OPEN]
            step = min(own, key=lambda stage: OPEN.index(stage.state), default=None)
            name = step.name if step else "results"
            steps.setdefault(name, []).append((image.name, image.state))
        for unit, stage in subject.stages if not waiting else ():
            if stage.state in OPEN:
                steps.setdefault(stage.name, []).append((unit, stage.state))
    return [
        Ahead(
            step,
            sum(state == "pending" for _, state in found),
            tuple(name for name, state in found if state == "running"),
        )
        for step, found in steps.items()
    ]


def summary(run: Run, comparison: Comparison) -> dict[str, str]:
    """Say in a few lines what the dataset is."""
    images = [image for _, image in run.images]
    sessions = {(subject.label, image.session) for subject, image in run.images}
    volumes = [image.facts["BrainVolume"] for image in images if "BrainVolume" in image.facts]
    flagged = sum(bool(comparison.images[image.name].flags) for image in images)
    measured = sum(bool(comparison.images[image.name].values) for image in images)
    said = {
        "Subjects": str(len(run.subjects)),
        "Sessions": str(len(sessions)) if any(one for _, one in sessions) else "",
        "Images": _counts(image.suffix for image in images),
        "Excluded": str(sum(len(subject.exclusions) for subject in run.subjects) or ""),
        "Orientation as they came": _counts(_facts(images, "OriginalOrientation")),
        "Voxels as they came": _range(
            [zoom for image in images for zoom in _zooms(image)], "mm", digits=2
        ),
        "Brain volume": _range(volumes, "mL", digits=0),
        "Quality": f"{measured} images measured, {flagged} flagged" if measured else "",
        "Skull stripping": _counts(_facts(images, "provider")),
    }
    return {key: words for key, words in said.items() if words}


def programs_of(run: Run) -> dict[str, list[str]]:
    """Return the programs and versions that the stages named, each once."""
    found: dict[str, dict[str, None]] = {}
    for subject in run.subjects:
        for _, stage in subject.all_stages:
            for key in PROGRAM_KEYS:
                if word := (stage.details or {}).get(key):
                    found.setdefault(key, {})[str(word)] = None
    return {key: list(words) for key, words in found.items()}


def software() -> dict[str, str]:
    """Return the versions of the Python packages that are installed here."""
    return package_versions(PACKAGES)


def _facts(images: Iterable[Image], key: str) -> list[Any]:
    return [image.facts[key] for image in images if key in image.facts]


def _zooms(image: Image) -> list[float]:
    pixdim = image.facts.get("OriginalGeometry", {}).get("pixdim", [])
    return [abs(float(zoom)) for zoom in pixdim[1:4]]


def _counts(words: Iterable[Any]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(map(str, words)).most_common())


def _range(numbers: list[float], unit: str, *, digits: int) -> str:
    if not numbers:
        return ""
    low, middle, high = (
        f"{number:.{digits}f}" for number in (min(numbers), median(numbers), max(numbers))
    )
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}, median {middle}"
