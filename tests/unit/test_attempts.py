"""Strategies of alignment are tried until a mask passes its check."""

import numpy as np
import pytest
from ecdysis.skullstrip.attempts import Attempt, NoAlignmentError, best_attempt

NO_MASK = np.zeros((1, 1, 1), bool)


@pytest.mark.parametrize(
    ("outcomes", "best", "tried"),
    [
        ({"first": ("ok", 0.8), "second": ("ok", 0.9)}, "first", 1),
        ({"first": ("look", 0.8), "second": ("ok", 0.9)}, "first", 1),
        ({"first": ("look", 0.19), "second": ("ok", 0.9)}, "second", 2),
        ({"first": ("fail", 0.9), "second": ("look", 0.2)}, "second", 2),
        ({"first": ("fail", 0.9), "second": ("fail", 0.2)}, "first", 2),
    ],
)
def test_the_best_attempt_is_returned_with_the_reasons_against_the_others(outcomes, best, tried):
    made = []

    def attempt(strategy):
        verdict, similarity = outcomes[strategy]
        made.append(strategy)
        check = {"verdict": verdict, "reasons": [f"reason of {strategy}"]}
        return Attempt(strategy, NO_MASK, None, {"similarity": similarity}, check)

    result, alignment = best_attempt(tuple(outcomes), attempt)
    assert result.strategy == alignment["strategy"] == best
    assert len(made) == tried
    others = {name: [f"reason of {name}"] for name in made if name != best}
    assert alignment.get("given_up", {}) == others


def test_a_registration_that_ends_without_a_transform_is_an_attempt_that_failed():
    def attempt(strategy):
        if strategy != "last":
            raise NoAlignmentError(f"nothing by {strategy}")
        return Attempt(
            strategy, NO_MASK, None, {"similarity": 0.5}, {"verdict": "ok", "reasons": []}
        )

    result, alignment = best_attempt(("first", "last"), attempt)
    assert result.strategy == "last"
    assert alignment["given_up"] == {"first": ["nothing by first"]}
    with pytest.raises(NoAlignmentError, match="nothing by first; nothing by second"):
        best_attempt(("first", "second"), attempt)
