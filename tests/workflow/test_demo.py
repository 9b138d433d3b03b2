"""The demo: what a newcomer runs first."""

from pathlib import Path


def test_the_demo_ends_with_a_report_of_two_subjects(snakemake, tmp_path):
    run = snakemake(tmp_path, "demo")
    assert run.returncode == 0, run.stdout
    results = Path(tmp_path, "demo/study/derivatives/ecdysis")
    assert f"Report: {results}/index.html" in run.stdout
    assert sorted(page.name for page in results.glob("sub-*.html")) == [
        "sub-01.html",
        "sub-02.html",
    ]
