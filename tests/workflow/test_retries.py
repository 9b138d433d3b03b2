"""A program that memory ran out for is started again; one that fails is not."""

import json
import stat
import sys

import pytest
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

BET = f"""#!{sys.executable}
# Stands in for FSL's program: the mask is what is bright.
import os, signal, sys
with open(os.environ["BET_CALLS"], "a") as calls:
    calls.write("called\\n")
first = open(os.environ["BET_CALLS"]).read() == "called\\n"
if os.environ["BET_DOES"] == "fail":
    sys.exit("bet: no luck")
if first:
    os.kill(os.getpid(), signal.SIGKILL)
import nibabel as nib, numpy as np
image = nib.load(sys.argv[1])
data = image.get_fdata()
mask = (data > 0.5 * data.max()).astype(np.uint8)
nib.save(nib.Nifti1Image(mask, image.affine), "brain_mask.nii.gz")
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("retries")
    write_bids(root / "study", 1, settings=HeadSettings(spacing_mm=(8.0, 8.0, 8.0)))
    (root / "bin").mkdir()
    program = root / "bin" / "bet"
    program.write_text(BET)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return root / "study"


@pytest.fixture
def stripped(dataset, snakemake, tmp_path, monkeypatch):
    """Strip the skull with the program that does as told; returns what came of it."""

    def strip(does):
        monkeypatch.setenv("PATH", str(dataset.parent / "bin"), prepend=":")
        monkeypatch.setenv("BET_CALLS", str(tmp_path / "calls"))
        monkeypatch.setenv("BET_DOES", does)
        mask = ".ecdysis/sub-01/anat/sub-01_desc-reorientedBrain_T1w_mask.nii.gz"
        given = ("--config", f"output_dir={tmp_path / 'out'}", "skullstrip={method: bet}")
        run = snakemake(dataset, mask, *given)
        record = tmp_path / "out/logs/sub-01/anat/sub-01_T1w/skullstrip.status.json"
        calls = (tmp_path / "calls").read_text().splitlines()
        return run, json.loads(record.read_text()), len(calls)

    return strip


def test_a_program_that_was_killed_for_its_memory_is_started_again(stripped):
    run, record, calls = stripped("be killed")
    # The program's mask is a threshold, which is no brain: the self-check fails the image.
    assert run.returncode == 1
    assert "Images: 1 failed" in run.stdout
    assert "memory ran out" in run.stdout
    assert "Tried again: sub-01_T1w: skullstrip: memory ran out" in run.stdout
    assert record["state"] == "done"
    assert calls == 2


def test_a_program_that_fails_is_started_once(stripped):
    run, record, calls = stripped("fail")
    assert run.returncode != 0
    assert run.stdout.count("FAILED sub-01_T1w: skullstrip: ") == 1
    assert "no luck" in record["reason"]
    assert record["state"] == "failed"
    assert calls == 1
