"""The status and measures of all images: ``participants_qc.tsv`` and its data dictionary.

Every image has a row, also one that failed or was not processed; a missing value is ``n/a``.
The metrics of MRIQC are written as MRIQC does: ``group_T1w.tsv``, one table for each suffix.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import read_json, read_tsv, tsv_text, write_json, write_text
from ecdysis.places import QUALITY_TABLE
from ecdysis.quality.dictionary import MEASURES, OF_SKULLSTRIP, Measure
from ecdysis.quality.norms import Norm
from ecdysis.quality.outliers import RULE, Flag, Values, flags
from ecdysis.report.model import ProcessedImage, Run
from ecdysis.report.status import PROBLEMS, Entry, Status, entries_of

STAGE = "measure"
NONE = "n/a"
COLUMNS = Path(__file__).with_name("columns.json")
"""Describes the columns that are not measures; these follow the column of the status."""
OF_DEFACING = "face_visible"


def values_of(run: Run) -> dict[str, dict[str, float | None]]:
    """Return all measures of all images, by name of image and key; None is no value."""
    keys = [item.key for item in MEASURES]
    measured = {image.name: _measures(image) for _, image in run.images}
    return {name: {key: found.get(key) for key in keys} for name, found in measured.items()}


def reasons_of(run: Run) -> dict[str, dict[str, str]]:
    """Return why images that were measured have no value of a measure, by name and key."""
    return {image.name: _reasons(image) for _, image in run.images}


def flags_of(run: Run) -> dict[str, list[Flag]]:
    """Return the quality flags of each image, by its name."""
    norms = run.settings.get("quality", {}).get("norms") or []
    return flags(values_of(run), [Norm(**norm) for norm in norms])


def write_table(run: Run) -> None:
    """Write the table and its dictionary into the output directory."""
    table = run.output_dir / QUALITY_TABLE
    described = data_dictionary(faces=bool(run.settings.get("deface")))
    rows = _rows(run, entries_of(run, flags_of(run)), values_of(run))
    write_text(table, tsv_text(list(described), rows))
    write_json(table.with_suffix(".json"), described)
    _write_group_tables(run)


def _write_group_tables(run: Run) -> None:
    """Write the metrics of MRIQC, by its names, of all images that have them."""
    suffixes: dict[str, list[dict[str, str]]] = {}
    for _, image in run.images:
        if metrics := image.results_of(STAGE).get("mriqc"):
            cells = {key: f"{value:.6g}" for key, value in metrics.items()}
            suffixes.setdefault(image.suffix, []).append({"bids_name": image.name, **cells})
    for suffix, rows in suffixes.items():
        keys = sorted({key for row in rows for key in row} - {"bids_name"})
        write_text(run.output_dir / f"group_{suffix}.tsv", tsv_text(["bids_name", *keys], rows))


def problems_in(output_dir: Path) -> list[str]:
    """Return the images that the table of an earlier run calls failed or unreadable."""
    try:
        rows = read_tsv(output_dir / QUALITY_TABLE, QUALITY_TABLE).rows
    except InputError:
        return []
    return [row.get("image", "") for row in rows if row.get("status") in PROBLEMS]


def data_dictionary(*, faces: bool = False) -> dict[str, dict[str, Any]]:
    """Describe the columns, in the terms of BIDS for tabular files; `faces` for defaced images."""
    columns: dict[str, dict[str, Any]] = {}
    for name, description in read_json(COLUMNS).items():
        if name == OF_DEFACING and not faces:
            continue
        columns[name] = description | ({"Rule": RULE} if name == "flags" else {})
        if name == "status":
            columns |= {measure.key: _described(measure) for measure in MEASURES}
    return columns


def _described(measure: Measure) -> dict[str, Any]:
    better = f"{measure.better} is better" if measure.better else "neither high nor low is better"
    return {
        "LongName": measure.label,
        "Description": f"{measure.description}. n/a where it is not computable",
        "Units": measure.units,
        "Source": measure.source,
        "Direction": better,
    }


def face_visible(image: ProcessedImage | None) -> str:
    """Return the parts of the face that a defaced image may still show, ``none`` or ``n/a``."""
    score = image.results_of("deface").get("ResidualFace") if image else None
    if not score or score["verdict"] == "unknown":
        return NONE
    return ", ".join(score["visible"]) or "none"


def _rows(run: Run, entries: Sequence[Entry], values: Values) -> Iterator[dict[str, str]]:
    """Yield the cells of each image by column, without those that have no value."""
    images = {image.name: image for _, image in run.images}
    for entry in entries:
        measures = values.get(entry.name, {}).items()
        cells = {key: f"{value:.6g}" for key, value in measures if value is not None}
        flags = "; ".join(map(_short, entry.flags)) or ("none" if cells else NONE)
        ratings = run.ratings.get(entry.name)
        rating = ratings[0].rating if ratings else NONE
        parts = entry.name.split("_")
        yield {
            **cells,
            "participant_id": entry.subject.name,
            "session_id": next((part for part in parts if part.startswith("ses-")), NONE),
            "image": entry.name if entry.is_image else NONE,
            "status": str(entry.status),
            "flags": flags,
            "reasons": " ".join("; ".join(entry.verdict.reasons).split()) or "none",
            "rating": "exclude" if entry.status is Status.EXCLUDED else rating,
            OF_DEFACING: face_visible(images.get(entry.name)),
        }


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
