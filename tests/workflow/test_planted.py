"""A study of thirty phantoms: what is wrong with some is told, and nothing of the others."""

import html

import pytest
from ecdysis.report.wording import sentence

from tests.bench.planted import FAULTS, MEASURED, RESULTS, answers, is_right, make_study


@pytest.fixture(scope="module")
def study(tmp_path_factory, snakemake):
    """The study measured, with pages of the subjects to review, and the fault of each subject."""
    root = tmp_path_factory.mktemp("planted") / "study"
    planted = make_study(root)
    run = snakemake(root, "--quiet", "all", *MEASURED)
    assert run.returncode != 0, "a job was to fail"
    assert "Traceback" not in run.stdout
    names = [name for name, fault in planted.items() if fault and fault.state == "review"]
    drawn = snakemake(root, *(f"{name}/figures/{name}_T1w" for name in names), "--quiet", "all")
    # The failed image of the first run makes this run end as failed, too.
    assert all((root / RESULTS / name / "figures").is_dir() for name in names), drawn.stdout
    return root / RESULTS, planted


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_reported_with_its_reason(study, fault):
    results, planted = study
    found = answers(results)
    name = next(name for name, one in planted.items() if one is fault)
    assert is_right(fault, found[name]), found[name]
    reason = next(one for one in found[name].reasons if fault.says in one)
    for page in (f"{name}.html", "index.html"):
        assert html.escape(sentence(reason)) in (results / page).read_text()


def test_no_subject_without_a_fault_is_flagged(study):
    results, planted = study
    found = answers(results)
    clean = [name for name, fault in planted.items() if fault is None]
    assert len(clean) == 30 - len(FAULTS)
    assert {name: found[name] for name in clean if not is_right(None, found[name])} == {}
