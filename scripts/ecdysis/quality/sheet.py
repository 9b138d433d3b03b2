"""The measures of one image, and the reason for each one that has no value."""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ecdysis.memory import lacked_memory

DIGITS = 6
"""Significant digits in the output."""


class NotComputableError(Exception):
    """A measure has no value for this image; the message is the reason, for the report.

    With `look`, the reason is a fault of the image, which a person should look at.
    """

    def __init__(self, reason: str, *, look: bool = False) -> None:
        super().__init__(reason)
        self.look = look


@dataclass
class Sheet:
    """Values by key, the reason for each key without a value, and warnings about failures."""

    measures: dict[str, float] = field(default_factory=dict)
    not_computable: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def fill(self, keys: Iterable[str], compute: Callable[[], Iterable[float]]) -> None:
        """Record the values that `compute` returns for `keys`, or why there are none.

        A failing measure does not stop the others.
        """
        keys = list(keys)
        self.fill_all(keys, lambda: dict(zip(keys, compute(), strict=True)))

    def fill_all(self, keys: Sequence[str], compute: Callable[[], Mapping[str, float]]) -> None:
        """Record the values that `compute` returns by key, or under `keys` why there are none."""
        try:
            values = {key: float(value) for key, value in compute().items()}
        except NotComputableError as reason:
            self.not_computable |= dict.fromkeys(keys, str(reason))
            if reason.look:
                self.warnings.append(str(reason))
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
                    self.not_computable[key] = "the result is not a finite number"
