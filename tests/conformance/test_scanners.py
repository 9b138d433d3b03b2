"""dcm2niix makes the same of public scanner series before and after de-identification."""

from pathlib import Path

import pytest

from tests.conformance import scanners

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.skipif(not (DATA / "scanners.tar.xz").is_file(), reason="the series are not here")
def test_conversion_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = [
        result
        for folder in scanners.unpacked(DATA, tmp_path)
        for result in scanners.outcomes(folder)
    ]
    with capsys.disabled():
        print(f"\n{scanners.table(results)}")
    wrong = [f"{result.name}: {text}" for result in results for text in result.differences]
    assert wrong == []
    assert {result.vendor for result in results} >= {"Siemens", "Ge", "Philips", "Uih", "Canon"}
    assert sum(result.images for result in results) > 60
