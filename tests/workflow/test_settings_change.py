"""A run with other settings in the same output directory leaves what a new run would make."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from ecdysis.phantom.bids import TRUTH, write_bids
from ecdysis.phantom.head import HeadSettings

SMALL = HeadSettings(spacing_mm=(4.0, 4.0, 4.0))
GIVEN = f"skullstrip={{method: none, masks: {TRUTH.as_posix()}}}"
BEFORE = ("--config", GIVEN, "reorient={orientation: LPS}")
AFTER = ("--config", GIVEN, "crop={margin: 15}")
OF_RUNS = {"logs", "benchmarks", ".snakemake", ".ecdysis", "figures"}
"""Folders that describe runs, or hold hidden files and pictures of the results."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory, snakemake):
    """Results of two runs in one output directory, and of one run in a new one."""
    root = tmp_path_factory.mktemp("change") / "study"
    write_bids(root, 1, settings=SMALL)
    changed, fresh = root.parent / "changed", root.parent / "fresh"
    for options, folder in ((BEFORE, changed), (AFTER, changed), (AFTER, fresh)):
        run = snakemake(root, *options, f"output_dir={folder}")
        assert run.returncode == 0, run.stdout
    return changed, fresh


def results_of(folder: Path) -> dict[str, Path]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path
        for path in paths
        if not OF_RUNS & set(path.relative_to(folder).parts)
    }


def test_the_same_files_are_there(folders):
    changed, fresh = map(results_of, folders)
    assert set(changed) == set(fresh)
    assert any("desc-preproc" in name for name in changed)


def test_their_content_is_equal(folders):
    changed, fresh = map(results_of, folders)
    for name, path in changed.items():
        if name.endswith((".nii.gz", ".nii")):
            one, other = nib.load(path), nib.load(fresh[name])
            np.testing.assert_array_equal(one.dataobj, other.dataobj, err_msg=name)
            np.testing.assert_array_equal(one.affine, other.affine, err_msg=name)
        elif name.endswith((".json", ".tsv", ".bib")):
            assert path.read_bytes() == fresh[name].read_bytes(), name
