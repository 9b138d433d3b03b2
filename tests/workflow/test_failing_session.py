"""One session of a subject fails while it is processed; its other session is done, with figures."""

import pytest
from ecdysis.phantom.bids import TRUTH, write_bids
from ecdysis.phantom.head import HeadSettings
from ecdysis.report.overview import costs_of
from ecdysis.report.pages import Pages
from ecdysis.report.records import load_run

from tests.workflow.conftest import executed

NAMES = ["sub-01_ses-1_T1w", "sub-01_ses-2_T1w"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("failing") / "study"
    write_bids(root, 1, 2, settings=HeadSettings(spacing_mm=(8.0, 8.0, 8.0)))
    return root


def test_the_other_session_is_done(study, snakemake):
    mask = study / TRUTH / "sub-01/ses-2/anat/sub-01_ses-2_desc-brain_mask.nii.gz"
    kept = mask.read_bytes()
    mask.write_bytes(kept[:60])
    given = ("--config", f"skullstrip={{method: none, masks: {TRUTH}}}")
    first = snakemake(study, *given)
    assert first.returncode != 0
    assert "Images: 1 failed, 1 done." in first.stdout
    results = study / "derivatives/ecdysis"
    entries = Pages(load_run(results, ended=True)).entries
    assert [(entry.name, str(entry.status)) for entry in entries] == [
        (NAMES[0], "done"),
        (NAMES[1], "failed"),
    ]
    stages = {cost.stage for cost in costs_of(load_run(results))}
    assert stages == {"reorient", "skullstrip", "crop", "measure", "figures"}
    page = (results / "sub-01.html").read_text()
    assert f"sub-01/figures/{NAMES[0]}/sub-01_ses-1_desc-mask_T1w.jpg" in page
    assert not (results / "sub-01/figures" / NAMES[1]).exists()

    mask.write_bytes(kept)
    second = snakemake(study, *given)
    assert second.returncode == 0, second.stdout
    assert executed(second).count("figures") == 1
    assert f"sub-01/figures/{NAMES[1]}/" in (results / "sub-01.html").read_text()
