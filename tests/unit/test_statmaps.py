"""Statistical maps: which are found, that they are drawn where they are strong, and fail alone."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import statmaps
from ecdysis.figures.map_reading import prepare
from ecdysis.figures.statmap import write_map_viewer
from ecdysis.files import write_json
from ecdysis.places import MANIFEST, record_file
from ecdysis.report.statmap_files import statmaps_of
from ecdysis.settings import resolve
from ecdysis.statmaps import StatMap, find_maps
from PIL import Image

from tests.browser import Browser, needs_browser

MOTOR = Path(str(files("nilearn"))) / "datasets/data/image_10426.nii.gz"
HOSTILE = "sub-01_<img src=x onerror=alert(1)>&{y}_statmap"


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(root: Path, **given: Any) -> list[tuple[str, str]]:
    settings = resolve({"bids_dir": str(root), **given}, root)
    return [(one.unit, one.name) for one in find_maps(settings)]


def test_maps_are_found_in_the_dataset_and_in_named_folders(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "dataset_description.json",
        "task-motor_stat-z_statmap.nii.gz",
        "sub-01/ses-1/func/sub-01_ses-1_stat-t_statmap.nii.gz",
        "sub-01/ses-1/func/sub-01_ses-1_task-motor_bold.nii.gz",
        "sub-02/func/motor_statmap.nii.gz",
        ".git/annex/sub-01_stat-t_statmap.nii.gz",
        "sourcedata/sub-01_statmap.nii.gz",
        "derivatives/glm/node-dataset/stat-z_statmap.nii.gz",
        "derivatives/glm/sub-01/sub-01_stat-t_statmap.nii.gz",
        "derivatives/ecdysis/sub-01/sub-01_stat-t_statmap.nii.gz",
    )
    own = [
        ("sub-01", "sub-01_ses-1_stat-t_statmap"),
        ("sub-02", "motor_statmap"),
        ("group", "task-motor_stat-z_statmap"),
    ]
    assert found(tmp_path) == own
    other = [("group", "stat-z_statmap"), ("sub-01", "sub-01_stat-t_statmap")]
    assert found(tmp_path, statmaps={"folders": ["derivatives/glm"]}) == other + own
    assert found(tmp_path, statmaps={"folders": ["derivatives"]}) == other + own
    assert found(tmp_path, participant_label=["02"]) == own[1:]
    assert found(tmp_path, exclude_participant_label=["sub-01"]) == own[1:]
    assert found(tmp_path, statmaps={"pattern": None}) == []
    assert found(tmp_path, statmaps={"anat_pattern": "sub-01*_bold.nii.gz"}) == [
        own[0],
        ("sub-01", "sub-01_ses-1_task-motor_bold"),
        *own[1:],
    ]
    assert found(tmp_path, statmaps={"pattern": "*_bold.nii*"}) == [
        ("sub-01", "sub-01_ses-1_task-motor_bold")
    ]


def test_names_are_safe_and_differ(tmp_path: Path) -> None:
    touch(tmp_path, "dataset_description.json", f"sub-01/a/{HOSTILE}.nii.gz")
    touch(tmp_path, "sub-01/b/sub-01_x_statmap.nii.gz", "sub-01/c/sub-01_x_statmap.nii.gz")
    assert found(tmp_path) == [
        ("sub-01", "sub-01_-img-src-x-onerror-alert-1-y-_statmap"),
        ("sub-01", "sub-01_x_statmap"),
        ("sub-01", "sub-01_x_statmap-2"),
    ]


def test_the_space_of_a_map_is_read_from_its_name() -> None:
    spaces = {"space-T1w_": True, "space-MNI152NLin6Asym_": False, "": False}
    for words, own in spaces.items():
        assert StatMap("", "sub-01", "", f"sub-01_{words}statmap").own_space is own
    assert not StatMap("", "group", "", "space-T1w_statmap").own_space


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The motor map beside four that cannot be drawn, as a job leaves them."""
    root = tmp_path_factory.mktemp("maps")
    data = {name: root / f"{name}.nii.gz" for name in ("short", "empty", "several", HOSTILE)}
    data["short"].write_bytes(MOTOR.read_bytes()[:5000])
    for name, values in (("empty", np.zeros((9, 9, 9))), ("several", np.ones((9, 9, 9, 2)))):
        nib.save(nib.Nifti1Image(values.astype(np.float32), np.eye(4)), data[name])
    data[HOSTILE].write_bytes(MOTOR.read_bytes())
    maps = [
        StatMap(str(path), "sub-01", name if name != HOSTILE else "motor", name)
        for name, path in data.items()
    ]
    folder = root / "figures/sub-01"
    touch(folder, "old_cuts.png")
    details = statmaps.draw_maps(folder, maps, threshold=3.0)
    listed = [{"unit": one.unit, "name": one.name, "title": one.title} for one in maps]
    write_json(root / MANIFEST, {"statmaps": listed})
    write_json(root / record_file("sub-01", "statmaps"), {"details": details})
    return root, details


def test_a_broken_map_is_reported_and_stops_no_other(drawn: tuple[Path, dict[str, Any]]) -> None:
    root, details = drawn
    assert details["maps"] == 1
    assert details["thresholds"] == {"motor": 3.0}
    said = {"short": "cut short", "empty": "differs from 0", "several": "9 × 9 × 9 × 2"}
    assert set(details["problems"]) == set(said)
    for name, words in said.items():
        assert words in details["problems"][name]
    with pytest.raises(statmaps.InputError, match="cut short"):
        statmaps.require_all(details)
    assert {path.name for path in (root / "figures/sub-01").iterdir()} == {
        "motor_cuts.png", "motor_glass.png", "motor_viewer.html", "motor_viewer.map.js",
        "template_viewer.js",
    }  # fmt: skip


def test_the_motor_map_is_cut_where_it_is_strong(drawn: tuple[Path, dict[str, Any]]) -> None:
    folder = drawn[0] / "figures/sub-01"
    with Image.open(folder / "motor_cuts.png") as png:
        words, cuts = png.info["Description"], np.asarray(png.convert("RGB")).astype(int)
    assert "at least 3 in size" in words
    assert "MNI152" in words
    place = [float(word.split(",")[0].split()[0]) for word in words.split(" = ")[1:4]]
    image = nib.load(MOTOR)
    voxel = np.rint(nib.affines.apply_affine(np.linalg.inv(image.affine), place)).astype(int)
    assert abs(image.get_fdata()[tuple(voxel)]) > 0.9 * np.abs(image.get_fdata()).max()
    with Image.open(folder / "motor_glass.png") as png:
        glass = np.asarray(png.convert("RGB")).astype(int)
    for seen in (cuts, glass):
        coloured = np.ptp(seen, axis=-1) > 60
        assert 1000 < coloured.sum() < 0.25 * coloured.size
    for path in folder.glob("*.png"):
        assert path.stat().st_size < 500_000


def test_a_hostile_name_is_text(drawn: tuple[Path, dict[str, Any]]) -> None:
    page = (drawn[0] / "figures/sub-01/motor_viewer.html").read_text()
    assert "<img src=x" not in page
    assert page.count("sub-01_&lt;img src=x onerror=alert(1)&gt;&amp;{y}_statmap") == 2
    assert len(page) < 4_000_000


@needs_browser
def test_the_viewer_draws_the_map_and_loads_only_files(
    drawn: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    page = drawn[0] / "figures/sub-01/motor_viewer.html"
    with Browser() as browser:
        browser.open(page)
        browser.page.wait_for_selector("html[data-ready]")
        browser.press("h")
        browser.page.locator("#panes").screenshot(path=tmp_path / "shot.png")
        text = browser.page.text_content("#position") or ""
        assert browser.complaints == []
        assert all(url.startswith(("file:", "data:")) for url in browser.requests)
    with Image.open(tmp_path / "shot.png") as shot:
        seen = np.asarray(shot.convert("RGB")).astype(int)[:, :640]
    assert (np.ptp(seen, axis=-1) > 60).sum() > 1000
    assert (seen.min(axis=-1) > 150).sum() > 10_000
    strongest = np.abs(nib.load(MOTOR).get_fdata()).max()
    assert abs(float(text.rpartition(": ")[2])) == pytest.approx(strongest, rel=0.04)


def test_the_report_finds_what_was_drawn_and_what_was_not(
    drawn: tuple[Path, dict[str, Any]],
) -> None:
    one = {item.title: item for item in statmaps_of(drawn[0])}
    motor = one[HOSTILE]
    assert motor.viewer == "figures/sub-01/motor_viewer.html"
    assert motor.cuts is not None
    assert motor.status == "done"
    assert motor.glass is not None
    assert "glass brain" in motor.glass.description
    assert motor.problem is None
    assert one["short"].problem is not None
    assert one["short"].status == "failed"


def test_another_image_is_shown_as_it_is(tmp_path: Path) -> None:
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -80
    distance = np.linalg.norm(np.stack(np.indices((41, 41, 41)), axis=-1) - 20, axis=-1) * 4
    ball = 1000.0 * (distance < 70)
    nib.save(nib.Nifti1Image(ball.astype(np.int16), affine), tmp_path / "ball.nii.gz")
    one = StatMap(str(tmp_path / "ball.nii.gz"), "sub-01", "ball", "ball <b>", anatomy=True)
    details = statmaps.draw_maps(tmp_path / "figures", [one], None, 3.0, (0, 0, 0))
    assert details == {"maps": 1, "thresholds": {}, "problems": {}, "doubts": {}}
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert drawn == {"ball_cuts.png", "ball_viewer.html", "ball_viewer.image.js"}
    with Image.open(tmp_path / "figures/ball_cuts.png") as png:
        seen = np.asarray(png.convert("RGB")).astype(int)
        assert "x = 0, y = 0 and z = 0 mm" in png.info["Description"]
    grey = (np.ptp(seen, axis=-1) < 20) & (seen.max(axis=-1) > 60)
    assert grey.mean() > 0.1
    assert "ball &lt;b&gt;" in (tmp_path / "figures/ball_viewer.html").read_text()


@pytest.mark.parametrize("sign", [1, -1])
def test_the_viewer_begins_at_the_strongest_voxel(tmp_path: Path, sign: int) -> None:
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -80
    values = np.zeros((41, 41, 41), np.float32)
    values[12, 20, 25] = 5
    ornt = np.array([[0, sign], [1, 1], [2, 1]])
    stored = nib.Nifti1Image(values, affine).as_reoriented(ornt)
    nib.save(stored, tmp_path / "spot.nii.gz")
    shown = prepare(StatMap(str(tmp_path / "spot.nii.gz"), "group", "spot", "spot"))
    write_map_viewer(tmp_path / "spot_viewer.html", shown)
    page = (tmp_path / "spot_viewer.html").read_text()
    cross, affine = (
        json.loads(re.search(rf'"{key}": ?(\[[^a-z]*\])', page)[1]) for key in ("cross", "affine")
    )
    np.testing.assert_allclose(np.array(affine) @ [*cross, 1], (-32, 0, 20), atol=1)


def test_a_map_in_its_subjects_space_lies_on_its_head(tmp_path: Path) -> None:
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -80
    distance = np.linalg.norm(np.stack(np.indices((41, 41, 41)), axis=-1) - 20, axis=-1) * 4
    head, hot = tmp_path / "head.nii.gz", tmp_path / "hot.nii.gz"
    nib.save(nib.Nifti1Image((1000 * (distance < 70)).astype(np.int16), affine), head)
    nib.save(nib.Nifti1Image(5 * (distance < 20).astype(np.float32), affine), hot)
    own = StatMap(str(hot), "sub-01", "hot", "sub-01_space-T1w_statmap")
    details = statmaps.draw_maps(tmp_path / "figures", [own], head, None, (0, 0, 0))
    assert details["problems"] == {}
    assert not (tmp_path / "figures/hot_glass.png").exists()
    with Image.open(tmp_path / "figures/hot_cuts.png") as png:
        assert "subject's own head" in png.info["Description"]
        assert "x = 0, y = 0 and z = 0" in png.info["Description"]
