"""Norms given by the user: a table of the allowed range of measures.

A TSV with the columns ``key``, ``suffix``, ``low`` and ``high``; ``n/a`` means no bound.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ecdysis.bids.discovery import SUFFIXES
from ecdysis.errors import InputError
from ecdysis.files import read_tsv
from ecdysis.quality.dictionary import BY_KEY

NORM_COLUMNS = ("key", "suffix", "low", "high")
NO_BOUND = ("", "n/a")


@dataclass(frozen=True)
class Norm:
    """The allowed range of a measure for one suffix; None means no bound."""

    key: str
    suffix: str
    low: float | None
    high: float | None

    @property
    def words(self) -> str:
        """The range in words, such as ``0.3 to 0.7`` or ``at least 10``."""
        if self.low is None:
            return f"at most {self.high:g}"
        return f"at least {self.low:g}" if self.high is None else f"{self.low:g} to {self.high:g}"

    def allows(self, value: float) -> bool:
        """Return whether a value is within the bounds."""
        return not (
            (self.low is not None and value < self.low)
            or (self.high is not None and value > self.high)
        )


def read_norms(path: Path) -> list[Norm]:
    """Read a table of norms.

    Raises
    ------
    InputError
        It cannot be read, a column is missing, or a line has an unknown measure or suffix, bounds
        that are not numbers or in the wrong order, or the measure and suffix of an earlier line.
    """
    table = read_tsv(path, f"quality.norms {path}")
    table.require(NORM_COLUMNS, path, f"Give the columns {', '.join(NORM_COLUMNS)}")
    norms: list[Norm] = []
    for number, row in zip(table.lines, table.rows, strict=True):
        try:
            norm = _norm({name: row.get(name, "") for name in NORM_COLUMNS})
            if any((known.key, known.suffix) == (norm.key, norm.suffix) for known in norms):
                raise ValueError(f"{norm.key} of {norm.suffix} is in a line above too")
        except ValueError as error:
            raise InputError(f"{path} line {number}", str(error), "Correct the line") from None
        norms.append(norm)
    return norms


def _norm(row: Mapping[str, str]) -> Norm:
    """Read one line; raise a ValueError with the reason if it is not valid."""
    key, suffix = row["key"], row["suffix"]
    if key not in BY_KEY:
        near = difflib.get_close_matches(key, BY_KEY, n=1)
        hint = f"; did you mean {near[0]}" if near else "; docs/quality.md names all"
        raise ValueError(f"there is no measure {key!r}{hint}")
    if suffix not in SUFFIXES:
        raise ValueError(f"the suffix is {suffix!r}; expected one of {', '.join(SUFFIXES)}")
    low, high = (_bound(row[name], name) for name in ("low", "high"))
    if low is None and high is None:
        raise ValueError(f"{key} has no bound; give low, high or both")
    if low is not None and high is not None and low > high:
        raise ValueError(f"low is {low:g}, which is more than high, {high:g}")
    return Norm(key, suffix, low, high)


def _bound(text: str, name: str) -> float | None:
    """Read a number, or None for no bound."""
    if text in NO_BOUND:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name} is {text!r}; expected a number, or n/a for no bound")
    return value
