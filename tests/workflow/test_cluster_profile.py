"""The profile for Slurm as Snakemake reads it, where there is no Slurm."""

import pytest
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings


def test_the_steps_of_an_image_are_one_group(snakemake, tmp_path):
    pytest.importorskip("snakemake_executor_plugin_slurm")
    coarse = HeadSettings(spacing_mm=(8.0, 8.0, 8.0))
    write_bids(tmp_path / "study", 1, 2, settings=coarse, suffixes=("T1w", "T2w"))
    dry = snakemake(
        tmp_path / "study",
        *("--workflow-profile", "slurm", "--dry-run", "--printshellcmds"),
        *("--config", "suffixes=[T1w,T2w]", "deface=true"),
    )
    assert dry.returncode == 0, dry.stdout
    groups = {line.split()[-5] for line in dry.stdout.splitlines() if "Group job" in line}
    images = {f"sub-01_ses-{visit}_{kind}" for visit in (1, 2) for kind in ("T1w", "T2w")}
    assert groups == images
