"""The status and measures of all images: ``participants_qc.tsv`` and its data dictionary.

Every image has a row, also one that failed or was not processed; a missing value is ``n/a``.
The metrics of MRIQC are written as MRIQC does: ``group_T1w.tsv``, one table for each suffix.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import read_tsv, write_text
from ecdysis.places import QUALITY_TABLE
from ecdysis.quality.dictionary import MEASURES, OF_SKULLSTRIP
from ecdysis.quality.norms import Norm, from_json
from ecdysis.quality.outliers import RULE, Flag, Values, flags
from ecdysis.report.model import ProcessedImage, Run
from ecdysis.report.status import PROBLEMS, Entry, Status, entries_of

STAGE = "measure"
NONE = "n/a"
FACE_COLUMN: dict[str, dict[str, Any]] = {
    "face_visible": {
        "LongName": "Visible parts of the face",
        "Description": "Parts of the face that the defaced image may still show: nose, right eye,"
        " left eye, right ear, left ear; 'none' if there is none; n/a where it was not defaced or"
        " cannot be measured",
        "Source": "surface distance to MNI152NLin6Asym, see docs/sharing.md",
    }
}
"""The column that a run with ``deface`` has."""


def values_of(run: Run) -> dict[str, dict[str, float | None]]:
    """Return all measures of all images, by name of image and key; None is no value."""
    keys = [item.key for item in MEASURES]
    measured = {image.name: _measures(image) for _, image in run.images}
    return {name: {key: found.get(key) for key in keys} for name, found in measured.items()}


def reasons_of(run: Run) -> dict[str, dict[str, str]]:
    """Return why images that were measured have no value of a measure, by name and key."""
    return {image.name: _reasons(image) for _, image in run.images}


def norms_of(run: Run) -> list[Norm]:
    """Return the norms of the user's norms file, from the manifest."""
    return from_json(run.settings.get("quality", {}).get("norms") or [])


def flags_of(run: Run) -> dict[str, list[Flag]]:
    """Return the quality flags of each image, by its name."""
    return flags(values_of(run), norms_of(run))


def write_table(run: Run) -> None:
    """Write the table and its dictionary into the output directory."""
    table = run.output_dir / QUALITY_TABLE
    entries = entries_of(run, flags_of(run))
    write_text(table, _rows(run, entries, values_of(run)))
    described = data_dictionary() | (FACE_COLUMN if run.settings.get("deface") else {})
    dictionary = json.dumps(described, indent=2, ensure_ascii=False)
    write_text(table.with_suffix(".json"), dictionary + "\n")
    _write_group_tables(run)


def _write_group_tables(run: Run) -> None:
    """Write the metrics of MRIQC, by its names, of all images that have them."""
    suffixes: dict[str, dict[str, dict[str, float]]] = {}
    for _, image in run.images:
        metrics = image.results_of(STAGE).get("mriqc", {})
        if metrics:
            suffixes.setdefault(image.suffix, {})[image.name] = metrics
    for suffix, images in suffixes.items():
        keys = sorted({key for metrics in images.values() for key in metrics})
        lines = [["bids_name", *keys]]
        for name, metrics in images.items():
            lines.append(
                [name, *(f"{metrics[key]:.6g}" if key in metrics else NONE for key in keys)]
            )
        path = run.output_dir / f"group_{suffix}.tsv"
        write_text(path, "".join("\t".join(line) + "\n" for line in lines))


def problems_in(output_dir: Path) -> list[str]:
    """Return the images that the table of an earlier run calls failed or unreadable."""
    try:
        rows = read_tsv(output_dir / QUALITY_TABLE, QUALITY_TABLE).rows
    except InputError:
        return []
    return [row.get("image", "") for row in rows if row.get("status") in PROBLEMS]


def data_dictionary() -> dict[str, dict[str, Any]]:
    """Describe the columns, in the terms of BIDS for tabular files."""
    columns: dict[str, dict[str, Any]] = {
        "participant_id": {"Description": "The participant"},
        "session_id": {"Description": "The session; n/a without one"},
        "image": {"Description": "The image: its entities and suffix; n/a where there is none"},
        "status": {
            "Description": "What became of the image",
            "Levels": {
                "done": "its results are complete, and nothing asks for a review",
                "review": "its results are complete, and a person should look at them",
                "failed": "a stage failed, or the brain mask failed its self-check",
                "unreadable": "the image is damaged or cannot be used",
                "excluded by a rater": "a rating excludes it",
                "not applicable": "the subject has no image to process",
                "pending": "not all stages have run yet",
            },
        },
    }
    for item in MEASURES:
        direction = f"{item.better} is better" if item.better else "neither high nor low is better"
        columns[item.key] = {
            "LongName": item.label,
            "Description": f"{item.description}. n/a where it is not computable",
            "Units": item.units,
            "Source": item.source,
            "Direction": direction,
        }
    columns["flags"] = {
        "Description": "The flagged measures, separated by '; ', each with its modified z-score and"
        " the number of images compared, or 'norm'; 'none' where no measure is flagged",
        "Rule": RULE,
    }
    columns["reasons"] = {
        "Description": "The reasons for the status, separated by '; '; 'none' where there is none"
    }
    columns["rating"] = {
        "Description": "The rating; where raters disagree, the most careful one. An image rated"
        " exclude is not processed, so it has no measures; n/a where nobody rated it",
        "Levels": "accept, unsure or exclude",
    }
    return columns


def face_visible(image: ProcessedImage | None) -> str:
    """Return the parts of the face that a defaced image may still show, ``none`` or ``n/a``."""
    score = image.results_of("deface").get("ResidualFace") if image else None
    if not score or score["verdict"] == "unknown":
        return NONE
    return ", ".join(score["visible"]) or "none"


def _rows(run: Run, entries: Sequence[Entry], values: Values) -> str:
    keys = [measure.key for measure in MEASURES]
    faces = list(FACE_COLUMN) if run.settings.get("deface") else []
    images = {image.name: image for _, image in run.images}
    lines = [
        [
            *("participant_id", "session_id", "image", "status", *keys),
            *("flags", "reasons", "rating", *faces),
        ]
    ]
    for entry in entries:
        mine = values.get(entry.name, {})
        cells = [NONE if mine.get(key) is None else f"{mine[key]:.6g}" for key in keys]
        measured = any(cell != NONE for cell in cells)
        flags = "; ".join(map(_short, entry.flags)) or ("none" if measured else NONE)
        reasons = "; ".join(entry.verdict.reasons) or "none"
        ratings = run.ratings.get(entry.name)
        rating = ratings[0].rating if ratings else NONE
        if entry.status is Status.EXCLUDED:
            rating = "exclude"
        lines.append(
            [
                entry.subject.name,
                next((part for part in entry.name.split("_") if part.startswith("ses-")), NONE),
                entry.name if entry.is_image else NONE,
                str(entry.status),
                *cells,
                flags,
                " ".join(reasons.split()),
                rating,
                *([face_visible(images.get(entry.name))] if faces else []),
            ]
        )
    return "".join("\t".join(line) + "\n" for line in lines)


def _short(flag: Flag) -> str:
    return f"{flag.key} (norm)" if flag.z is None else f"{flag.key} (z {flag.z:.1f}, n {flag.n})"


def _measures(image: ProcessedImage) -> dict[str, float]:
    stripped = image.results_of("skullstrip").get("measures", {})
    taken = {key: stripped[name] for key, name in OF_SKULLSTRIP.items() if name in stripped}
    return {**image.results_of(STAGE).get("measures", {}), **taken}


def _reasons(image: ProcessedImage) -> dict[str, str]:
    details = image.results_of(STAGE)
    if not details:
        return {}
    taken = _measures(image)
    left = {key: "skull stripping did not take it" for key in OF_SKULLSTRIP if key not in taken}
    return {**details.get("not_computable", {}), **left}
