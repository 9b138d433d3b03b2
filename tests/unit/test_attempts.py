"""Another alignment is tried when head and template are not aligned."""

import numpy as np
from ecdysis.skullstrip import mask_check
from ecdysis.skullstrip.attempts import Attempt, best_attempt


def tried(measures_of):
    """Try two strategies with these measures; return the best, how it was found, and the calls."""
    calls = []

    def attempt(strategy):
        calls.append(strategy)
        measures = measures_of[strategy]
        check = mask_check.judge(measures)
        return Attempt(strategy, np.ones((1, 1, 1), bool), None, measures, check)

    best, alignment = best_attempt(list(measures_of), attempt)
    return best.strategy, alignment, calls


def test_a_head_with_front_and_back_exchanged_is_tried_again():
    exchanged = {"header": {"similarity": 0.19}, "search": {"similarity": 0.6, "rotation_deg": 179}}
    best, alignment, _ = tried(exchanged)
    assert best == "search"
    assert "correlation ratio" in alignment["given_up"]["header"][0]


def test_the_first_is_kept_when_the_other_is_worse():
    assert tried({"header": {"similarity": 0.3}, "search": {"similarity": 0.2}})[0] == "header"


def test_a_small_brain_needs_no_other_alignment():
    small = {"header": {"similarity": 0.6, "volume_ml": 900}, "search": {"similarity": 0.6}}
    assert tried(small)[2] == ["header"]
