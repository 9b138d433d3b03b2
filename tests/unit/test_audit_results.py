"""Files that fail the audit of results leave the dataset."""

from pathlib import Path

import pytest
from audit_results import moved_files, withdraw


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a dataset with two runs; the working directory holds results."""
    bids_dir = tmp_path / "study"
    for name in ("sub-01_task-rest_run-1_bold", "sub-01_task-rest_run-10_bold"):
        for ending in (".nii.gz", ".json"):
            path = bids_dir / "sub-01" / "func" / f"{name}{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    rows = [f"func/sub-01_task-rest_run-{number}_bold.nii.gz\t1900-01-01\n" for number in (1, 10)]
    table = bids_dir / "sub-01" / "sub-01_scans.tsv"
    table.write_text("filename\tacq_time\n" + "".join(rows))
    results = bids_dir / "derivatives" / "ecdysis"
    (results / "logs").mkdir(parents=True)
    (results / "logs" / "crop.status.json").write_text("x")
    monkeypatch.chdir(results)
    return bids_dir


def test_an_image_leaves_with_its_sidecar_and_its_row(dataset: Path, tmp_path: Path) -> None:
    func, private = dataset / "sub-01" / "func", tmp_path / "private"
    faulty = [func / "sub-01_task-rest_run-1_bold.json", Path("logs/crop.status.json")]
    names = withdraw(faulty, dataset, private, tmp_path / "lock")
    image = "sub-01/func/sub-01_task-rest_run-1_bold"
    assert sorted(names) == ["results/logs/crop.status.json", f"{image}.json", f"{image}.nii.gz"]
    assert all((private / name).stat().st_mode & 0o777 == 0o600 for name in names)
    assert sorted(path.name for path in func.iterdir()) == [
        "sub-01_task-rest_run-10_bold.json",
        "sub-01_task-rest_run-10_bold.nii.gz",
    ]
    assert not list(Path("logs").iterdir())
    table = (dataset / "sub-01" / "sub-01_scans.tsv").read_text()
    assert table.splitlines() == [
        "filename\tacq_time",
        "func/sub-01_task-rest_run-10_bold.nii.gz\t1900-01-01",
    ]
    assert moved_files(names).startswith("3 files were moved to the private folder: ")


def test_a_second_failure_replaces_the_files_of_the_first(dataset: Path, tmp_path: Path) -> None:
    sidecar = dataset / "sub-01" / "func" / "sub-01_task-rest_run-1_bold.json"
    for text in ("first", "second"):
        sidecar.write_text(text)
        withdraw([sidecar], dataset, tmp_path / "private", tmp_path / "lock")
        assert not sidecar.exists()
    moved = tmp_path / "private" / sidecar.relative_to(dataset)
    assert moved.read_text() == "second"
