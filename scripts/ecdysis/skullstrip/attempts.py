"""Try one way of alignment after another until head and template are aligned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ecdysis.image.arrays import Mask
from ecdysis.skullstrip.mask_check import is_aligned

R = TypeVar("R")
VERDICTS = ("fail", "look", "ok")
"""From worst to best."""


class NoAlignmentError(RuntimeError):
    """Registration to the template ended without a transform."""


@dataclass(frozen=True)
class Attempt(Generic[R]):
    """A brain mask with the registration that gave it, its measures and its check."""

    strategy: str
    mask: Mask
    registered: R
    measures: dict[str, float]
    check: dict[str, Any]

    @property
    def grade(self) -> tuple[int, float]:
        """The verdict, then the similarity of head and template; the greater, the better."""
        return VERDICTS.index(self.check["verdict"]), self.measures["similarity"]


def best_attempt(
    strategies: Sequence[str], attempt: Callable[[str], Attempt[R]]
) -> tuple[Attempt[R], dict[str, Any]]:
    """Try strategies until one aligns; return the best attempt, and how it was found.

    A mask that is doubtful for another reason, such as its volume, needs no other alignment. The
    second value is for the report: the strategy, and the reasons why others were given up.

    Raises
    ------
    NoAlignmentError
        No strategy ended with a transform.
    """
    attempts: list[Attempt[R]] = []
    given_up = {}
    for strategy in strategies:
        try:
            attempts.append(attempt(strategy))
        except NoAlignmentError as error:
            given_up[strategy] = [str(error)]
            continue
        if attempts[-1].check["verdict"] != "fail" and is_aligned(attempts[-1].measures):
            break
    if not attempts:
        raise NoAlignmentError("; ".join(reason for [reason] in given_up.values()))
    best = max(attempts, key=lambda made: made.grade)
    given_up |= {made.strategy: made.check["reasons"] for made in attempts if made is not best}
    return best, {"strategy": best.strategy, **({"given_up": given_up} if given_up else {})}
