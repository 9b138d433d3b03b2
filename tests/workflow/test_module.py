"""The workflow used as a module of another one."""

import shutil
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


DEPLOYED = """
configfile: "config/config.yaml"


module ecdysis:
    snakefile: "{snakefile}"
    config: config


use rule * from ecdysis
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


def deployed(tmp_path):
    """A directory as `snakedeploy deploy-workflow` makes it; by itself where it is installed."""
    target = tmp_path / "deployed"
    program = shutil.which("snakedeploy")
    if program:
        checkout = tmp_path / "ecdysis"
        checkout.mkdir()
        for name in ("Snakefile", "config", "profiles", "LICENSE"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, checkout / name)
        command = [program, "deploy-workflow", checkout, target, "--tag", "v1"]
        subprocess.run(command, check=True, capture_output=True)
        made = (target / "workflow/Snakefile").read_text()
        assert '"Snakefile"' in made
        # Of a local repository, snakedeploy writes no path that Snakemake could find.
        made = made.replace('"Snakefile"', f'"{ROOT / "Snakefile"}"')
    else:
        for name in ("config", "profiles"):
            shutil.copytree(ROOT / name, target / name)
        made = DEPLOYED.format(snakefile=ROOT / "Snakefile")
        (target / "workflow").mkdir()
    (target / "workflow/Snakefile").write_text(made)
    return target


def test_a_deployed_workflow_runs_with_the_settings_of_the_study(tmp_path):
    """The copied defaults do not win over those of the study, but `--config` does."""
    study = tmp_path / "study"
    write_bids(study, 1, settings=HeadSettings(spacing_mm=(8.0, 8.0, 8.0)))
    (study / "code").mkdir()
    (study / "code/ecdysis.yaml").write_text("skullstrip: {method: none}\n")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--config", f"bids_dir={study}"]
    options = {"cwd": deployed(tmp_path), "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    run = subprocess.run([*command, "--until", "crop"], text=True, check=False, **options)
    assert run.returncode == 0, run.stdout
    results = study / "derivatives/ecdysis"
    assert (results / "sub-01/anat/sub-01_desc-preproc_T1w.nii.gz").is_file()
    assert not list(results.rglob("*_mask.nii.gz"))
    dry = [*command, "skullstrip={method: ants}", "--dry-run", "--quiet", "rules"]
    run = subprocess.run(dry, text=True, check=False, **options)
    assert "skullstrip_ants" in jobs_of(run)
