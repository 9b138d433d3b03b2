"""The results in the folder to publish: files without faces, figures of them, and the report."""

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecdysis.bids.image_name import ImageName
from ecdysis.figures.draw import ImageFiles, draw_figures
from ecdysis.files import read_json, write_json, write_text
from ecdysis.image.sidecar import sidecar_of
from ecdysis.report.methods import write_methods
from ecdysis.report.model import Run, Subject
from ecdysis.report.pages import Pages
from ecdysis.report.quality_table import write_table
from ecdysis.template import TISSUES
from ecdysis.version import BIDS_VERSION, generated_by

RESULTS = Path("derivatives") / "ecdysis"
MEANINGS = {
    "defaced": "Whole head, reoriented and cropped without resampling; face and ears removed",
    "brain": "Brain mask, or the image with all voxels outside the brain mask set to 0",
    "biascorrected": "Defaced head without its bias field (N4)",
}
NOT_BIDS = (
    *("*.html", "figures", "sub-*/figures", "participants_qc.*", "group_*.tsv"),
    *("methods.md", "references.bib", "*_xfm.*"),
)
WRITTEN_ON = re.compile(r"(,| on) \d{4}-\d\d-\d\d \d\d:\d\d UTC")
"""The time at which a page was written."""
SETTINGS = ("reorient", "crop", "skullstrip", "ants", "deface", "outputs", "quality", "suffixes")
"""Settings that the report shows; the others may hold labels and rules of the user."""


def files_without_face(image: ImageName) -> list[str]:
    """Return the results of an image that show no face; a run may not have made all of them.

    ``desc-preproc``, which shows the face, and transforms that deform the head are not among them.
    """
    files = [image.defaced, image.defacemask, image.brain, image.mask, image.corrected, image.dseg]
    files += [image.probseg(tissue) for tissue in TISSUES]
    if image.suffix != "T1w":
        files += [image.to_t1w, image.from_t1w]
    return files


def copy_results(image: ImageName, output_dir: Path, folder: Path) -> list[str]:
    """Copy the results of an image and their sidecars; return the copied paths."""
    copied = []
    for name in files_without_face(image):
        source, target = output_dir / name, folder / name
        if not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        copied.append(name)
        if sidecar_of(source).is_file():
            content = read_json(sidecar_of(source))
            content.pop("Warnings", None)
            write_json(sidecar_of(target), content)
    return copied


def draw(image: ImageName, raw: Path, folder: Path) -> dict[str, Any]:
    """Draw the figures of an image from its shared files alone.

    `raw` is the dataset to publish, with the defaced image; `folder` has its results.
    """
    original = next(
        path for end in ("nii.gz", "nii") if (path := raw / f"{image.name}.{end}").is_file()
    )
    dseg, corrected = folder / image.dseg, folder / image.corrected
    files = ImageFiles(
        image,
        original,
        folder / image.defaced,
        mask=folder / image.mask,
        dseg=dseg if dseg.is_file() else None,
        corrected=corrected if corrected.is_file() else None,
    )
    return draw_figures(folder / image.figures, files)


def write_report(
    run: Run,
    names: Collection[str],
    folder: Path,
    title: str,
    identifies: Callable[[object], bool],
) -> Run:
    """Write the report of the shared images; return the run that it shows.

    `names` are the shared images, such as ``sub-01_T1w``. `folder` gets pages, tables, and the
    methods text. `title` is the name of the dataset. Settings whose value `identifies` someone are
    not shown.
    """
    shown_keys = [key for key in SETTINGS if key in run.settings]
    settings = {key: _public(run.settings[key], identifies) for key in shown_keys}
    shown = _public_run(replace(run, settings=settings), names, folder, title)
    write_table(shown)
    pages = Pages(shown)
    written = [pages.write_subject(subject.label) for subject in shown.subjects]
    for page in [*written, pages.write_index()]:
        # The scanner reports every date.
        write_text(page, WRITTEN_ON.sub("", page.read_text(encoding="utf-8")))
    deid = {key: run.settings.get("deid", {}).get(key) for key in ("profile", "options")}
    # The pages do not show the scanner's sessions; the text says how they were de-identified.
    write_methods(replace(shown, dicom=run.dicom, settings={**shown.settings, "deid": deid}))
    _describe(folder, title)
    return shown


def _public_run(run: Run, names: Collection[str], folder: Path, title: str) -> Run:
    """Return a run with the shared images only, without persons, paths, times and logs."""
    subjects = tuple(_public_subjects(run, names))
    shown = {image.name for subject in subjects for image in subject.images}
    return replace(
        run,
        output_dir=folder,
        place="",
        dataset=title,
        subjects=subjects,
        unmapped=(),
        dicom=None,
        validation=None,
        ratings={
            name: tuple(
                replace(rating, rater=f"rater {number}", note="", time="")
                for number, rating in enumerate(ratings, 1)
            )
            for name, ratings in run.ratings.items()
            if name in shown
        },
        protocols=(),
        deviations=(),
        live=False,
    )


def _public(value: object, identifies: Callable[[object], bool]) -> object:
    """Return a setting without the texts that identify, such as paths."""
    if isinstance(value, dict):
        return {key: _public(inner, identifies) for key, inner in value.items()}
    if isinstance(value, list):
        return [_public(inner, identifies) for inner in value]
    return "(left out)" if isinstance(value, str) and identifies(value) else value


def _public_subjects(run: Run, names: Collection[str]) -> Iterator[Subject]:
    """Yield the subjects with their shared images, whose stages have no log, times and reason."""
    for subject in run.subjects:
        images = []
        for image in subject.images:
            if image.name in names:
                stages = [replace(s, log=None, started=None, reason=None) for s in image.stages]
                images.append(replace(image, stages=tuple(stages)))
        if images:
            yield replace(subject, images=tuple(images), stages=(), exclusions=())


def _describe(folder: Path, title: str) -> None:
    description = {
        "Name": f"{title}: skull-stripped and defaced",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [generated_by(os.environ)],
        "SourceDatasets": [{"URL": "../.."}],
        "DatasetLinks": {"raw": "../.."},
    }
    write_json(folder / "dataset_description.json", description)
    meanings = "".join(f"desc-{label}\t{text}\n" for label, text in MEANINGS.items())
    write_text(folder / "descriptions.tsv", f"desc_id\tdescription\n{meanings}")
    write_text(folder / ".bidsignore", "\n".join(NOT_BIDS) + "\n")
