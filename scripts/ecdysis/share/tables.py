"""Lists of the fields and columns that are published; all others are left out."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ecdysis.files import table_rows


def _listed(kind: str) -> dict[str, str]:
    """Return the names and forms of a list in ``public_fields.tsv``."""
    rows = table_rows(Path(__file__).with_name("public_fields.tsv"))
    return {name: form for of, name, form in rows if of == kind}


IDENTIFYING, OF_DATASET = _listed("identifying"), _listed("dataset")
COLUMNS, OF_EVENTS = _listed("participants"), _listed("events")
"""Names -> forms of their values, see ``public_fields.tsv``."""
DOUBTFUL = re.compile(
    r"(?<![\d.])(19|20)\d\d-?[01]\d-?[0-3]\d(?!\d)|@|/(home|users|mnt|data)/|[A-Z]:\\",
    re.IGNORECASE,
)
"""Dates, e-mail addresses and paths; a field with such a value is not published."""
NUMBER = r"-?\d+(\.\d+)?"
OLDEST = 89
"""BIDS caps ages at 89 years, as the Safe Harbor rule of HIPAA does (45 CFR 164.514(b)(2))."""
Rows = Sequence[Mapping[str, str]]


@cache
def _fields() -> frozenset[str]:
    """Return the names of all fields of sidecars that BIDS defines."""
    from bidsschematools.schema import load_schema

    return frozenset(field["name"] for field in load_schema().objects.metadata.values())


def public_sidecar(
    content: Mapping[str, Any], shared: Collection[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of a sidecar that are published, and the names of the others.

    `shared` are the paths of the images that are shared; ``IntendedFor`` names only these.
    """
    kept = {
        key: value
        for key, value in content.items()
        if key in _fields() - IDENTIFYING.keys() and not DOUBTFUL.search(json.dumps(value))
    }
    if "IntendedFor" in kept:
        targets = kept["IntendedFor"]
        targets = [targets] if isinstance(targets, str) else list(targets)
        kept["IntendedFor"] = [
            uri for uri in targets if any(name.endswith(uri.rpartition(":")[2]) for name in shared)
        ]
        if not kept["IntendedFor"]:
            del kept["IntendedFor"]
    return kept, sorted(set(content) - set(kept))


def public_description(content: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of ``dataset_description.json`` that are published, and the others."""
    kept = {key: content[key] for key in OF_DATASET if key in content}
    return kept, sorted(set(content) - set(kept))


def public_columns(
    columns: Sequence[str], rows: Rows, allowed: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Return the columns of a table that are published, and the others."""
    kept = [
        name
        for name in columns
        if name in allowed
        and all(re.fullmatch(allowed[name], row[name]) for row in rows if name in row)
    ]
    return kept, [name for name in columns if name not in kept]


def capped(rows: Rows) -> list[dict[str, str]]:
    """Return the rows with ages of at most `OLDEST` years.

    Examples
    --------
    >>> capped([{"age": "93"}, {"age": "40.5"}, {}])
    [{'age': '89'}, {'age': '40.5'}, {}]
    """
    return [
        {**row, "age": str(OLDEST)}
        if re.fullmatch(NUMBER, row.get("age", "")) and float(row["age"]) > OLDEST
        else dict(row)
        for row in rows
    ]
