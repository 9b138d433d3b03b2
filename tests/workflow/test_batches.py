"""A run in batches: each makes its part of the images alone, the last one the pages."""

import pytest
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

from tests.workflow.conftest import executed


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("batches") / "study"
    write_bids(root, 2, settings=HeadSettings(spacing_mm=(8.0, 8.0, 8.0)))
    return root


def test_batches_divide_the_images_and_the_last_writes_the_pages(dataset, snakemake):
    def batch(*chosen):
        run = snakemake(dataset, *chosen, "--config", "skullstrip={method: none}")
        assert run.returncode == 0, run.stdout
        made = (dataset / "derivatives/ecdysis").glob("sub-*/anat/*_desc-preproc_T1w.nii.gz")
        return sorted(path.name[:6] for path in made), executed(run)

    subjects, rules = batch("--batch", "group_page=1/2")
    assert subjects == ["sub-01"]
    assert rules.count("figures") == 1
    assert "group_page" not in rules
    subjects, rules = batch("--batch", "group_page=2/2")
    assert subjects == ["sub-01", "sub-02"]
    assert rules.count("figures") == 1
    assert rules.count("group_page") == 1
    _, rules = batch()
    assert set(rules) <= {"group_page"}, "it may have more inputs than its batch had"
    _, rules = batch()
    assert rules == []
