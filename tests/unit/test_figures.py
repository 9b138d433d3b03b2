"""The figures: that they show what they say, stay small, and fail one by one."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import nibabel as nib
import numpy as np
import pytest
from ecdysis.bids.image_name import ImageName
from ecdysis.figures import drawable, layers, mosaic
from ecdysis.figures.draw import ImageFiles, draw_figures
from ecdysis.figures.layers import THUMB_BYTES
from ecdysis.figures.nilearn_figures import crop_pictures
from ecdysis.figures.picture import save_picture
from ecdysis.image.geometry import Box
from ecdysis.image.volume import Volume
from ecdysis.skullstrip.itk import write_affine
from nibabel.affines import apply_affine, from_matvec
from nibabel.processing import resample_from_to
from PIL import Image

mpl.use("Agg")
SHAPE = (40, 48, 44)
SHIFT = (20.0, 0.0, 0.0)
"""mm, from a point of the image to the same point of the T1w of its session."""


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


SUB_01 = ImageName("sub-01/anat", "sub-01", "T1w")


def draw(folder: Path, files: dict[str, Path]) -> dict[str, Any]:
    return draw_figures(folder, ImageFiles(SUB_01, **files))


def kinds(folder: Path) -> set[str]:
    return {path.name.split("_desc-")[1].split("_")[0] for path in folder.iterdir()}


def words_of(path: Path) -> dict[str, str]:
    with Image.open(path) as picture:
        words: dict[str, str] = json.loads(picture.info["comment"])
        return words


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
        "corrected": files["preproc"],
        "template": write(folder / "template.nii.gz", (100 * labels).astype(np.int16), grid()),
        "t1w": files["raw"],
        "from_t1w": folder / "from-T1w.txt",
    }
    shift = np.eye(4)
    shift[:3, 3] = SHIFT
    write_affine(shift, more["from_t1w"])
    assert draw(folder / "figures", files | more) == {"figures": 17, "warnings": []}
    return folder / "figures"


def test_every_figure_exists_and_describes_itself(drawn: Path) -> None:
    assert kinds(drawn) == {
        "input", "air", "corrected", "stripped", "defaced", "crop", "thumb", "mask", "plain",
        "tissues", "field", "surface", "viewer", "cropBox", "surfaceDefaced", "t1w", "template",
    }  # fmt: skip
    for path in drawn.glob("*.jpg"):
        assert words_of(path)["title"]
        assert "sub-01_T1w" in words_of(path)["description"]
    assert (drawn / "sub-01_desc-thumb_T1w.jpg").stat().st_size <= THUMB_BYTES
    words = words_of(drawn / "sub-01_desc-mask_T1w.jpg")["description"]
    assert f"({ball(60, grid()).sum() * 0.064:.0f} mL)" in words


def test_layers_of_a_group_have_one_size_and_show_the_same_slices(drawn: Path) -> None:
    sizes: dict[str, set[tuple[int, ...]]] = {}
    for path in drawn.glob("*.jpg"):
        if group := words_of(path).get("group"):
            sizes.setdefault(group, set()).add(pixels_of(path).shape)
    assert {group: len(found) for group, found in sizes.items()} == {
        "head": 1, "brain": 1, "air": 1, "thumb": 1, "crop": 1, "surface": 1,
    }  # fmt: skip
    whole, brain = (
        pixels_of(drawn / f"sub-01_desc-{kind}_T1w.jpg")[..., 0] for kind in ("input", "stripped")
    )
    kept = (brain > 128) & (whole < 250)  # without the letters
    assert kept.sum() > 1000
    assert whole[kept].min() > 100, "the brain is at another place"


def test_outlines_are_where_the_regions_end(drawn: Path) -> None:
    seen = pixels_of(drawn / "sub-01_desc-tissues_T1w.jpg")
    blue, red = (seen[..., 2] - seen[..., 0]) > 80, (seen[..., 0] - seen[..., 2]) > 80
    # voxels of 4 mm: the widest axial slice of a ball of 50 and of 30 mm
    assert blue.sum() > red.sum() > 100
    plain = pixels_of(drawn / "sub-01_desc-plain_T1w.jpg")
    assert np.ptp(plain, axis=-1).max() < 12, "the plain layer has colours"


def test_registered_images_are_drawn_where_they_lie_on_the_image(drawn: Path) -> None:
    whole, t1w, template = (
        pixels_of(drawn / f"sub-01_desc-{kind}_T1w.jpg")[..., 0]
        for kind in ("plain", "t1w", "template")
    )
    # In an axial slice of the middle the head is bright up to its border; x grows to the right.
    tile = slice(0, whole.shape[1] // 8)
    rows = slice(whole.shape[0] // 3, whole.shape[0] // 2)
    moved = [np.nonzero(seen[rows, tile] > 128)[1].mean() for seen in (whole, t1w)]
    assert moved[0] - moved[1] > 1, "the T1w is shifted to the left"
    assert (template > 60).sum() > 1000


def test_the_field_is_a_multiple_of_its_median(drawn: Path) -> None:
    words = words_of(drawn / "sub-01_desc-field_T1w.jpg")["description"]
    low, high = (float(word) for word in words.split("from ")[1].split(" (")[0].split(" to "))
    # 2 + x / 100 over a ball of 60 mm: 98 % of it lies within 53 mm of the plane x = 0
    assert (low, high) == pytest.approx((1 - 0.53 / 2, 1 + 0.53 / 2), abs=0.02)
    seen = pixels_of(drawn / "sub-01_desc-field_T1w.jpg")
    red, blue = (seen[..., 0] - seen[..., 2]) > 60, (seen[..., 2] - seen[..., 0]) > 60
    coronal = slice(400, 700)
    assert blue[:, coronal].nonzero()[1].mean() < red[:, coronal].nonzero()[1].mean() - 50


def test_noise_in_the_air_is_visible(drawn: Path) -> None:
    air = pixels_of(drawn / "sub-01_desc-air_T1w.jpg")[..., 0]
    corner = air[2:14, 30:38]
    assert corner.std() > 30
    assert 60 < corner.mean() < 200


@pytest.mark.parametrize("level", [0.0, -1024.0, 5000.0])
def test_the_window_does_not_assume_that_air_is_zero(files: dict[str, Path], level: float) -> None:
    raw = mosaic.load_canonical(files["raw"])
    values = raw.values.astype(np.float32) + level
    values[5, 5, 5] = 1e9
    low, high = layers.window_of(values)
    assert low - level == pytest.approx(10, abs=8)
    assert high - level == pytest.approx(1035, abs=30)


def test_constant_air_has_no_figure(files: dict[str, Path]) -> None:
    raw = mosaic.load_canonical(files["raw"])
    clean = np.where(raw.source.stored > 500, raw.source.stored, 0).astype(np.int16)
    source = Volume(raw.source.header, clean)
    assert layers.air_window(mosaic.Canonical(clean, raw.affine, source)) is None


def test_slices_are_pixel_for_pixel_and_square() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 255, (40, 50, 12)).astype(np.uint8)
    affine = np.diag([1.0, 1.0, 6.0, 1.0])
    source = Volume(nib.Nifti1Image(values, affine).header, values)
    image = mosaic.Canonical(values, affine, source)
    layout = mosaic.layout_of(image, Box.whole(values.shape), 10**6)
    axial, sagittal = layout.tiles(values)
    assert len(axial) == 12
    np.testing.assert_array_equal(axial[0], values[:, ::-1, 0].T)
    assert sagittal[0].shape == (72, 50)
    assert layout.arrange(values).shape[1] <= mosaic.WIDTH


def test_an_image_is_copied_onto_the_grid_of_another() -> None:
    values = np.random.default_rng(0).random((6, 7, 8)).astype(np.float32)
    source = Volume(nib.Nifti1Image(values, np.eye(4)).header, values)
    whole = mosaic.Canonical(values, np.eye(4), source)
    moved = from_matvec(np.eye(3), [1, 2, 3])
    part = mosaic.Canonical(values[1:5, 2:, 3:7], moved, source)
    expected = np.zeros_like(values)
    expected[1:5, 2:, 3:7] = values[1:5, 2:, 3:7]
    np.testing.assert_array_equal(part.on(whole), expected)


def test_without_masks_there_is_no_figure_of_the_brain(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    del files["mask"]
    assert draw(tmp_path / "figures", files) == {"figures": 6, "warnings": []}
    assert kinds(tmp_path / "figures") == {"input", "air", "cropBox", "crop", "thumb", "viewer"}


def test_a_broken_mask_does_not_stop_the_other_figures(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    files["mask"].write_bytes(files["mask"].read_bytes()[:40])
    details = draw(tmp_path / "figures", files)
    assert kinds(tmp_path / "figures") == {"input", "air", "cropBox", "crop", "thumb", "viewer"}
    assert [warning.split("'")[1] for warning in details["warnings"]] == ["results", "brain"]


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
    region = drawable.load_mask(mask)
    assert region.zooms == pytest.approx(image.zooms)
    moved = resample_from_to(region.image, image.image, order=1)
    np.testing.assert_allclose(1000 * moved.get_fdata(), image.data, atol=1)


def test_the_crop_is_drawn_before_and_after(tmp_path: Path, files: dict[str, Path]) -> None:
    raw, preproc = (drawable.load_drawable(files[key]) for key in ("raw", "preproc"))
    pictures = {item.kind: item for item in crop_pictures("sub-01_T1w", raw, preproc)}
    assert "RAS, 40 × 48 × 44 voxels of 4 × 4 × 4 mm" in pictures["cropBox"].alt
    assert "RAS, 32 × 40 × 36 voxels of 4 × 4 × 4 mm" in pictures["crop"].alt
    cyan = {}
    for kind, picture in pictures.items():
        save_picture(picture, tmp_path / "crop.png")
        seen = pixels_of(tmp_path / "crop.png")
        cyan[kind] = int(((seen[..., 2] - seen[..., 0]) > 100).sum())
    assert cyan["cropBox"] > 500
    assert cyan["crop"] == 0, "the box is drawn on the input alone"


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


def test_voxels_that_are_no_numbers_are_drawn_as_air(tmp_path: Path) -> None:
    head = (1000 * ball(75, grid())).astype(np.float32)
    spoilt = head.copy()
    spoilt[0, 0, :4] = (np.nan, np.inf, -np.inf, 3e38)
    pictures = [
        mosaic.load_canonical(write(tmp_path / f"{name}.nii", data, grid())).values
        for name, data in (("head", head), ("spoilt", spoilt))
    ]
    np.testing.assert_array_equal(*pictures)
    drawn = drawable.load_drawable(tmp_path / "spoilt.nii")
    assert float(np.abs(drawn.data).max()) <= 1000
