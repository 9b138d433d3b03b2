"""dcm2niix makes the same of public scanner series before and after de-identification."""

from pathlib import Path

import pytest

from tests.conformance import identifiers, scanners

DATA = Path(__file__).parents[3] / "shared" / "data"
NUMBERED = ("Philips, classic", "Siemens XA10", "Siemens XA30", "UIH")

pytestmark = pytest.mark.skipif(
    not (DATA / "scanners.tar.xz").is_file(), reason="the series are not here"
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return scanners.unpacked(DATA, tmp_path_factory.mktemp("series"))


def test_conversion_is_the_same(folders: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    results = [result for folder in folders for result in scanners.outcomes(folder)]
    with capsys.disabled():
        print(f"\n{scanners.table(results)}")
    wrong = [f"{result.name}: {text}" for result in results for text in result.differences]
    assert wrong == []
    assert {result.vendor for result in results} >= {"Siemens", "Ge", "Philips", "Uih", "Canon"}
    assert sum(result.images for result in results) > 60


@pytest.mark.parametrize("name", NUMBERED)
def test_a_patient_with_a_number_loses_no_element(
    name: str, folders: list[Path], tmp_path: Path
) -> None:
    files = identifiers.series(folders[0], name)
    for number, save in zip(identifiers.NUMBERS, identifiers.SAVES, strict=False):
        assert list(identifiers.faults(files, number, tmp_path / number, save)) == []
