"""Which images stand out, and the norms file."""

from dataclasses import asdict

import numpy as np
import pytest
from ecdysis.errors import InputError
from ecdysis.quality.norms import Norm, read_norms
from ecdysis.quality.outliers import LEAST, flags, robust_z


def study(key, values, suffix="T1w"):
    return {f"sub-{i:02}_{suffix}": {key: value} for i, value in enumerate(values)}


def spread(n, middle=0.5, width=0.02):
    return (middle + width * np.linspace(-1, 1, n)).tolist()


def flagged(found):
    return {name: [one.key for one in mine] for name, mine in found.items() if mine}


def test_score_is_that_of_iglewicz_and_hoaglin():
    # Median 3, MAD 1.
    assert robust_z([1, 2, 3, 4, 100]) == pytest.approx(
        [0.6745 * (x - 3) for x in (1, 2, 3, 4, 100)]
    )


def test_one_bad_image_is_flagged_with_n_and_rule():
    values = study("cjv", [*spread(12), 0.9])
    found = flags(values)
    assert flagged(found) == {"sub-12_T1w": ["cjv"]}
    flag = found["sub-12_T1w"][0]
    assert (flag.n, flag.value) == (13, 0.9)
    assert flag.z > 3.5
    assert flag.sentence() == (
        f"CJV is 0.900, unusually high among 13 T1w images (robust z {flag.z:.1f})"
    )


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("cjv", 0.1, False),
        ("cjv", 0.9, True),
        ("snr_total", 0.1, True),
        ("snr_total", 0.9, False),
        ("wm2max", 0.1, True),
        ("wm2max", 0.9, True),
    ],
)
def test_only_the_bad_direction_counts(key, value, expected):
    assert bool(flagged(flags(study(key, [*spread(12), value])))) == expected


def test_nothing_is_flagged_below_ten_values():
    bad = [*spread(LEAST - 2), 0.9]
    assert not flagged(flags(study("cjv", bad)))
    assert not flagged(flags(study("cjv", [*bad, None, None])))
    assert flagged(flags(study("cjv", [*bad, 0.5])))


def test_suffixes_are_compared_apart():
    values = study("cjv", spread(12)) | study("cjv", spread(12, 0.9), suffix="T2w")
    assert not flagged(flags(values))


def test_when_most_values_are_equal_others_are_reported_except_rounding():
    assert flagged(flags(study("mask_edge", [0.0] * 11 + [4.2]))) == {"sub-11_T1w": ["mask_edge"]}
    assert not flagged(flags(study("mask_edge", [0.0] * 11 + [0.002])))
    assert not flagged(flags(study("mask_edge", [1.5] * 12)))


def test_normal_values_are_hardly_ever_flagged():
    draw = np.random.default_rng(0)
    counts = [
        len(flagged(flags(study("wm2max", draw.normal(0.7, 0.05, 30).tolist()))))
        for _ in range(200)
    ]
    assert np.mean(counts) / 30 < 0.005


def norms_file(tmp_path, *lines, header="key\tsuffix\tlow\thigh"):
    path = tmp_path / "norms.tsv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_norms_flag_at_any_n_and_say_so(tmp_path):
    norms = read_norms(norms_file(tmp_path, "cjv\tT1w\tn/a\t0.7", "snr_total\tT1w\t8\t"))
    assert [Norm(**asdict(one)) for one in norms] == norms
    values = {"sub-1_T1w": {"cjv": 0.8, "snr_total": 9}, "sub-1_T2w": {"cjv": 0.8}}
    found = flags(values, norms)
    assert flagged(found) == {"sub-1_T1w": ["cjv"]}
    flag = found["sub-1_T1w"][0]
    assert flag.z is None
    assert flag.n == 1
    assert flag.sentence() == (
        "CJV is 0.800, outside the norm for T1w of your norms file, at most 0.7"
    )


def test_bounds_are_within():
    assert Norm("cjv", "T1w", 0.3, 0.7).allows(0.3)
    assert not Norm("cjv", "T1w", 0.3, None).allows(0.2)
    assert Norm("cjv", "T1w", 0.3, 0.7).words == "0.3 to 0.7"
    assert Norm("cjv", "T1w", 0.3, None).words == "at least 0.3"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("cvj\tT1w\t0\t1", ["line 3", "'cvj'", "did you mean cjv"]),
        ("cjv\tbold\t0\t1", ["'bold'", "T1w, T2w"]),
        ("cjv\tT1w\tlow\t1", ["low is 'low'", "number"]),
        ("cjv\tT1w\tnan\t1", ["low is 'nan'"]),
        ("cjv\tT1w\t1\t0", ["more than high"]),
        ("cjv\tT1w\tn/a\t", ["no bound"]),
        ("efc\tT1w\t0\t1", ["line above"]),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, says):
    with pytest.raises(InputError) as error:
        read_norms(norms_file(tmp_path, "efc\tT1w\t0\t1", line))
    for words in says:
        assert words in str(error.value)


def test_a_file_that_is_no_table_of_norms_is_refused(tmp_path):
    with pytest.raises(InputError, match="columns low and high are missing"):
        read_norms(norms_file(tmp_path, header="key\tsuffix\tmin\tmax"))
    with pytest.raises(InputError, match="does not exist"):
        read_norms(tmp_path / "nowhere.tsv")
    (tmp_path / "norms.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_norms(tmp_path / "norms.tsv")
