"""The workflow used as a module of another one."""

import subprocess
import sys

from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

from tests.workflow.conftest import ROOT, jobs_of

INCLUDING = """
module ecdysis:
    snakefile: "{snakefile}"
    config: config


use rule * from ecdysis as ecdysis_*


rule mine:
    default_target: True
    input:
        rules.ecdysis_all.input,
"""


def test_another_workflow_can_use_all_rules(tmp_path):
    write_bids(tmp_path / "study", 1, settings=HeadSettings(spacing_mm=(8.0, 8.0, 8.0)))
    including = tmp_path / "Snakefile"
    including.write_text(INCLUDING.format(snakefile=ROOT / "Snakefile"))
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--quiet", "rules"]
    run = subprocess.run(
        [*command, "--config", f"bids_dir={tmp_path / 'study'}"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    jobs = jobs_of(run)
    assert {"ecdysis_reorient", "ecdysis_crop", "ecdysis_figures", "mine"} <= set(jobs)
