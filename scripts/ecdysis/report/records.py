"""What became of every subject, read from the manifest and the status records of the jobs.

Nothing here asks Snakemake, so it works while a run goes on, after a failure and long after.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ecdysis.bids.discovery import Exclusion
from ecdysis.bids.image_name import ImageName
from ecdysis.files import read_json, read_manifest
from ecdysis.ordering import grouped, natural_key
from ecdysis.places import TEMPLATE, VALIDATION, record_file
from ecdysis.planning import entries
from ecdysis.ratings import by_image, from_json
from ecdysis.report.model import Dicom, ProcessedImage, Run, Stage, State, Subject
from ecdysis.run_lock import is_at_work

DICOM_STAGE = "convert"
BRAIN_STAGE = "skullstrip"
EXTRA_STAGES = ("deface", "segment", "measure", "full_grid", "template_space")
FIGURES_STAGE = "figures"
IMAGE_STAGES = (DICOM_STAGE, "reorient", BRAIN_STAGE, "crop", *EXTRA_STAGES)
"""Stages of one image, in order; `BRAIN_STAGE` only with skull stripping, `EXTRA_STAGES` only if
they have a record. `FIGURES_STAGE` follows if it has a record or there are no figures; its record
is named after the folder of the figures."""
SESSION_STAGES = ("deidentify", "audit", "audit_results", "run_dcm2niix", "convert_session")

INTERRUPTED = "it was interrupted: it started and left no result"
Reader = Callable[[str, str], Stage]
"""Reads the record of a unit's stage."""


def load_run(
    output_dir: str | Path,
    *,
    ended: bool = False,
    only: str | None = None,
    manifest: Mapping[str, Any] | None = None,
) -> Run:
    """Read the manifest and the status records of an output directory.

    With `ended`, no job runs any more, even if a lock remains. With `only`, the records of this
    subject alone are read; the others are shown as pending. `manifest` is the manifest, if it was
    read already.

    Raises
    ------
    InputError
        The manifest cannot be read.
    """
    root = Path(output_dir).resolve()
    manifest = read_manifest(root) if manifest is None else manifest
    live = not ended and is_at_work(root)
    read = partial(_read, root, live=live)
    plan = manifest.get("plan", {})
    dicom = _dicom(read, plan, only)
    template = root / TEMPLATE
    ratings = by_image(from_json(manifest.get("ratings", [])))
    return Run(
        output_dir=root,
        place=str(manifest["bids_dir"] or root),
        dataset=Path(manifest["bids_dir"] or root).name,
        subjects=tuple(_subjects(root, read, manifest, dicom, only)),
        unmapped=tuple(plan.get("unmapped", [])),
        protocols=tuple(plan.get("protocols", [])),
        deviations=tuple(plan.get("deviations", [])),
        dicom=dicom,
        settings=manifest.get("settings", {}),
        template=read_json(template) if _stripping(manifest) and template.is_file() else None,
        validation=read_json(root / VALIDATION) if (root / VALIDATION).is_file() else None,
        ratings={image: tuple(given) for image, given in ratings.items()},
        live=live,
    )


def _subjects(
    root: Path,
    read: Reader,
    manifest: Mapping[str, Any],
    dicom: Dicom | None,
    only: str | None,
) -> Iterator[Subject]:
    """Yield the subjects in natural order; see `load_run`."""
    exclusions = (Exclusion(**item) for item in manifest.get("excluded", []))
    excluded = grouped((item.subject, item) for item in exclusions)
    images: dict[str, list[Mapping[str, Any]]] = {subject: [] for subject in excluded}
    for item in manifest["images"]:
        images.setdefault(str(item["subject"]), []).append(item)
    if manifest["bids_dir"] is None and dicom:
        for name in dicom.sessions:
            images.setdefault(name.partition("_")[0].removeprefix("sub-"), [])
    stripping = _stripping(manifest)
    for label in sorted(images, key=natural_key):
        others = excluded.get(label, [])
        if only in (None, label):
            yield _subject(root, read, label, images[label], others, dicom, stripping=stripping)
        else:
            yield _unread(label, images[label], others)


def _dicom(read: Reader, plan: Mapping[str, Any], only: str | None) -> Dicom | None:
    """Read what became of the sessions of a plan, or of those of one subject."""
    if not plan:
        return None
    names = [item["session"] for item in plan["sessions"]]
    if only is not None:
        names = [name for name in names if name.partition("_")[0] == f"sub-{only}"]
    return Dicom(
        {name: tuple(read(name, stage) for stage in SESSION_STAGES) for name in names},
        tuple(entries.Exclusion(**item) for item in plan["excluded"]),
        tuple(plan["notices"]),
    )


def _stripping(manifest: Mapping[str, Any]) -> bool:
    stripping = manifest.get("settings", {}).get("skullstrip", {})
    return bool(stripping.get("method", "none") != "none" or stripping.get("masks"))


def _unread(
    label: str, images: Sequence[Mapping[str, Any]], exclusions: Sequence[Exclusion]
) -> Subject:
    """Return a subject and its images without reading their status."""
    unread = [
        ProcessedImage(
            f"{item['entities']}_{item['suffix']}",
            item["suffix"],
            item["session"],
            (),
            finished=False,
        )
        for item in images
    ]
    return Subject(label, tuple(unread), (), tuple(exclusions))


def _subject(
    root: Path,
    read: Reader,
    label: str,
    images: Sequence[Mapping[str, Any]],
    exclusions: Sequence[Exclusion],
    dicom: Dicom | None,
    *,
    stripping: bool,
) -> Subject:
    sessions = dicom.sessions.items() if dicom else ()
    shared = [
        (session, stage)
        for session, stages in sessions
        if session.partition("_")[0] == f"sub-{label}"
        for stage in stages
        if stage.state != "pending"
    ]
    processed = (_image(root, read, item, stripping=stripping) for item in images)
    return Subject(label, tuple(processed), tuple(shared), tuple(exclusions))


def _image(root: Path, read: Reader, item: Mapping[str, Any], *, stripping: bool) -> ProcessedImage:
    image = ImageName(item["folder"], item["entities"], item["suffix"])
    wanted = [name for name in IMAGE_STAGES if stripping or name != BRAIN_STAGE]
    stages = [read(image.name, name) for name in wanted]
    stages.append(read(image.figures, FIGURES_STAGE))
    drawn = (root / image.figures).is_dir()
    optional = (*EXTRA_STAGES, FIGURES_STAGE) if drawn else EXTRA_STAGES
    stages = [stage for stage in stages if stage.name not in optional or stage.state != "pending"]
    if item["source"] != "dicom":
        # An image that was converted by an earlier run is part of the dataset now.
        stages = [stage for stage in stages if stage.name != DICOM_STAGE or stage.state == "done"]
    # The setting `deface` decides which of them is a result.
    results = [image.preproc]
    if any(stage.name == "deface" for stage in stages):
        results = [image.defaced]
    if stripping:
        results.append(image.mask)
    finished = drawn and all((root / result).is_file() for result in results)
    return ProcessedImage(
        image.file, image.suffix, item["session"], tuple(stages), finished=finished
    )


def _read(root: Path, unit: str, name: str, *, live: bool) -> Stage:
    """Read a status record; pending if it does not exist, failed if it cannot be read."""
    try:
        record = read_json(root / record_file(unit, name))
    except FileNotFoundError:
        return Stage(name, "pending")
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return Stage(name, "failed", "its status record cannot be read")
    begun: State = "running" if live else "interrupted"
    states: dict[str, State] = {"done": "done", "failed": "failed"}
    state = states.get(record["state"], begun)
    keys = ("started", "seconds", "cpu_seconds", "peak_memory_mb", "log", "details")
    reason = INTERRUPTED if state == "interrupted" else record.get("reason")
    return Stage(name, state, reason, **{key: record.get(key) for key in keys})
