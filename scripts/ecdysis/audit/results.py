"""Search the results of a session: sidecars, tables, headers of images, records and logs."""

import ast
import gzip
import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ecdysis.audit.findings import Finding, identifying, in_name
from ecdysis.audit.search import RUNS, Searcher
from ecdysis.audit.secrets import Secret
from ecdysis.files import read_json
from ecdysis.places import FULL_GRID

NIFTI_HEADER = 4096
"""Bytes of a NIfTI file that are searched: its header and a usual extension."""

RUN_FACTS = {"started", "seconds", "cpu_seconds", "cpu_seconds_before", "peak_memory_mb"}
"""Fields of a record about the run, not the data; the date of a run may equal that of a scan."""

SOURCES = Path(__file__).parents[2]
TEXT_TABLES = (
    *(f"ecdysis/{name}/*.tsv" for name in ("conversion", "planning", "quality", "share")),
    "ecdysis/report/*.json",
)
"""Tables with reasons and descriptions that the workflow writes."""
PLAIN_WORD = re.compile(r"(?<![^\W\d_])[a-z]{4,}(?![^\W\d_])")
"""A whole word in lower-case ASCII letters; a part of a word such as Møllegård is not."""

LARGEST = 1 << 26
"""Bytes of a file that are searched."""


def in_file(path: Path, searcher: Searcher, *, ours: bool) -> list[Finding]:
    """Return the identifying values in the name and the content of a file.

    Keys of JSON and the first line of a table are the workflow's or the standard's own words, and
    are not searched. Pictures, transforms and pages are not read: they are made of the images and
    records that are.

    A result or record is `ours` and holds sentences of the workflow: in these, a word that the
    workflow itself writes is no name.
    """
    name = str(path) if ours else path.name
    findings = [in_name(name, hit) for hit in _in_text(path.name, searcher, ours=ours)]
    for element, text in _values(path):
        if isinstance(text, float | int):
            hit = searcher.in_number(float(text), epochs=not ours)
            hits = [hit] if hit else []
        elif path.suffix == ".log":
            hits = searcher.in_line(text)
        else:
            hits = _in_text(text, searcher, ours=ours)
        findings += [identifying(name, element, hit) for hit in hits]
    return findings


def files_in(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder but the empty mark that Snakemake puts into it."""
    for path in folder.rglob("*"):
        if path.is_file() and (path.name != ".snakemake_timestamp" or path.stat().st_size):
            yield path


def files_of(subject: str, session: str) -> list[Path]:
    """Return the files in the working directory about a subject, or about one session of it.

    The pages, the index and the table over all subjects are made from these files. A file that is
    being written has a hidden name.
    """
    tops = [Path(), Path(".ecdysis"), Path("logs"), Path("benchmarks"), FULL_GRID]
    folders = [top / name for top in tops for name in dict.fromkeys((f"sub-{subject}", session))]
    files = (file for folder in folders for file in sorted(files_in(folder)))
    return [file for file in files if file.name[0] != "."]


def recorded_files(record: Path, bids_dir: Path) -> list[Path]:
    """Return the files of the dataset that the record of a session's conversion lists."""
    return [bids_dir / file["path"] for file in read_json(record)["files"]]


def _values(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield field and value of everything in a file that is data."""
    if ".nii" in path.suffixes:
        yield from (("NIfTI header", text) for text in _header_texts(path))
    elif path.suffix == ".json":
        yield from _json_values(path)
    elif path.suffix in (".tsv", ".csv"):
        yield from _cells(_text(path))
    elif path.suffix in (".txt", ".md", ".log"):
        yield from (("", line) for line in _text(path).splitlines() if line.strip())


def _json_values(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        content = json.loads(_text(path))
    except (ValueError, RecursionError):
        yield "", _text(path)
        return
    ahead = [("", content)]
    while ahead:
        key, value = ahead.pop()
        if key in RUN_FACTS:
            continue
        if isinstance(value, dict):
            ahead += [(str(name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            ahead += [(key, inner) for inner in value]
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield key, value


def _cells(text: str) -> Iterator[tuple[str, Any]]:
    header, *rows = text.splitlines() or [""]
    names = header.split("\t")
    for row in rows:
        for name, cell in zip(names, row.split("\t"), strict=False):
            try:
                yield name, float(cell)
            except ValueError:
                yield name, cell


def _header_texts(path: Path) -> Iterator[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as stream:
        header = stream.read(NIFTI_HEADER)
    # Voxels follow the header where there is no extension (NIfTI-1.1, section 3).
    header = header if len(header) > 348 and header[348] else header[:352]
    yield from (run.decode("utf-8", "replace") for run in RUNS.findall(header))


def _text(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(LARGEST).decode("utf-8", "replace")


def _in_text(text: str, searcher: Searcher, *, ours: bool) -> list[Secret]:
    """Return the secrets in a text; in the workflow's own, its own words are left out."""
    hits = searcher.in_text(text, camel=not ours)
    if hits and ours:
        whole = unicodedata.normalize("NFC", text)
        rest = PLAIN_WORD.sub(lambda word: " " if word[0] in message_words() else word[0], whole)
        hits = searcher.in_text(rest, camel=False)
    return hits


@cache
def message_words() -> frozenset[str]:
    """Return the lower-case words of the workflow's own strings and tables, without docstrings."""
    found: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        docs = {
            node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for text in texts:
            if isinstance(text, str) and text not in docs:
                found.update(PLAIN_WORD.findall(text))
    for table in (path for pattern in TEXT_TABLES for path in SOURCES.glob(pattern)):
        found.update(PLAIN_WORD.findall(table.read_text(encoding="utf-8")))
    return frozenset(found)
