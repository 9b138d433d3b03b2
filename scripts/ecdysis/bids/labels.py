"""Find the labels of participants and sessions that a person asked for."""

import difflib
from collections.abc import Sequence

from ecdysis.errors import InputError

SUGGESTIONS = 3
"""Number of labels that an error suggests."""


def match(asked: Sequence[str], known: Sequence[str], key: str) -> list[str]:
    """Return the labels that were asked for; ``sub-01`` and ``01`` both name 01.

    Raises
    ------
    InputError
        The dataset does not have such a label; the error names the closest ones.

    Examples
    --------
    >>> match(["sub-01", "2"], ["01", "02", "2"], "participant_label")
    ['01', '2']
    """
    prefix = "ses-" if key == "session_label" else "sub-"
    labels = [label.removeprefix(prefix) for label in asked]
    for label in labels:
        if label not in known:
            raise InputError(
                f"config {key}",
                f"the dataset has no {prefix}{label}",
                f"Available: {_closest(label, known)}",
            )
    return labels


def _closest(label: str, known: Sequence[str]) -> str:
    """Name the labels that a mistyped one may stand for, then the first others."""
    same = [name for name in known if name.lstrip("0") == label.lstrip("0")]
    near = difflib.get_close_matches(label, known, n=SUGGESTIONS, cutoff=0.5)
    named = list(dict.fromkeys([*same, *near, *known]))[:SUGGESTIONS]
    more = len(known) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "") if named else "none"
