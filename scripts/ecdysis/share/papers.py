"""The texts at the top of the folder to publish: descriptions, templates, SHARE.md, checksums."""

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import read_json, read_tsv, sha256, write_json, write_text
from ecdysis.share.raw import Shared
from ecdysis.share.scan import Report, Searched
from ecdysis.share.tables import (
    COLUMNS,
    capped,
    public_columns,
    public_description,
    public_sidecar,
    table,
)
from ecdysis.version import BIDS_VERSION, __version__, generated_by

CHECKSUMS, STATEMENT = "sha256sums.txt", "SHARE.md"
TO_FILL_IN = "TO BE FILLED IN"
README = """\
# {name}

{mark} before publication: replace this text. Say what was studied and why, who took part, how the
images were acquired, whom to ask, and how to cite the dataset.

- Consent: {mark} (participants agreed to the publication of their defaced images, yes or no)
- Ethics approval: {mark}
- Contact: {mark}

Faces and ears were removed from the anatomical images by Ecdysis {version}. The results of the
workflow are in `derivatives/ecdysis`; open `derivatives/ecdysis/index.html` for the report and
`derivatives/ecdysis/methods.md` for the methods. `SHARE.md` says what was checked and what was left
out. `sha256sums.txt` has the checksums: `sha256sum -c sha256sums.txt`.
"""
LICENSE = """\
{mark}: choose a licence and put its text here. Until then, nobody may use these data.

Common choices for data of persons who agreed to publication: CC0 1.0, PDDL, CC BY 4.0, or a data
use agreement of your institution. The field License in dataset_description.json must name the same.
"""
USUAL = (
    *("sourcedata", "code", "stimuli", "derivatives", "phenotype", "logs"),
    *("README", "README.txt", "README.rst", "CHANGES", "CITATION.cff"),
)
"""Names at the top of a dataset that SHARE.md may repeat; others may identify."""
BIDSIGNORE = f"{STATEMENT}\n{CHECKSUMS}\n"


def write_top(
    bids_dir: Path, folder: Path, shared: Shared, subjects: Collection[str], known: Searched
) -> str:
    """Write the files at the top of the dataset; return its name."""
    name = _write_description(bids_dir, folder, shared, known)
    _write_participants(bids_dir, folder, shared, subjects, known)
    words = {"name": name, "mark": TO_FILL_IN, "version": __version__}
    texts = {"README.md": README, "LICENSE": LICENSE, ".bidsignore": BIDSIGNORE}
    for file, text in texts.items():
        write_text(folder / file, text.format(**words) if file != ".bidsignore" else text)
    for path in sorted(bids_dir.iterdir()):
        _write_or_name(path, folder, shared)
    return name


def _write_description(bids_dir: Path, folder: Path, shared: Shared, known: Searched) -> str:
    """Write the public fields of the description that do not identify; return the name.

    Names of authors are meant to be published, and may be those of staff in private records.
    """
    file = bids_dir / "dataset_description.json"
    try:
        kept, removed = public_description(read_json(file))
    except (OSError, ValueError, AttributeError):
        kept, removed = {}, []
    bad = [key for key, value in kept.items() if known.finds(value)]
    kept = {key: value for key, value in kept.items() if key not in bad}
    shared.count(f"{key} (of the dataset)" for key in [*removed, *bad])
    kept = {"Name": "Untitled", "BIDSVersion": BIDS_VERSION, "DatasetType": "raw"} | kept
    kept["License"] = kept.get("License") or TO_FILL_IN
    kept["GeneratedBy"] = [generated_by(os.environ)]
    write_json(folder / file.name, kept)
    return str(kept["Name"])


def _write_participants(
    bids_dir: Path, folder: Path, shared: Shared, subjects: Collection[str], known: Searched
) -> None:
    """Write participants.tsv with the shared participants and public columns."""
    people = [f"sub-{label}" for label in sorted(subjects)]
    columns: list[str] = ["participant_id"]
    rows: list[dict[str, str]] = []
    try:
        content = read_tsv(bids_dir / "participants.tsv", "participants.tsv")
    except InputError:
        pass
    else:
        given = [row for row in content.rows if row.get("participant_id") in people]
        kept, _ = public_columns(content.columns, given, COLUMNS)
        kept = [name for name in kept if not any(known.finds(row.get(name, "")) for row in given)]
        removed = (name for name in content.columns if name not in kept)
        shared.count(f"{name} (column of participants)" for name in removed)
        columns, rows = (kept, capped(given)) if kept[:1] == columns else (columns, [])
    listed = {row["participant_id"] for row in rows}
    rows += [{"participant_id": name} for name in people if name not in listed]
    rows.sort(key=lambda row: row["participant_id"])
    write_text(folder / "participants.tsv", table(columns, rows))
    _write_dictionary(bids_dir / "participants.json", folder, columns)


def _write_dictionary(source: Path, folder: Path, columns: Sequence[str]) -> None:
    """Write the descriptions of the published columns."""
    try:
        content = read_json(source)
        kept = {name: content[name] for name in columns if name in content}
    except (OSError, ValueError, TypeError):
        return
    if kept:
        write_json(folder / source.name, kept)


def _write_or_name(path: Path, folder: Path, shared: Shared) -> None:
    """Write a common sidecar of the dataset, or name what is left out."""
    name = path.name
    if (folder / name).exists() or name.startswith((".", "sub-")) or name == "participants.json":
        if name in ("README.md", "LICENSE"):
            shared.left_out.append((name, "yours is not checked; a template takes its place"))
        return
    if path.suffix == ".json" and (content := _common_sidecar(path, shared)):
        write_json(folder / name, content)
        shared.files.append(name)
        return
    reason = "it is not checked" if path.is_file() else "folders other than those of subjects stay"
    shared.left_out.append((name if name in USUAL else "(a file at the top)", reason))


def _common_sidecar(path: Path, shared: Shared) -> dict[str, Any]:
    """Return the published fields of a sidecar at the top, such as ``task-rest_bold.json``."""
    try:
        content, removed = public_sidecar(read_json(path), shared.files)
    except (ValueError, AttributeError, RecursionError):
        return {}
    if content:
        shared.count(removed)
    return content


def write_checksums(folder: Path) -> int:
    """Write the SHA-256 of every file but the list itself; return the number of files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    lines = (f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    write_text(folder / CHECKSUMS, "".join(lines))
    return len(files)


def statement(
    shared: Shared, report: Report, validation: Mapping[str, Any] | None, known: Searched
) -> str:
    """Return the text of SHARE.md; names that identify are not in it."""
    lines = ["# What is shared", "", "Written by `snakemake share`.", ""]
    lines += ["## Checked", "", "| check | result |", "|---|---|"]
    lines += [f"| {name} | {result} |" for name, result in report.results()]
    if validation is None:
        lines.append("| BIDS validator | not installed, so not run |")
    else:
        errors, warnings = validation["errors"], validation["warnings"]
        lines.append(f"| BIDS validator | {errors} errors, {warnings} warnings |")
    lines += ["", "## Left out", ""]
    left_out = [(known.hidden(name), reason) for name, reason in shared.left_out + report.removed]
    lines += _grouped(left_out) or ["Nothing."]
    lines += ["", "## Fields and columns left out", ""]
    removed = sorted((known.hidden(name), times) for name, times in shared.removed_fields.items())
    lines += [f"- {_plain(name)} ({times} times)" for name, times in removed] or ["None."]
    return "\n".join([*lines, "", *_REMAINS, ""])


_REMAINS = (
    "## What you must still do",
    "",
    f"- README.md, LICENSE and dataset_description.json: replace every `{TO_FILL_IN}`; then write"
    " the checksums again.",
    "- Look at the pictures of the report. A program has looked for faces, not a person.",
    "- Ask whether participants agreed to the publication.",
    "",
    "## What is not promised",
    "",
    "- Functional, diffusion, perfusion and field-map images of coarse voxels are shared as they"
    " are, as is usual. They show a blurred outline of the head at most.",
    "- A brain is individual. Whoever has another scan of the same person can match the two.",
    "- A program can draw a plausible face where one was removed (Abramian & Eklund 2019,"
    " doi:10.1109/ISBI.2019.8759515); it is a guess.",
)


def _grouped(items: Sequence[tuple[str, str]]) -> list[str]:
    """Return a list by reasons, each with its files."""
    reasons = Counter(reason for _, reason in items)
    lines = []
    for reason, count in reasons.most_common():
        names = sorted({name for name, why in items if why == reason})
        lines += [f"- {_plain(reason)} ({count}):", *(f"    - {_plain(name)}" for name in names)]
    return lines


def _plain(text: str) -> str:
    """Return a text without what Markdown would read as markup, on one line."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")
