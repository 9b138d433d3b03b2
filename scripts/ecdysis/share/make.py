"""Make the folder to publish from a finished run, check it, and give it its name.

Until it is checked, the folder has another name, so that nobody publishes it by mistake.
"""

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ecdysis.bids.validator import validate
from ecdysis.errors import InputError
from ecdysis.files import write_text
from ecdysis.image.sidecar import sidecar_of
from ecdysis.places import TEMPLATE_FOLDER
from ecdysis.report.records import load_run
from ecdysis.share.papers import STATEMENT, statement, write_checksums, write_top
from ecdysis.share.raw import Defaced, RawSubject, Shared, defaced_images
from ecdysis.share.results import RESULTS, copy_results, draw, files_without_face, write_report
from ecdysis.share.scan import Report, Searched, scan_faces, scan_files
from ecdysis.share.secrets import secrets_of
from ecdysis.study import Study
from ecdysis.template import Prepared

NEEDED = ("dataset_description.json", "README.md", "LICENSE", "participants.tsv", ".bidsignore",
          f"{RESULTS}/dataset_description.json", f"{RESULTS}/index.html")  # fmt: skip
"""Files that the folder must contain."""
ROUNDS = 3
"""How often files with findings are left out and the rest is checked again."""


@dataclass(frozen=True)
class Subject:
    """The data that a process needs to make the files of one subject."""

    label: str
    bids_dir: Path
    output_dir: Path
    folder: Path
    images: tuple[Defaced, ...]
    known: Searched


def share(study: Study, validator: str | None, processes: int) -> dict[str, Any]:
    """Make the folder to publish of a finished run, checked with the given BIDS validator if any.

    The result has ``folder``, the numbers of images ``shared`` and of files ``left_out``, and
    ``warnings``.

    Raises
    ------
    InputError
        The run was made without defacing or still goes on, the folder exists, no image can be
        shared, or the check found something that could not be left out.
    """
    settings, target = study.settings, Path(study.settings["share_dir"])
    partial = target.with_name(f"{target.name}.partial")
    known = Searched(secrets_of(settings))
    subjects = _subjects(study, partial, known)
    if target.exists() and any(target.iterdir()):
        problem, remedy = "it exists and is not empty", "Move it away, or give another share_dir"
        raise InputError(f"share_dir {target}", problem, remedy)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    shared = Shared()
    for made in _mapped(subjects, processes):
        shared.add(made)
    whole = {path.partition(".")[0] for path in shared.files}
    names = {image.file for image in study.images if image.name in whole}
    if not names:
        shutil.rmtree(partial)
        reasons = "; ".join(sorted({why for _, why in shared.left_out})) or "nothing was defaced"
        raise InputError(
            "target share", f"no image can be shared: {reasons}", "See docs/sharing.md"
        )
    labels = {path.split("/")[0].removeprefix("sub-") for path in shared.files if "/" in path}
    title = write_top(Path(settings["bids_dir"]), partial, shared, labels, known)
    _name_other_subjects(study, shared, labels)
    run = load_run(settings["output_dir"])
    write_report(run, names, partial / RESULTS, title, known.finds)
    report, validation = _checked(partial, known, shared, validator)
    write_text(partial / STATEMENT, statement(shared, report, validation, known))
    write_checksums(partial)
    report.findings += scan_files(partial, known, [partial / STATEMENT]).findings
    _require_clean(partial, report, validation, known)
    if target.exists():
        target.rmdir()
    partial.rename(target)
    left = len(shared.left_out) + len(report.removed)
    return {"folder": target.name, "shared": len(names), "left_out": left, "warnings": []}


def _subjects(study: Study, folder: Path, known: Searched) -> list[Subject]:
    """Return the subjects of a run; InputError if its results show faces or it still goes on."""
    settings = study.settings
    run = load_run(settings["output_dir"])
    if not run.settings.get("deface"):
        problem = "the last run had deface: false, so its results show faces"
        raise InputError("target share", problem, "Run again with --config deface=true, then share")
    if run.live:
        raise InputError("target share", "a run is going on", "Wait until it has ended")
    output_dir, bids_dir = Path(settings["output_dir"]), Path(settings["bids_dir"])
    subjects = []
    for label, images in study.by_subject.items():
        raw = [(image, Path(image.path), study.t1w_beside(image)) for image in images]
        defaced = tuple(defaced_images(output_dir, raw))
        subjects.append(Subject(label, bids_dir, output_dir, folder, defaced, known))
    return subjects


def _mapped(subjects: Sequence[Subject], processes: int) -> Iterator[Shared]:
    if processes == 1 or len(subjects) == 1:
        yield from map(make_subject, subjects)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make_subject, subjects)


def make_subject(subject: Subject) -> Shared:
    """Make the raw files, results and figures of one subject; look for faces before drawing."""
    folder, results = subject.folder, subject.folder / RESULTS
    template = Prepared(subject.output_dir / TEMPLATE_FOLDER).brain_mask
    images = [image for image in subject.images if not subject.known.finds(image.name.name)]
    raw = RawSubject(
        subject.label, subject.bids_dir, folder, images, template, subject.known.found_in
    )
    shared = raw.write()
    for image in images:
        copy_results(image.name, subject.output_dir, results)
    home = folder / f"sub-{subject.label}"
    shared.faces = dict(scan_faces(folder, home.name))
    faces = {path: why for path, why in shared.faces.items() if why}
    bad = {
        image.name.name
        for image in images
        for path in faces
        if path.partition(".")[0] == image.name.name
        or path.startswith(f"{RESULTS}/{image.name.folder}/{image.name.entities}_")
    }
    for path, why in faces.items():
        _drop(folder, path, shared, why)
    for image in images:
        if image.name.name in bad:
            _drop_image(image, folder, shared)
        else:
            draw(image.name, folder, results)
    if not any(home.rglob("*.nii*")):
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(results / home.name, ignore_errors=True)
    return shared


def _drop_image(image: Defaced, folder: Path, shared: Shared) -> None:
    name = image.name
    raw_files = [path for path in shared.files if path.partition(".")[0] == name.name]
    for path in raw_files:
        _drop(folder, path, shared, "another file of this image may show the face")
    for result in files_without_face(name):
        (folder / RESULTS / result).unlink(missing_ok=True)
        sidecar_of(folder / RESULTS / result).unlink(missing_ok=True)


def _drop(folder: Path, path: str, shared: Shared, why: str) -> None:
    """Remove a file with its sidecar, and record why."""
    for file in (folder / path, sidecar_of(folder / path)):
        file.unlink(missing_ok=True)
    if path in shared.files:
        shared.files.remove(path)
    shared.left_out.append((path, why))


def _name_other_subjects(study: Study, shared: Shared, labels: Collection[str]) -> None:
    """Record the subjects that have no shared file."""
    every = {path.name for path in Path(study.settings["bids_dir"]).glob("sub-*") if path.is_dir()}
    named = {path.split("/")[0] for path, _ in shared.left_out}
    for name in sorted(every - {f"sub-{label}" for label in labels} - named):
        shared.left_out.append((name, "the last run did not process this subject"))


def _checked(
    folder: Path, known: Searched, shared: Shared, validator: str | None
) -> tuple[Report, dict[str, Any] | None]:
    """Check the folder; leave out the files with findings and check again."""
    removed: list[tuple[str, str]] = []
    # Most images were searched by the processes that made them; this searches the others.
    faces = dict(scan_faces(folder, known=shared.faces))
    for _ in range(ROUNDS):
        report = scan_files(folder, known)
        remaining = {path: why for path, why in faces.items() if (folder / path).exists()}
        report.findings += [(path, why) for path, why in remaining.items() if why]
        validation = validate(folder, validator) if validator else None
        wrong = [
            (path, f"the BIDS validator: {issue['code']}")
            for issue in (validation or {}).get("issues", [])
            if issue["severity"] == "error"
            for path in issue["examples"]
        ]
        bad = [(path, why) for path, why in [*report.findings, *wrong] if path not in NEEDED]
        bad = [(path, why) for path, why in bad if (folder / path).is_file()]
        if not bad:
            break
        for path, why in bad:
            (folder / path).unlink(missing_ok=True)
            removed.append((path, why))
    report.looked = {"images of heads: nose, eyes and ears": len(remaining), **report.looked}
    report.removed = removed
    return report, validation


def _require_clean(
    folder: Path, report: Report, validation: Mapping[str, Any] | None, known: Searched
) -> None:
    """Raise an InputError if a finding or an error of the validator remains."""
    problems = sorted({f"{known.hidden(path)}: {why}" for path, why in report.findings})
    if validation and validation["errors"]:
        codes = {item["code"] for item in validation["issues"] if item["severity"] == "error"}
        problems.append(
            f"the BIDS validator has {validation['errors']} errors ({', '.join(sorted(codes))})"
        )
    if problems:
        raise InputError(
            f"share_dir {folder}",
            f"the folder is not fit to publish: {'; '.join(problems[:5])}",
            "Repair the study, and run: snakemake share",
        )
