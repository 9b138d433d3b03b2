"""The figures: that they show what they say, stay small, and fail one by one."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import figures
import matplotlib as mpl
import nibabel as nib
import numpy as np
import pytest
from ecdysis.bids.image_name import ImageName
from ecdysis.figures import drawable
from ecdysis.figures.brain import THUMB_BYTES
from ecdysis.figures.picture import MAX_BYTES, Picture, save_picture
from ecdysis.figures.whole_head import air_white, crop_picture
from ecdysis.image.volume import Volume
from nibabel.affines import apply_affine, from_matvec
from PIL import Image
from snakemake.iocontainers import InputFiles

mpl.use("Agg")
SHAPE = (40, 48, 44)


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
    return made_files(tmp_path)


def made_files(folder: Path) -> dict[str, Path]:
    """An input with noise in the air, its cropped result, and a brain mask."""
    rng = np.random.default_rng(0)
    affine = grid()
    head = (1000 * ball(75, affine) + rng.normal(20, 5, SHAPE)).clip(0).astype(np.int16)
    low = affine.copy()
    low[:3, 3] = apply_affine(affine, [4, 4, 4])
    inner = (slice(4, -4),) * 3
    return {
        "raw": write(folder / "raw.nii.gz", head, affine),
        "preproc": write(folder / "preproc.nii.gz", head[inner], low),
        "mask": write(folder / "mask.nii.gz", ball(60, affine)[inner].astype(np.uint8), low),
    }


def draw(folder: Path, files: dict[str, Path]) -> dict[str, Any]:
    return figures.draw_figures(
        folder, [figures.Files(ImageName("sub-01/anat", "sub-01", "T1w"), **files)]
    )


def kinds(folder: Path) -> set[str]:
    return {path.name.split("_desc-")[1].split("_")[0] for path in folder.iterdir()}


def words_of(path: Path) -> dict[str, str]:
    with Image.open(path) as png:
        return dict(png.info)


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as png:
        return np.asarray(png.convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All figures, with tissues, a bias field on a coarser grid and the image with its face."""
    folder = tmp_path_factory.mktemp("figures")
    files = made_files(folder)
    preproc = nib.load(files["preproc"])
    labels = np.zeros(preproc.shape, np.uint8)
    for radius, label in ((60, 3), (50, 1), (30, 2)):
        labels[ball(radius, grid())[4:-4, 4:-4, 4:-4]] = label
    coarse = from_matvec(np.eye(3) * 8, np.full(3, -84.0))
    x = apply_affine(coarse, np.stack(np.indices((22, 22, 22)), axis=-1))[..., 0]
    more = {
        "dseg": write(folder / "dseg.nii.gz", labels, preproc.affine),
        "field": write(folder / "field.nii.gz", (2 + x / 100).astype(np.float32), coarse),
        "faced": files["preproc"],
    }
    assert draw(folder / "figures", files | more) == {"figures": 10, "warnings": []}
    return folder / "figures"


def test_every_figure_is_there_small_and_describes_itself(drawn: Path) -> None:
    pictures = {"input", "crop", "brain", "tissues", "field", "surface", "before", "after", "thumb"}
    assert kinds(drawn) == pictures | {"viewer"}
    for path in drawn.glob("*.png"):
        assert path.stat().st_size <= (THUMB_BYTES if "thumb" in path.name else MAX_BYTES)
        assert words_of(path)["Title"]
        assert "sub-01_T1w" in words_of(path)["Description"]
    words = words_of(drawn / "sub-01_desc-brain_T1w.png")["Description"]
    assert f"holds {ball(60, grid()).sum() * 0.064:.0f} mL" in words
    brain = pixels_of(drawn / "sub-01_desc-brain_T1w.png")
    amber = (brain[..., 0] - brain[..., 2]) > 100
    assert amber.any(axis=0).sum() > 300, "the outline is drawn in few columns"


def test_tissues_have_two_edges(drawn: Path) -> None:
    seen = pixels_of(drawn / "sub-01_desc-tissues_T1w.png")[:-60]
    blue, red = (seen[..., 2] - seen[..., 0]) > 60, (seen[..., 0] - seen[..., 2]) > 60
    middle = slice(seen.shape[1] * 2 // 5, seen.shape[1] * 3 // 5)
    across = [np.flatnonzero(edge[:, middle].any(axis=0)) for edge in (blue, red)]
    outer, inner = (np.ptp(columns) for columns in across)
    assert outer / inner == pytest.approx(50 / 30, rel=0.1)


def test_the_field_is_told_in_multiples_of_its_median(drawn: Path) -> None:
    words = words_of(drawn / "sub-01_desc-field_T1w.png")["Description"]
    low, high = (float(word) for word in words.split("from ")[1].split(" (")[0].split(" to "))
    # 2 + x / 100 over a ball of 60 mm: 98 % of it lies within 53 mm of the plane x = 0
    assert (low, high) == pytest.approx((1 - 0.53 / 2, 1 + 0.53 / 2), abs=0.02)
    seen = pixels_of(drawn / "sub-01_desc-field_T1w.png")
    red, blue = (seen[..., 0] - seen[..., 2]) > 60, (seen[..., 2] - seen[..., 0]) > 60
    coronal = slice(400, 700)
    assert blue[:, coronal].nonzero()[1].mean() < red[:, coronal].nonzero()[1].mean() - 50


def test_before_and_after_cover_each_other(drawn: Path) -> None:
    before, after = (
        pixels_of(drawn / f"sub-01_desc-{kind}_T1w.png")[..., 0] for kind in ("before", "after")
    )
    assert before.shape == after.shape
    kept = after > 128
    assert 0.5 < kept.sum() / (before > 128).sum() < 0.8
    assert before[kept].min() > 128, "the brain is not where it was"


def test_noise_in_the_air_is_seen(drawn: Path) -> None:
    assert "stretched to the air" in words_of(drawn / "sub-01_desc-input_T1w.png")["Description"]
    seen = pixels_of(drawn / "sub-01_desc-input_T1w.png")[..., 0]
    corner = seen[len(seen) // 2 + 60 :, 20:60][:30]
    assert corner.std() > 10
    assert corner.mean() > 60


def test_the_white_of_the_air_is_that_of_its_noise_and_zeros_have_none(
    files: dict[str, Path],
) -> None:
    source = drawable.load_drawable(files["raw"]).source
    assert air_white(source, 120) == pytest.approx(20 + 5 * 2.6, abs=2)
    clean = np.where(source.stored > 500, source.stored, 0).astype(np.int16)
    assert air_white(Volume(source.header, clean), 120) is None


def test_without_masks_there_is_no_figure_of_the_brain(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    del files["mask"]
    assert draw(tmp_path / "figures", files) == {"figures": 4, "warnings": []}
    assert kinds(tmp_path / "figures") == {"input", "crop", "thumb", "viewer"}


def test_a_broken_mask_does_not_cost_the_other_figures(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    files["mask"].write_bytes(files["mask"].read_bytes()[:40])
    details = draw(tmp_path / "figures", files)
    assert kinds(tmp_path / "figures") == {"input", "crop", "thumb", "before", "viewer"}
    assert [warning.split("'")[1] for warning in details["warnings"]] == ["brain", "after"]
    assert "sub-01_T1w" in details["warnings"][0]


def test_files_find_their_image() -> None:
    names = [ImageName("sub-01/anat", "sub-01", suffix) for suffix in ("T1w", "T2w")]
    given = InputFiles(
        ["a", "b", *(name.preproc for name in names), names[0].dseg, names[0].bias_field],
    )
    given._add_name("raw")
    given._set_name("raw", 0, 2)
    given += [name.mask for name in names]
    files = figures.files_of_images([asdict(name) for name in names], given)
    assert [bool(each.dseg and each.field) for each in files] == [True, False]
    assert [str(each.raw) for each in files] == ["a", "b"]
    assert [str(each.mask) for each in files] == [name.mask for name in names]
    assert [each.faced for each in files] == [None, None]


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


def test_an_oblique_mask_lies_on_its_image(tmp_path: Path) -> None:
    affine = grid(20.0)
    affine[:3, :3] /= 5  # 0.8 mm, which is drawn at 1 mm
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    inside = ball(12, affine)
    head = write(tmp_path / "head.nii", (1000 * inside).astype(np.int16), affine)
    image = drawable.load_drawable(head)
    mask = write(tmp_path / "mask.nii", inside.astype(np.uint8), affine)
    (region,) = drawable.load_regions(mask, lambda stored: stored != 0)
    assert region.zooms == pytest.approx(image.zooms)
    np.testing.assert_allclose(1000 * region.on(image.image), image.data, atol=1)


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
