"""What was measured of an image, and why the rest was not."""

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from ecdysis.memory import lacked_memory
from ecdysis.quality.not_computable import NotComputableError

DIGITS = 6
"""Significant digits that are written."""


@dataclass
class Sheet:
    """Values by key, reasons by the keys that have none, and what failed."""

    measures: dict[str, float] = field(default_factory=dict)
    not_computable: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def fill(self, keys: Iterable[str], compute: Callable[[], Iterable[float]]) -> None:
        """Write down the values that `compute` gives for `keys`, or why there are none.

        A measure that fails must not cost the others, or the images of the same job.
        """
        keys = list(keys)
        try:
            values = dict(zip(keys, map(float, compute()), strict=True))
        except NotComputableError as reason:
            self.not_computable |= dict.fromkeys(keys, str(reason))
        except Exception as error:
            if lacked_memory(error):
                raise
            traceback.print_exc()
            self.not_computable |= dict.fromkeys(keys, f"it failed: {type(error).__name__}")
            self.warnings.append(f"{', '.join(keys)} failed: {type(error).__name__}, see the log")
        else:
            for key, value in values.items():
                if np.isfinite(value):
                    self.measures[key] = float(f"{value:.{DIGITS}g}")
                else:
                    self.not_computable[key] = "the result is no number"
