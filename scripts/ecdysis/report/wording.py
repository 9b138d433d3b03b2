"""How the pages put things: numbers, names of keys, verdicts, names of files."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ecdysis.report.model import Run, Subject

MATRIX_ROWS = 2
NO_REASON = "no reason was recorded"


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
    return (
        isinstance(content, Sequence)
        and not isinstance(content, str)
        and not any(isinstance(one, Mapping | list | tuple) for one in content)
    )


def is_matrix(content: Any) -> bool:
    """Whether a value is a list of equally long lists of numbers."""
    return (
        isinstance(content, Sequence)
        and not isinstance(content, str)
        and len(content) >= MATRIX_ROWS
        and all(isinstance(row, Sequence) and not isinstance(row, str) and row for row in content)
        and len({len(row) for row in content}) == 1
        and all(isinstance(cell, int | float) for row in content for cell in row)
    )


def verdict(subject: Subject, doubts: int = 0) -> str:
    """Say in a few sentences what became of a subject; `doubts` are images with findings."""
    count = len(subject.images)
    done = sum(image.state == "done" for image in subject.images)
    faults = len(subject.faults)
    through = f"{done} of {_number(count, 'image')} came through"
    if not done:
        through = "No image came through"
    found = {
        "done": "Every stage is done." if count == 1 else f"Every stage of {count} images is done.",
        "failed": f"{_number(faults, 'stage')} went wrong. {through}.",
        "interrupted": f"{_number(faults, 'stage')} left no result. {through}.",
        "running": f"{through} so far; work goes on.",
        "pending": f"{through} so far; the rest is to come.",
        "excluded": "Nothing of this subject was processed.",
    }[subject.state]
    left_out = len(subject.exclusions)
    if subject.images and left_out:
        found += (
            f" {_number(left_out, 'image')} more {'was' if left_out == 1 else 'were'} excluded."
        )
    if doubts:
        found += f" {_number(doubts, 'image')} with findings on quality."
    if subject.warnings:
        found += f" {_number(len(subject.warnings), 'warning')} to read."
    return found


def size(run: Run) -> str:
    """Say how many subjects and images a study has."""
    images = sum(len(subject.images) for subject in run.subjects)
    return f"{_number(len(run.subjects), 'subject')}, {_number(images, 'image')} to process"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
