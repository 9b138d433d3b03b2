"""The figures: that they show what they say, stay small, and fail one by one."""

from pathlib import Path
from typing import Any

import figures
import matplotlib as mpl
import nibabel as nib
import numpy as np
import pytest
from lib.report import drawable
from lib.report.figures import MAX_BYTES, THUMB_BYTES, Picture, crop_picture, save_picture
from nibabel.affines import apply_affine, from_matvec
from PIL import Image

mpl.use("Agg")
SHAPE = (40, 48, 44)
SUBJECT: list[dict[str, Any]] = [{"entities": "sub-01", "suffix": "T1w"}]


def ball(radius: float, affine: np.ndarray) -> np.ndarray:
    """Where within `radius` mm of (0, 0, 0) the voxels of SHAPE lie."""
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    return np.linalg.norm(apply_affine(affine, index), axis=-1) < radius


def grid(turn: float = 0.0) -> np.ndarray:
    """4 mm voxels around (0, 0, 0), turned about the left-right axis by so many degrees."""
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    matrix = 4 * np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return from_matvec(matrix, -matrix @ ((np.array(SHAPE) - 1) / 2))


def write(path: Path, data: np.ndarray, affine: np.ndarray) -> Path:
    image = nib.Nifti1Image(data, affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    nib.save(image, path)
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    rng = np.random.default_rng(0)
    affine = grid()
    head = (1000 * ball(75, affine) + rng.normal(20, 5, SHAPE)).clip(0).astype(np.int16)
    low = affine.copy()
    low[:3, 3] = apply_affine(affine, [4, 4, 4])
    inner = (slice(4, -4),) * 3
    return {
        "raw": write(tmp_path / "raw.nii.gz", head, affine),
        "preproc": write(tmp_path / "preproc.nii.gz", head[inner], low),
        "mask": write(tmp_path / "mask.nii.gz", ball(60, affine)[inner].astype(np.uint8), low),
    }


def draw(folder: Path, files: dict[str, Path], *, masks: bool = True) -> dict[str, Any]:
    return figures.draw_figures(
        folder, SUBJECT, [files["raw"]], [files["preproc"]], [files["mask"]] if masks else []
    )


def test_every_figure_is_there_small_and_describes_itself(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    assert draw(tmp_path / "figures", files) == {"figures": 4, "warnings": []}
    found = {path.name: path for path in (tmp_path / "figures").iterdir()}
    assert set(found) == {
        f"sub-01_desc-{kind}_T1w.png" for kind in ("input", "crop", "brain", "thumb")
    }
    for name, path in found.items():
        assert path.stat().st_size <= (THUMB_BYTES if "thumb" in name else MAX_BYTES)
        with Image.open(path) as png:
            assert png.info["Title"]
            assert "sub-01_T1w" in png.info["Description"]
    with Image.open(found["sub-01_desc-brain_T1w.png"]) as png:
        assert f"holds {ball(60, grid()).sum() * 0.064:.0f} mL" in png.info["Description"]
        pixels = np.asarray(png.convert("RGB")).astype(int)
    amber = (pixels[..., 0] - pixels[..., 2]) > 100
    assert amber.any(axis=0).sum() > 300, "the outline is drawn in few columns"


def test_without_masks_there_is_no_figure_of_the_brain(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    assert draw(tmp_path / "figures", files, masks=False) == {"figures": 3, "warnings": []}
    assert not list((tmp_path / "figures").glob("*brain*"))


def test_a_broken_mask_does_not_cost_the_other_figures(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    files["mask"].write_bytes(files["mask"].read_bytes()[:40])
    details = draw(tmp_path / "figures", files)
    assert details["figures"] == 3
    assert not list((tmp_path / "figures").glob("*brain*"))
    assert [warning.split("'")[1] for warning in details["warnings"]] == ["brain"]
    assert "sub-01_T1w" in details["warnings"][0]


@pytest.mark.parametrize("turn", [0.0, 20.0])
def test_the_box_of_the_crop_is_where_the_result_is(tmp_path: Path, turn: float) -> None:
    affine = grid(turn)
    data = (1000 * ball(75, affine)).astype(np.int16)
    kept = (slice(6, 30), slice(10, 40), slice(3, 35))
    low = from_matvec(affine[:3, :3], apply_affine(affine, [6, 10, 3]))
    raw = drawable.load_drawable(write(tmp_path / "raw.nii", data, affine))
    preproc = drawable.load_drawable(write(tmp_path / "preproc.nii", data[kept], low))
    empty = drawable.canvas(raw, preproc)
    depth = drawable.depth(preproc, empty)
    inside = np.asarray(depth.dataobj) > 0
    volume = inside.sum() * drawable.CANVAS_SPACING**3
    assert volume == pytest.approx(24 * 30 * 32 * 4**3, rel=0.05)
    centre = apply_affine(empty.affine, np.argwhere(inside).mean(axis=0))
    assert centre == pytest.approx(apply_affine(low, np.array([23, 29, 31]) / 2), abs=1.5)


def test_the_crop_is_drawn_before_and_after(tmp_path: Path, files: dict[str, Path]) -> None:
    raw, preproc = (drawable.load_drawable(files[key]) for key in ("raw", "preproc"))
    picture = crop_picture("sub-01_T1w", raw, preproc)
    assert "RAS, 40 × 48 × 44 voxels of 4 × 4 × 4 mm" in picture.alt
    assert "RAS, 32 × 40 × 36 voxels of 4 × 4 × 4 mm" in picture.alt
    save_picture(picture, tmp_path / "crop.png")
    with Image.open(tmp_path / "crop.png") as png:
        pixels = np.asarray(png.convert("RGB")).astype(int)
    cyan = (pixels[..., 2] - pixels[..., 0]) > 100
    half = len(cyan) // 2
    assert cyan[:half].sum() > 500
    assert cyan[half:].sum() == 0, "the box is drawn on the input alone"


def test_a_fine_image_is_drawn_no_finer_than_a_screen_shows(tmp_path: Path) -> None:
    affine = np.diag([0.5, 0.5, 3.0, 1.0])
    data = np.broadcast_to(np.arange(40)[:, None, None], (40, 60, 10)).astype(np.int16)
    seen = drawable.load_drawable(write(tmp_path / "fine.nii", data, affine))
    assert seen.zooms == pytest.approx([1.0, 1.0, 3.0])
    assert seen.data[2:18, 5, 5] == pytest.approx(np.arange(2, 18) * 2, abs=0.01)
    assert seen.facts == "RAS, 40 × 60 × 10 voxels of 0.5 × 0.5 × 3 mm"


def test_left_stays_left_whatever_the_order_of_the_file(tmp_path: Path) -> None:
    affine = grid()
    data = np.zeros(SHAPE, np.int16)
    data[:10] = 100  # the left of the subject: the first axis runs to the right
    flipped = affine @ from_matvec(np.diag([-1.0, 1, 1]), [SHAPE[0] - 1, 0, 0])
    seen = drawable.load_drawable(write(tmp_path / "las.nii", data[::-1].copy(), flipped))
    left = apply_affine(seen.image.affine, np.argwhere(seen.data > 50).mean(axis=0))[0]
    assert left < -50
    assert seen.facts.startswith("LAS")


def test_a_picture_that_compresses_badly_is_made_small(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 8))
    noise = np.random.default_rng(0).random((800, 1100))
    figure.add_axes((0, 0, 1, 1)).imshow(noise, cmap="gray")
    save_picture(Picture(figure, "Noise", "Noise"), tmp_path / "noise.png")
    assert (tmp_path / "noise.png").stat().st_size <= MAX_BYTES
    assert not plt.fignum_exists(figure.number)
