"""How the pages put things: numbers, names of keys, verdicts, names of files."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ecdysis.report.model import Run, Subject
from ecdysis.report.status import Entry, Status, counted

MATRIX_ROWS = 2


def page_of(subject: Subject) -> str:
    """Return the file name of a subject's page; a label that is valid BIDS stays as it is."""
    return re.sub(r"[^\w.+-]", "_", subject.name) + ".html"


def quantity(content: Any, digits: int | None = None) -> str:
    """Write one value: numbers to four digits or `digits` decimals, nothing as a dash.

    Examples
    --------
    >>> quantity(1432.25), quantity(0.66666), quantity(True), quantity(None), quantity(38.0)
    ('1432', '0.6667', 'yes', '–', '38')
    """
    if content is None:
        return "–"
    if isinstance(content, bool):
        return "yes" if content else "no"
    if digits is not None:
        return f"{content:.{digits}f}"
    if isinstance(content, float):
        return f"{content:.0f}" if abs(content) >= 1000 else f"{content:.4g}"
    return str(content)


def words(key: Any) -> str:
    """Turn a key of a record into words.

    Examples
    --------
    >>> words("OriginalShape"), words("ants_version"), words("SHA256"), words("a_T1w.nii")
    ('Original shape', 'ants version', 'SHA256', 'a_T1w.nii')
    """
    if not re.fullmatch(r"\w+", str(key)):
        return str(key)
    spaced = str(key).replace("_", " ")
    return re.sub(r"(?<=[a-z])([A-Z])(?=[a-z])", lambda found: f" {found[0].lower()}", spaced)


def sentence(text: str) -> str:
    """Begin with a capital, unless the first word is no plain word but a path or a name.

    Examples
    --------
    >>> sentence("the file is empty"), sentence("derivatives/mask.nii is empty")
    ('The file is empty', 'derivatives/mask.nii is empty')
    """
    return re.sub(r"^[a-z]+(?=[\s,:;.]|$)(?!\.\S)", lambda found: found[0].capitalize(), text)


def is_plain_list(content: Any) -> bool:
    """Whether a value is a list of single values."""
    return isinstance(content, list | tuple) and not any(
        isinstance(value, Mapping | list | tuple) for value in content
    )


def is_matrix(content: Any) -> bool:
    """Whether a value is a list of equally long lists of numbers."""
    return (
        isinstance(content, list | tuple)
        and len(content) >= MATRIX_ROWS
        and all(isinstance(row, list | tuple) and row for row in content)
        and len({len(row) for row in content}) == 1
        and all(isinstance(cell, int | float) for row in content for cell in row)
    )


def verdict(subject: Subject, entries: Sequence[Entry]) -> str:
    """Summarise in a sentence or two what became of a subject."""
    images = [entry for entry in entries if entry.is_image]
    if not subject.images and not subject.stages:
        return "No image of this subject was processed."
    text = f"{_counted(images, 'image')}." if images else ""
    if subject.progress == "running":
        text += " The run has not finished."
    if subject.warnings:
        text += f" {number(len(subject.warnings), 'warning')}."
    return text.strip() or f"{_counted(entries, 'session')}."


def size(run: Run, entries: Sequence[Entry]) -> str:
    """Count the subjects and images of a study, by status."""
    images = [entry for entry in entries if entry.is_image]
    return f"{number(len(run.subjects), 'subject')}; {_counted(images, 'image')}"


def _counted(entries: Sequence[Entry], noun: str) -> str:
    """Such as ``3 images: 2 done, 1 failed``."""
    if len(entries) > 1 and {entry.status for entry in entries} == {Status.DONE}:
        return f"{number(len(entries), noun)}, all done"
    return f"{number(len(entries), noun)}: {counted(entries)}" if entries else number(0, noun)


def number(count: int, noun: str) -> str:
    """Return such as ``2 images``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
