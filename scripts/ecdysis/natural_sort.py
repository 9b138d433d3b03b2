"""Sort names as people do: sub-2 before sub-10."""

import re

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
