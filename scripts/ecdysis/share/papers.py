"""The files at the top of the folder to publish: descriptions, templates, SHARE.md, checksums."""

import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import read_json, read_tsv, sha256, tsv_text, write_json, write_text
from ecdysis.html_pages import environment
from ecdysis.share.raw import Shared
from ecdysis.share.scan import Report, Searched
from ecdysis.share.tables import (
    COLUMNS,
    capped,
    public_columns,
    public_description,
    public_sidecar,
)
from ecdysis.version import BIDS_VERSION, __version__, generated_by

CHECKSUMS, STATEMENT = "sha256sums.txt", "SHARE.md"
TO_FILL_IN = "TO BE FILLED IN"

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
    write_text(folder / "README.md", _filled("share_readme.md.j2", name=name, version=__version__))
    write_text(folder / "LICENSE", _filled("share_license.txt.j2"))
    write_text(folder / ".bidsignore", BIDSIGNORE)
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
    write_text(folder / "participants.tsv", tsv_text(columns, rows))
    _write_dictionary(bids_dir / "participants.json", folder, columns)


def _write_dictionary(source: Path, folder: Path, columns: Sequence[str]) -> None:
    try:
        content = read_json(source)
        kept = {name: content[name] for name in columns if name in content}
    except (OSError, ValueError, TypeError):
        return
    if kept:
        write_json(folder / source.name, kept)


def _write_or_name(path: Path, folder: Path, shared: Shared) -> None:
    """Write a common sidecar of the dataset, or record that the file is left out."""
    name = path.name
    if (folder / name).exists() or name.startswith((".", "sub-")) or name == "participants.json":
        if name in ("README.md", "LICENSE"):
            shared.left_out.append((name, "yours is not checked; a template replaces it"))
        return
    if path.suffix == ".json" and (content := _common_sidecar(path, shared)):
        write_json(folder / name, content)
        shared.files.append(name)
        return
    reason = "it is not checked" if path.is_file() else "only folders of subjects are shared"
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
    """Return the text of SHARE.md, without names that identify."""
    checks = [*report.results()]
    if validation is None:
        checks.append(("BIDS validator", "not installed, so not run"))
    else:
        errors, warnings = validation["errors"], validation["warnings"]
        checks.append(("BIDS validator", f"{errors} errors, {warnings} warnings"))
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for name, reason in shared.left_out + report.removed:
        by_reason[reason].append(known.hidden(name))
    left_out = sorted(by_reason.items(), key=lambda item: -len(item[1]))
    removed = sorted((known.hidden(name), times) for name, times in shared.removed_fields.items())
    return _filled("share.md.j2", checks=checks, left_out=left_out, removed=removed)


def _filled(template: str, **content: object) -> str:
    markdown = environment().overlay(autoescape=False, keep_trailing_newline=True)
    markdown.filters["plain"] = _plain
    return markdown.get_template(template).render(mark=TO_FILL_IN, **content)


def _plain(text: str) -> str:
    """Return a text on one line, without characters that Markdown reads as markup."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")
