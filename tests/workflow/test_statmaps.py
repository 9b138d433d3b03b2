"""Statistical maps in a run: nilearn's motor map, and one that is broken."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

MOTOR = Path(str(files("nilearn"))) / "datasets/data/image_10426.nii.gz"
OWN = "sub-01_task-motor_contrast-leftVsRight_stat-z_statmap"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A phantom; a subject's map in a derivative, and a group's in the dataset, cut short."""
    root = tmp_path_factory.mktemp("statmaps")
    write_bids(root, 1, settings=HeadSettings(spacing_mm=(8.0, 8.0, 8.0)))
    func = root / "derivatives/glm/sub-01/func"
    func.mkdir(parents=True)
    shutil.copy(MOTOR, func / f"{OWN}.nii.gz")
    (root / "<b>{x}_statmap.nii.gz").write_bytes(MOTOR.read_bytes()[:5000])
    return root


def test_maps_are_drawn_and_a_broken_map_is_reported(dataset, snakemake):
    targets = [f".ecdysis/statmaps/{unit}.json" for unit in ("sub-01", "group")]
    settings = "folders: [derivatives/glm], anat_pattern: sub-*_T1w.nii.gz"
    given = ["--config", f"statmaps={{{settings}, cut_coords: [-36, -27, 60]}}"]
    run = snakemake(dataset, *targets, "--keep-going", *given)
    assert run.returncode != 0
    assert "<b>{x}_statmap.nii.gz" in run.stdout
    assert "cut short" in run.stdout
    assert "Traceback" not in run.stdout
    results = dataset / "derivatives/ecdysis"
    drawn = {path.name for path in (results / "figures/sub-01").iterdir()}
    assert drawn == {
        *(f"{OWN}_{kind}" for kind in ("cuts.png", "glass.png", "viewer.html", "viewer.map.js")),
        *(f"sub-01_T1w_{kind}" for kind in ("cuts.png", "viewer.html", "viewer.image.js")),
        "template_viewer.js",
    }
    index = (results / "index.html").read_text()
    assert f"figures/sub-01/{OWN}_viewer.html" in index
    assert "x = -36, y = -27 and z = 60" in index
    assert "<b>{x}" not in index
    assert "cut short" in index

    again = snakemake(dataset, targets[0], *given)
    assert "Nothing to be done" in again.stdout, again.stdout
