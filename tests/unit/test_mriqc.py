"""The metrics of MRIQC by its definitions, where the answer is known."""

from collections.abc import Callable

import numpy as np
import pytest
from ecdysis.quality import mriqc
from ecdysis.quality.mriqc import Scan, Summary
from ecdysis.quality.sheet import NotComputableError
from ecdysis.report.quality_table import write_table
from ecdysis.report.records import load_run
from hypothesis import given
from hypothesis import strategies as st
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, ornt_transform
from scipy import stats

from tests.unit.made_output import MadeOutput


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1, max_size=30),
    st.integers(1, 99),
)
def test_quantiles_with_whole_weights_are_those_of_repeated_values(
    pairs: list[tuple[int, int]], percent: int
) -> None:
    levels = np.array(sorted({value for value, _ in pairs}))
    weights = np.array([sum(n for v, n in pairs if v == level) for level in levels], dtype=float)
    repeated = np.repeat(levels, weights.astype(int))
    # Hazen's step function: the mean of two values where the part falls between them.
    expected = np.quantile(repeated, percent / 100, method="averaged_inverted_cdf")
    found = mriqc.weighted_quantiles(levels, weights, [percent / 100])
    assert found == [pytest.approx(expected)]


def test_a_summary_by_hand() -> None:
    values = np.array([10, 20, 30, 40, 500], dtype=np.float32)
    weights = np.array([1, 1, 1, 1, 0.2], dtype=np.float32)
    summary = mriqc.summary_of(values, weights)
    assert summary.mean == pytest.approx((100 + 100) / 4.2, rel=1e-6)
    assert summary.median == 30
    assert summary.n == pytest.approx(4.2)
    # The upper half of the probability leaves 500 out: deviations from 30 are 20, 10, 0, 10.
    assert summary.mad == pytest.approx(10 / stats.norm.ppf(0.75))


def test_mad_and_deviation_of_the_air() -> None:
    noisy = Summary(0, 0, 0, 0, 0, stdv=4.0, mad=2.0, n=10)
    assert mriqc.snr_dietrich(100, noisy) == pytest.approx(0.6551364 * 50)
    still = Summary(0, 0, 0, 0, 0, stdv=4.0, mad=0.5, n=10)
    assert mriqc.snr_dietrich(100, still) == pytest.approx(0.6551364 * 25)


def test_residual_partial_volume_counts_voxels_without_the_tissue() -> None:
    probability = np.full(100, 0.75, np.float32)
    assert mriqc.rpve(probability, 100) == pytest.approx(0.75)
    assert mriqc.rpve(probability, 150) == pytest.approx((75 + 50) / 100)
    assert mriqc.rpve(np.full(100, 0.25, np.float32), 100) == pytest.approx(0.75)


def test_energy_ratio_is_of_medians() -> None:
    values = np.array([10, 10, 90, 1, 2, 300], dtype=np.float32)
    head = np.array([1, 1, 1, 0, 0, 0], dtype=bool)
    assert mriqc.fber(values, head, np.zeros(6, bool)) == pytest.approx(100 / 4)
    with pytest.raises(NotComputableError, match="median of the air is 0"):
        mriqc.fber(values * ~head * 0, head, np.zeros(6, bool))


@pytest.mark.parametrize("codes", ["RAS", "LPS", "PIR", "ASL"])
def test_the_hat_is_the_same_in_every_orientation(codes: str) -> None:
    shape = (10, 30, 26)
    affine = np.diag([10.0, 10.0, 10.0, 1.0])
    affine[:3, 3] = -50, -170, -130
    head = np.zeros(shape, bool)
    head[3:7, 8:24, 4:22] = True
    hat = mriqc.hat_mask(head, affine, np.eye(4))
    # Glabella and inion are 14 mm below 0: voxel 11 of 10 mm above -130 mm.
    assert not hat[:, :, :11].any()
    assert hat[:, :, 11:].sum() == (~head[:, :, 11:]).sum()
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes))
    turned = mriqc.hat_mask(
        apply_orientation(head, turn), affine @ inv_ornt_aff(turn, shape), np.eye(4)
    )
    np.testing.assert_array_equal(turned, apply_orientation(hat, turn))


def test_an_artefact_is_ten_spreads_away_and_more_than_a_voxel() -> None:
    draw = np.random.default_rng(3)
    values = np.abs(draw.normal(0, 10, (20, 20, 20))).astype(np.float32)
    hat = np.ones(values.shape, bool)
    near = np.zeros(values.shape, bool)
    assert not mriqc.artefact_mask(values, hat, near).any()
    values[5:10, 5:10, 5:10] = 500
    values[15, 15, 15] = 500
    found = mriqc.artefact_mask(values, hat, near)
    assert found[7, 7, 7]
    assert not found[15, 15, 15]
    near[:, :, :12] = True
    assert not mriqc.artefact_mask(values, hat, near).any()


def test_the_fit_is_good_for_noise_of_many_channels_and_bad_for_two_kinds_of_it() -> None:
    draw = np.random.default_rng(5)
    good = draw.chisquare(32, 50_000).astype(np.float32)
    bad = np.concatenate([good, good + 100])
    assert mriqc.qi_2(good) < 0.001
    assert mriqc.qi_2(bad) > 3 * mriqc.qi_2(good)


def test_all_metrics_have_mriqcs_names(made_scan: Callable[[], Scan]) -> None:
    others = {"fwhm_x": 4.0, "fwhm_y": 4.0, "fwhm_z": 6.0, "inu_med": 0.5, "inu_range": 0.4}
    found = mriqc.metrics(made_scan(), (2.0, 2.0, 3.0), others)
    assert len(found) == 62
    more = {f"{kind}_{name}": 0.3 for kind in ("icvs", "tpm_overlap") for name in mriqc.TISSUES}
    assert len(mriqc.metrics(made_scan(), (2.0, 2.0, 3.0), others | more)) == 68
    assert found["fwhm_avg"] == 2.0
    assert found["inu_range"] == pytest.approx(0.2)
    assert found["snr_wm"] == pytest.approx(
        found["summary_wm_median"] / found["summary_wm_stdv"], 0.01
    )
    assert found["cjv"] == pytest.approx(
        (found["summary_wm_mad"] + found["summary_gm_mad"]) / (1000 - 700), rel=0.05
    )


@pytest.fixture
def made_scan() -> Callable[[], Scan]:
    def make() -> Scan:
        draw = np.random.default_rng(1)
        shape = (40, 40, 40)
        values = np.abs(draw.normal(0, 15, shape)).astype(np.float32)
        box = (slice(10, 30),) * 3
        brain = np.zeros(shape, np.uint8)
        for label, part in ((1, slice(10, 16)), (2, slice(16, 23)), (3, slice(23, 30))):
            brain[part, 10:30, 10:30] = label
            level = {1: 400, 2: 700, 3: 1000}[label]
            inside = brain == label
            values[inside] = draw.normal(level, 40, int(inside.sum()))
        head = brain > 0
        tissues = {
            name: (brain[box] == label).astype(np.float32)
            for label, name in enumerate(mriqc.TISSUES, 1)
        }
        nothing = np.zeros(shape, bool)
        scaled = mriqc.scaled(values / 3, tissues["wm"], box)
        assert np.median(scaled[brain == 3]) == pytest.approx(1000, rel=0.01)
        return Scan(scaled, tissues, box, head, nothing, ~head, nothing)

    return make


def test_the_group_table_is_written_as_mriqc_does(made: MadeOutput) -> None:
    for label, metrics in (
        ("01", {"cjv": 0.5, "snr_wm": 12.25}),
        ("02", {"cjv": 0.25}),
        ("03", {}),
    ):
        name = made.image(label)
        made.finish(name)
        made.record(name, "measure", details={"measures": {}, "mriqc": metrics})
    write_table(load_run(made.root))
    assert (made.root / "group_T1w.tsv").read_text() == (
        "bids_name\tcjv\tsnr_wm\nsub-01_T1w\t0.5\t12.25\nsub-02_T1w\t0.25\tn/a\n"
    )
