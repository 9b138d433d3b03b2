import json
from pathlib import Path

import pytest
from ecdysis.errors import InputError
from ecdysis.files import read_json
from ecdysis.places import FULL_GRID, MANIFEST
from ecdysis.report.records import load_run
from ecdysis.shards import check_shard, in_shard, join

from report import update
from tests.unit.made_output import MadeOutput


@pytest.fixture
def shards(tmp_path):
    """Two runs; the second could not read one image."""
    made = [MadeOutput(tmp_path / name) for name in ("shard-1", "shard-2")]
    made[0].finish(made[0].image("01"), ("reorient", "skullstrip", "crop"))
    made[1].record(made[1].image("02"), "crop", "failed", reason="no voxel is left")
    made[1].manifest["excluded"].append(
        {"image": "sub-03/anat/sub-03_T1w", "subject": "03", "reason": "cut short", "fault": True}
    )
    made[1].save()
    return made


@pytest.fixture
def joined(tmp_path, shards):
    join([str(tmp_path / "shard-*")], tmp_path / "all")
    return tmp_path / "all"


def test_the_joined_report_has_all_shards(joined, shards):
    before = read_json(shards[1].root / MANIFEST)
    pages = update(joined)
    run = pages.run
    assert [one.label for one in run.subjects] == ["01", "02", "03"]
    statuses = {entry.name: str(entry.status) for entry in pages.entries}
    assert statuses == {"sub-01_T1w": "done", "sub-02_T1w": "failed", "sub-03_T1w": "unreadable"}
    assert run.subject("01").images[0].stages[0].state == "done"
    assert run.subject("02").faults[0][1].reason == "no voxel is left"
    assert "cut short" in (joined / "index.html").read_text()
    assert (joined / "sub-02.html").is_file()
    assert not (shards[1].root / "index.html").exists()
    assert read_json(shards[1].root / MANIFEST) == before


def test_results_are_links_that_move_with_the_study(joined, tmp_path):
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    link = moved / "all" / "logs" / "sub-01"
    assert link.is_symlink()
    assert not Path(link.readlink()).is_absolute()
    assert link.is_dir()
    moved.rename(tmp_path)


def test_joining_again_follows_what_changed(joined, tmp_path, shards):
    update(joined)
    shards[0].image("04")
    shards[0].record("sub-04/anat/sub-04_T1w", "skullstrip", "done")
    join([str(tmp_path / "shard-1")], joined)
    assert [one.label for one in load_run(joined).subjects] == ["01", "04"]
    assert not (joined / "logs/sub-02").exists()


def test_the_dataset_for_other_programs_is_joined(tmp_path, shards):
    for made, label in zip(shards, ("01", "02"), strict=True):
        folder = made.root / FULL_GRID
        (folder / f"sub-{label}/anat").mkdir(parents=True)
        (folder / "dataset_description.json").write_text("{}")
    join([str(tmp_path / "shard-*")], tmp_path / "all")
    names = sorted(path.name for path in (tmp_path / "all" / FULL_GRID).iterdir())
    assert names == ["dataset_description.json", "sub-01", "sub-02"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda made: made.image("01"), "sub-01 is also in shard-1"),
        (lambda made: made.manifest["settings"].update(deface=True), "deface"),
    ],
)
def test_shards_that_do_not_fit_are_refused(shards, tmp_path, change, words):
    change(shards[1])
    shards[1].save()
    with pytest.raises(InputError, match=words):
        join([str(one.root) for one in shards], tmp_path / "all")


def test_results_are_not_mixed_with_links(shards, tmp_path):
    MadeOutput(tmp_path / "other")
    with pytest.raises(InputError, match="results of a run"):
        join([str(shards[0].root)], tmp_path / "other")
    with pytest.raises(InputError, match="there is no"):
        join([str(tmp_path / "nothing-*")], tmp_path / "all")


def test_a_shard_is_of_a_fixed_size_and_known():
    labels = [f"{number:04d}" for number in range(1000)]
    sizes = [sum(in_shard(label, f"{k}/4") for label in labels) for k in range(1, 5)]
    assert sum(sizes) == 1000
    assert min(sizes) > 200
    with pytest.raises(InputError, match="5/4"):
        check_shard("5/4")


def test_the_manifest_is_json(joined):
    assert json.loads((joined / MANIFEST).read_text())["shards"] == ["shard-1", "shard-2"]
