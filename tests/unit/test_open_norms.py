"""Percentiles of open studies."""

import pytest
from ecdysis.quality.dictionary import BY_KEY
from ecdysis.quality.open_norms import PERCENTILES, OpenNorm, norm_of, open_norms


def test_a_percentile_is_interpolated_and_bounded() -> None:
    norm = OpenNorm(100, tuple(float(percentile) for percentile in PERCENTILES))
    assert norm.percentile(37.5) == pytest.approx(37.5)
    assert norm.words(37.4) == "percentile 37 of 100 images (ABIDE and ds000030, 3 T)"
    assert norm.words(0.5).startswith("below percentile 1 ")
    assert norm.words(99.5).startswith("above percentile 99 ")
    assert norm.middle == (5, 25, 50, 75, 95)


def test_the_table_names_measures_and_rises() -> None:
    for key, norm in open_norms().items():
        assert key in BY_KEY
        assert norm.n == 1366
        assert list(norm.points) == sorted(set(norm.points))


def test_only_a_t1w_has_norms() -> None:
    assert norm_of("cjv", "T1w") is not None
    assert norm_of("cjv", "T2w") is None
    assert norm_of("qi_2", "T1w") is None
