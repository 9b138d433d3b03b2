"""dcm2niix makes the same of public scanner series before and after de-identification."""

import tarfile
from pathlib import Path

import pytest

from tests.conformance import identifiers, scanners

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


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the series whose patients get numbers."""
    folder = tmp_path_factory.mktemp("series")
    with tarfile.open(DATA / "scanners.tar.xz") as archive:
        wanted = tuple(f"{place}/" for place in identifiers.SERIES.values())
        members = [item for item in archive if item.name.removeprefix("./").startswith(wanted)]
        archive.extractall(folder, members, filter="data")
    return folder


@pytest.mark.skipif(not (DATA / "scanners.tar.xz").is_file(), reason="the series are not here")
@pytest.mark.parametrize("name", identifiers.SERIES)
def test_a_patient_with_a_number_loses_no_element(
    name: str, unpacked: Path, tmp_path: Path
) -> None:
    files = identifiers.series(unpacked, name)
    for number in ("1000", "1111"):
        assert list(identifiers.faults(files, number, tmp_path / number)) == []
