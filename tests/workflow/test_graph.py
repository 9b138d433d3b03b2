"""The jobs that a study is made of, asked of Snakemake without running any."""

from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

from tests.workflow.conftest import jobs_of

COARSE = HeadSettings(spacing_mm=(8.0, 8.0, 8.0))


def test_a_session_is_three_jobs(snakemake, tmp_path):
    write_bids(tmp_path / "study", 2, settings=COARSE)
    jobs = jobs_of(snakemake(tmp_path / "study", "--dry-run", "--quiet", "rules"))
    assert {rule: count for rule, count in jobs.items() if count > 1} == {
        "skullstrip_ants": 2,
        "derivatives": 2,
        "figures": 2,
        "total": 6 + 4,
    }


def test_a_contrast_has_the_brain_of_the_t1w_beside_it_or_its_own(snakemake, tmp_path):
    study = tmp_path / "study"
    write_bids(study, 3, settings=COARSE, suffixes=("T1w", "T2w"))
    for file in (study / "sub-02/anat").glob("*T1w*"):
        file.unlink()
    options = ("--dry-run", "--quiet", "rules", "--config", "suffixes=[T1w,T2w]")
    jobs = jobs_of(snakemake(study, *options))
    wanted = {
        "skullstrip_ants": 3,
        "transfer": 2,
        "derivatives": 2,
        "derivatives_beside_T1w": 2,
        "derivatives_of_others": 1,
        "figures": 3,
    }
    assert wanted.items() <= jobs.items()
    none = jobs_of(snakemake(study, *options, "skullstrip={method: none}"))
    assert not {"skullstrip_ants", "transfer"} & set(none)
    assert [count for rule, count in none.items() if "derivatives" in rule] == [2, 2, 1]
