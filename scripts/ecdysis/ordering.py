"""Group items, and sort names as people do: sub-2 before sub-10."""

import re
from collections.abc import Iterable
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")
NaturalKey = list[tuple[int, int, str]]


def natural_key(name: str) -> NaturalKey:
    """Return a sort key that compares the digits in names as numbers; letter case is ignored.

    Examples
    --------
    >>> sorted(["10", "2", "01", "A1", "a"], key=natural_key)
    ['01', '2', '10', 'a', 'A1']
    """
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts]


def grouped(pairs: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    """Group the second items of pairs by the first, both in the order of the pairs."""
    groups: dict[K, list[T]] = {}
    for key, item in pairs:
        groups.setdefault(key, []).append(item)
    return groups
