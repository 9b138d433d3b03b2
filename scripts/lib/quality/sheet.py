"""What was measured of an image, and why the rest was not."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from lib.quality.not_computable import NotComputableError

DIGITS = 6
"""Significant digits that are written."""


@dataclass
class Sheet:
    """Values by key, and reasons by the keys that have none."""

    measures: dict[str, float] = field(default_factory=dict)
    not_computable: dict[str, str] = field(default_factory=dict)

    def fill(self, keys: Iterable[str], compute: Callable[[], Iterable[float]]) -> None:
        """Write down the values that `compute` gives for `keys`, or why there are none."""
        keys = list(keys)
        try:
            values = [float(value) for value in compute()]
            for key, value in zip(keys, values, strict=True):
                if np.isfinite(value):
                    self.measures[key] = float(f"{value:.{DIGITS}g}")
                else:
                    self.not_computable[key] = "the result is no number"
        except NotComputableError as reason:
            self.not_computable |= dict.fromkeys(keys, str(reason))
