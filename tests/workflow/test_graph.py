"""The jobs that a study is made of, asked of Snakemake without running any."""

import gzip
import shutil

from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

from tests.workflow.conftest import jobs_of

COARSE = HeadSettings(spacing_mm=(8.0, 8.0, 8.0))


def test_a_session_is_at_most_seven_jobs(snakemake, tmp_path):
    write_bids(tmp_path / "study", 2, settings=COARSE)
    dry = ("--dry-run", "--quiet", "rules", "--config")
    jobs = jobs_of(snakemake(tmp_path / "study", *dry, "deface=true"))
    steps = ("reorient", "skullstrip_ants", "crop", "deface", "segment", "measure", "figures")
    assert {rule: count for rule, count in jobs.items() if count > 1} == {
        **dict.fromkeys(steps, 2),
        "total": 2 * len(steps) + 4,
    }


def test_results_for_other_programs_are_one_job_each(snakemake, tmp_path):
    write_bids(tmp_path / "study", 2, settings=COARSE, suffixes=("T1w", "T2w"))
    first = tmp_path / "study/sub-01/anat/sub-01_T1w.nii.gz"
    shutil.copy(first, first.with_name("sub-01_run-2_T1w.nii.gz"))
    dry = ("--dry-run", "--quiet", "rules", "--config", "suffixes=[T1w,T2w]")
    jobs = jobs_of(snakemake(tmp_path / "study", *dry, "outputs=[fmriprep,template]"))
    assert {"full_grid": 2, "full_grid_description": 1, "template_space": 3}.items() <= jobs.items()
    none = jobs_of(snakemake(tmp_path / "study", *dry))
    assert not {"full_grid", "full_grid_description", "template_space"} & set(none)


def test_a_contrast_has_the_brain_of_the_t1w_beside_it_or_its_own(snakemake, tmp_path):
    study = tmp_path / "study"
    write_bids(study, 3, settings=COARSE, suffixes=("T1w", "T2w"))
    for file in (study / "sub-02/anat").glob("*T1w*"):
        file.unlink()
    options = ("--dry-run", "--quiet", "rules", "--config", "suffixes=[T1w,T2w]")
    jobs = jobs_of(snakemake(study, *options))
    expected = {
        "reorient": 5,
        "skullstrip_ants": 3,
        "skullstrip_transfer": 2,
        "crop": 2,
        "crop_others": 3,
        "segment": 2,
        "segment_others": 1,
        "measure": 5,
        "figures": 5,
    }
    assert expected.items() <= jobs.items()
    none = jobs_of(snakemake(study, *options, "skullstrip={method: none}"))
    assert not [rule for rule in none if rule.startswith(("skullstrip", "segment"))]
    assert (none["crop"], none["crop_others"]) == (2, 3)


def test_a_removed_temporary_file_made_again_for_one_step_reruns_no_other(snakemake, tmp_path):
    """Snakemake itself reruns every reader of a temporary file that is made again."""
    study = tmp_path / "study"
    write_bids(study, 1, settings=COARSE)
    given = ("--config", "skullstrip={method: none, masks: derivatives/truth}")
    first = snakemake(study, *given)
    assert first.returncode == 0, first.stdout
    made = study / "derivatives/ecdysis/.ecdysis/sub-01/anat"
    assert not list(made.glob("*reoriented_*"))
    dry = ("--dry-run", "--quiet", "rules")
    assert "Nothing to be done" in snakemake(study, *dry[:1], *given).stdout

    other = set(jobs_of(snakemake(study, *dry, *given, "crop={margin: 15}")))
    assert {"reorient", "crop"} <= other
    assert not {"skullstrip", "measure"} & other
    turned = set(jobs_of(snakemake(study, *dry, *given, "reorient={orientation: LPS}")))
    assert {"reorient", "skullstrip", "crop", "measure"} <= turned
    raw = study / "sub-01/anat/sub-01_T1w.nii.gz"
    # Snakemake compares the contents of small files.
    raw.write_bytes(gzip.compress(gzip.decompress(raw.read_bytes()), compresslevel=1))
    changed = set(jobs_of(snakemake(study, *dry, *given)))
    assert {"reorient", "skullstrip", "crop", "measure"} <= changed
