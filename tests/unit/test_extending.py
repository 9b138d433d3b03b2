"""A skull-strip method that was added as docs/extending.md says describes itself."""

import subprocess
import sys

import nibabel as nib
import numpy as np

from tests.bench.extending import add_method, copy_checkout
from tests.unit.made_output import MadeOutput

SCRIPT = """
import sys
from pathlib import Path
from ecdysis.bids.image_name import ImageName
from ecdysis.report.methods import methods_of
from ecdysis.report.records import load_run
from ecdysis.settings import resolve
from ecdysis.skullstrip.method import Task, load, method_name
folder = Path(sys.argv[1])
settings = resolve({"bids_dir": "study", "skullstrip": {"method": "toy"}}, folder)
method = load(method_name(settings))
method.require(settings)
name = ImageName("sub-01/anat", "sub-01", "T1w")
method.strip(Task(folder / "head.nii", folder / "mask.nii", name, settings["skullstrip"], 1))
print("\\n".join(methods_of(load_run(folder / "out"))))
"""


def test_an_added_method_is_described_by_its_own_sentence(tmp_path):
    copy = copy_checkout(tmp_path / "copy")
    add_method(copy)
    (tmp_path / "study").mkdir()
    values = np.random.default_rng(0).integers(1, 100, (30, 30, 30)).astype(np.int16)
    nib.save(nib.Nifti1Image(values, np.diag([4.0, 4, 4, 1])), tmp_path / "head.nii")
    made = MadeOutput(tmp_path / "out", method="toy")
    made.finish(made.image("01"))
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, cwd=copy / "scripts", check=True, capture_output=True, text=True)
    assert "Voxels above the median were taken for brain [@nibabel]." in done.stdout
    assert "ANTs" not in done.stdout
    mask = np.asanyarray(nib.load(tmp_path / "mask.nii").dataobj) > 0
    assert np.array_equal(mask, values > np.median(values))
