"""Folders, suffixes and entities of MR images, from the machine-readable schema of BIDS.

A *kind* is a suffix, for example ``bold``. If a suffix belongs to several folders, a kind in
another than the usual folder has the folder in front, for example ``dwi/sbref``.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from ecdysis.errors import InputError

FOLDERS = ("anat", "func", "dwi", "perf", "fmap")
"""The folders of MR images. The usual folder of a suffix is the first that has it."""

OWN = {"subject", "session"}
"""Entities that all images of a session share."""


@cache
def _schema() -> tuple[tuple[str, ...], dict[tuple[str, str], dict[str, bool]]]:
    """Return the order of the entities, and the entities of each folder and suffix.

    Entities have their short names (``acq``). The value is True if an entity is required.
    """
    from bidsschematools.schema import load_schema

    schema = load_schema()
    short = {word: entity["name"] for word, entity in schema.objects.entities.items()}
    known: dict[tuple[str, str], dict[str, bool]] = {}
    for folder in FOLDERS:
        for rule in schema.rules.files.raw[folder].values():
            if ".nii.gz" not in rule["extensions"]:
                continue
            entities = {
                short[word]: level == "required"
                for word, level in rule["entities"].items()
                if word not in OWN and isinstance(level, str)
            }
            for suffix in rule["suffixes"]:
                known.setdefault((folder, suffix), entities)
    return tuple(short[word] for word in schema.rules.entities if word not in OWN), known


def rules() -> dict[str, Any]:
    """Return the rules that `parse` checks, for a page that checks names while the user types.

    These are ``folders`` in the order of the search for a suffix, the ``order`` of the entities,
    and ``known``: folder/suffix -> entity -> whether it is required.
    """
    order, known = _schema()
    return {
        "folders": list(FOLDERS),
        "order": list(order),
        "known": {f"{folder}/{suffix}": entities for (folder, suffix), entities in known.items()},
    }


def folder_of(kind: str) -> str:
    """Return the folder of a kind.

    Examples
    --------
    >>> folder_of("bold"), folder_of("sbref"), folder_of("dwi/sbref")
    ('func', 'func', 'dwi')
    """
    folder, _, suffix = kind.rpartition("/")
    return folder or next(place for place in FOLDERS if (place, suffix) in _schema()[1])


def suffix_of(kind: str) -> str:
    """Return the suffix of a kind."""
    return kind.rpartition("/")[2]


def allows(kind: str, entity: str) -> bool:
    """Return whether images of a kind may have an entity, for example ``echo``."""
    return entity in _schema()[1][folder_of(kind), suffix_of(kind)]


def join(labels: Mapping[str, str]) -> str:
    """Join entities in the order of BIDS, leaving out empty ones.

    Examples
    --------
    >>> join({"run": "2", "task": "rest", "acq": ""})
    'task-rest_run-2'
    """
    return "_".join(f"{key}-{labels[key]}" for key in _schema()[0] if labels.get(key))


def with_entities(entities: str, **more: str) -> str:
    """Return the entities with `more` added or replaced, in the order of BIDS.

    Examples
    --------
    >>> with_entities("task-rest_part-mag", echo="1")
    'task-rest_echo-1_part-mag'
    """
    return join(labels_of(entities) | more)


def labels_of(entities: str) -> dict[str, str]:
    """Split entities, for example ``task-rest_run-2``, into a dict of labels."""
    pairs = (part.split("-", 1) for part in entities.split("_") if part)
    return {pair[0]: pair[1] for pair in pairs}


def parse(name: str, where: str) -> tuple[str, str]:
    """Split a name from the user, for example ``task-rest_run-2_bold``, into entities and kind.

    Raises
    ------
    InputError
        It is not a BIDS name of an MR image. `where` is the place of the name in its file.
    """
    order, known = _schema()
    folder, _, rest = name.rpartition("/")
    *parts, suffix = rest.split("_")
    places = [place for place in FOLDERS if (place, suffix) in known and folder in ("", place)]
    if not places:
        raise _error(where, f"BIDS has no MR image {_with_similar(name, suffix, known)}")
    allowed = known[places[0], suffix]
    pairs = [re.fullmatch(r"([a-z]+)-([0-9A-Za-z]+)", part) for part in parts]
    keys = [pair[1] for pair in pairs if pair]
    numbered = all(pair[2].isdecimal() for pair in pairs if pair and pair[1] in ("run", "echo"))
    if not all(pairs) or keys != [key for key in order if key in keys and key in allowed]:
        words = ", ".join(key for key in order if key in allowed)
        raise _error(
            where,
            f"the name must be entities of {words} in this order, with labels of letters and "
            "digits, then the suffix",
        )
    if not numbered:
        raise _error(where, "the label of run and echo must be a number")
    # A series with several echoes gets the entity echo when it is converted.
    required = [key for key, needed in allowed.items() if needed and key != "echo"]
    if absent := [key for key in required if key not in keys]:
        raise _error(where, f"an image {suffix} needs {' and '.join(absent)}-<label>")
    kind = suffix if places[0] == folder_of(suffix) else f"{places[0]}/{suffix}"
    return "_".join(parts), kind


def _with_similar(name: str, suffix: str, known: Iterable[tuple[str, str]]) -> str:
    """Return the suffix, if it is safe to show, and the most similar suffix of BIDS."""
    import difflib

    similar = difflib.get_close_matches(suffix, {valid for _, valid in known}, n=1)
    safe = name == suffix or re.fullmatch("[0-9A-Za-z]+", suffix)
    shown = suffix if safe else "of this name"
    return f"{shown}; the nearest is {similar[0]}" if similar else shown


def _error(where: str, problem: str) -> InputError:
    return InputError(
        where,
        problem,
        "Correct it (examples: acq-x_run-1_T1w, task-rest_bold), or write n/a to leave it out",
    )
