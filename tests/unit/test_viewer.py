"""The interactive viewer in a browser: what it shows, its keys, and the mask that a rater saves."""

import io
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from crop import BrainFiles, crop
from ecdysis.figures.image_viewer import write_image_viewer
from ecdysis.figures.mosaic import Canonical, load_canonical
from ecdysis.figures.viewer import mask_header
from ecdysis.image.brain_mask import read_mask
from ecdysis.image.volume import read
from nibabel.affines import apply_affine, from_matvec
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    ornt_transform,
)
from PIL import Image

from tests.browser import Browser, needs_browser

AXE = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js")
HOSTILE = "<script>alert(1)</script>\" onload='alert(2)' </title><img src=x>"
SHAPE, SPACING = (50, 60, 54), 3.0
CENTRE = np.array([10.0, -6.0, 4.0])
MASK_FILE = Path("sub-01/anat/sub-01_desc-brain_mask.nii.gz")
CROP = {"modes": ["none"], "slices": {}, "margin": 6, "fov": {}}


def ball(affine: np.ndarray, shape: tuple[int, ...], radius: float) -> np.ndarray:
    """Return the voxels within so many mm of CENTRE."""
    places = apply_affine(affine, np.stack(np.indices(shape), axis=-1))
    return np.linalg.norm(places - CENTRE, axis=-1) < radius


def save(path: Path, data: np.ndarray, affine: np.ndarray) -> Path:
    image = nib.Nifti1Image(data, affine)
    image.header["descrip"] = b"Doe^Jane"
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    nib.save(image, path)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ball as head, half as wide a ball as brain, stored with its axes as scanners do."""
    folder = tmp_path_factory.mktemp("viewer")
    canonical = from_matvec(np.eye(3) * SPACING, -SPACING * np.array(SHAPE) / 2)
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt("PSR"))
    affine = canonical @ inv_ornt_aff(turn, SHAPE)
    shape = apply_orientation(np.empty(SHAPE), turn).shape
    head, brain = (ball(affine, shape, radius) for radius in (66, 33))
    save(folder / "raw.nii.gz", (900 * head).astype(np.int16), affine)
    save(folder / "mask.nii.gz", brain.astype(np.uint8), affine)
    raw, mask = (load_canonical(folder / f"{name}.nii.gz") for name in ("raw", "mask"))
    darker = Canonical(raw.values // 3 + raw.values // 6 * mask.values, raw.affine, raw.source)
    page = folder / "viewer.html"
    images = [("input", "Input", raw), ("corrected", "Corrected", darker)]
    write_image_viewer(page, HOSTILE, raw, images, back="../a.html", mask=mask, mask_path=MASK_FILE)
    write_image_viewer(folder / "plain.html", "plain", raw, images[:1], back="b.html")
    return folder


@pytest.fixture(scope="module")
def shared() -> Iterator[Browser]:
    with Browser(1200, 900) as browser:
        yield browser


@pytest.fixture
def browser(shared: Browser, made: Path) -> Browser:
    open_viewer(shared, made / "viewer.html")
    return shared


def open_viewer(browser: Browser, page: Path) -> None:
    """Open a viewer and wait until it has drawn, and loaded all layers."""
    browser.open(page)
    browser.page.wait_for_selector("html[data-ready=all]")


def wait_for_drawing(browser: Browser) -> None:
    browser.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")


def pixels(browser: Browser, plane: str = "axial") -> np.ndarray:
    """Return the pixels of a plane after it was drawn, shape (height, width, 3)."""
    wait_for_drawing(browser)
    with Image.open(io.BytesIO(browser.page.locator(f"#{plane}").screenshot())) as shot:
        return np.asarray(shot.convert("RGB")).astype(int)


def amber(shown: np.ndarray) -> int:
    return int(((shown[..., 0] - shown[..., 2]) > 60).sum())


def grey_between(browser: Browser) -> int:
    """Return the grey of the head outside the brain, below the middle."""
    shown = pixels(browser)
    return int(shown[round(shown.shape[0] * 0.84), shown.shape[1] // 2 + 10, 1])


def position(browser: Browser) -> tuple[np.ndarray, str]:
    """Return the crosshair in mm, and the text about it."""
    wait_for_drawing(browser)
    text = browser.page.text_content("#position") or ""
    found = re.match(r"x (-?[\d.]+), y (-?[\d.]+), z (-?[\d.]+) mm", text)
    assert found, text
    return np.array([float(number) for number in found.groups()]), text


@needs_browser
def test_lesions_and_a_replaced_mask_are_layers(shared, made, tmp_path) -> None:
    raw, mask = (load_canonical(made / f"{name}.nii.gz") for name in ("raw", "mask"))
    page = tmp_path / "viewer.html"
    write_image_viewer(
        page, "lesions", raw, [("input", "Input", raw)],
        back="a.html", mask=mask, automatic=mask, lesion=mask,
    )  # fmt: skip
    open_viewer(shared, page)
    shown = shared.evaluate("document.body.innerText")
    assert "lesions" in shown
    assert "automatic mask" in shown


@needs_browser
def test_an_image_without_its_bias_field_is_stored_as_a_ratio(shared, made, tmp_path) -> None:
    raw = load_canonical(made / "raw.nii.gz")
    draw = np.random.default_rng(0)
    noisy = (raw.values * draw.uniform(0.5, 1, raw.values.shape)).astype(np.float32)
    field = np.linspace(0.95, 1.05, SHAPE[1], dtype=np.float32)[:, np.newaxis]
    images = [("input", "Input", noisy), ("corrected", "Corrected", noisy / field)]
    page = tmp_path / "viewer.html"
    write_image_viewer(
        page,
        "ratio",
        raw,
        [
            (name, words, Canonical(values, raw.affine, raw.source))
            for name, words, values in images
        ],
        back="a.html",
    )
    sizes = [page.with_name(f"viewer.{name}.js").stat().st_size for name in ("corrected", "input")]
    assert sizes[0] < sizes[1] / 5
    open_viewer(shared, page)
    shared.press("c")
    for _ in range(3):
        shared.press("PageUp")
        place, text = position(shared)
        voxel = np.rint(apply_affine(np.linalg.inv(raw.affine), place)).astype(int)
        expected = (noisy / field)[tuple(voxel)]
        value = re.search(r"Corrected: ([\d.]+)", text)
        assert value, text
        assert abs(float(value[1]) - expected) < 0.03 * expected


def test_nothing_of_the_title_is_markup(made: Path) -> None:
    text = (made / "viewer.html").read_text()
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2


def test_the_saved_header_holds_the_grid_and_nothing_else(made: Path) -> None:
    raw = load_canonical(made / "raw.nii.gz")
    header = mask_header(raw)
    assert len(header) == 352
    assert b"Doe" not in header
    parsed = nib.Nifti1Header(header[:348])
    np.testing.assert_allclose(parsed.get_sform(), raw.affine, atol=1e-4)
    assert parsed.get_data_shape() == raw.values.shape


@needs_browser
def test_the_browser_loads_only_files_beside_the_page(browser: Browser, made: Path) -> None:
    beside = made.as_uri()
    assert all(url.startswith((beside, "data:")) for url in browser.requests)
    assert {url.rpartition("/")[2] for url in browser.requests if url.endswith(".js")} == {
        f"viewer.{layer}.js" for layer in ("input", "corrected", "mask")
    }
    assert browser.complaints == []
    browser.evaluate("new Promise((go) => { const image = new Image(); image.onerror = go;"
                     " image.src = 'http://127.0.0.1:9/x.png' })")  # fmt: skip
    assert browser.blocked == ["csp"]


@needs_browser
def test_head_and_mask_have_their_size_and_place(browser: Browser) -> None:
    place, text = position(browser)
    assert place == pytest.approx(CENTRE, abs=SPACING)
    # A value is stored in one byte.
    assert re.search(r"Input: (89\d|90\d) · brain mask: inside$", text)
    browser.press("h")
    browser.press("o")
    shown = pixels(browser)
    white = int((shown.min(axis=-1) > 215).sum())
    # The areas of a disc of 33 mm, and of the ring from there to 66 mm
    assert white / amber(shown) == pytest.approx(3, rel=0.1)
    rows, columns = np.nonzero((shown[..., 0] - shown[..., 2]) > 60)
    assert rows.mean() == pytest.approx(shown.shape[0] / 2, abs=0.06 * shown.shape[0])
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), rel=0.05)


@needs_browser
def test_layers_switch_by_key_and_while_a_key_is_held(browser: Browser) -> None:
    for key in "hm":
        browser.press(key)
    assert amber(pixels(browser)) == 0
    assert grey_between(browser) > 220
    browser.press("c")
    between = grey_between(browser)
    assert 100 < between < 200, "the window of the second image"
    browser.page.keyboard.down("x")
    assert grey_between(browser) > 220
    browser.page.keyboard.up("x")
    assert grey_between(browser) == between


@needs_browser
def test_wheel_zoom_window_and_arrows(browser: Browser) -> None:
    start, _ = position(browser)
    centre = browser.page.locator("#axial").bounding_box()
    assert centre
    middle = centre["x"] + centre["width"] / 2, centre["y"] + centre["height"] / 2
    browser.page.mouse.move(*middle)
    browser.page.mouse.wheel(0, -100)
    assert position(browser)[0] - start == pytest.approx([0, 0, SPACING], abs=0.11)
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        browser.press(key)
    moved = [2 * SPACING, -SPACING, SPACING]
    assert position(browser)[0] - start == pytest.approx(moved, abs=0.11)
    browser.press("h")
    browser.press("o")
    before = amber(pixels(browser))
    browser.press("+")
    assert amber(pixels(browser)) == pytest.approx(1.25**2 * before, rel=0.05)
    browser.press("m")
    browser.page.mouse.down(button="right")
    browser.page.mouse.move(middle[0], middle[1] + 200)
    browser.page.mouse.up(button="right")
    assert grey_between(browser) < 220
    browser.press("r")
    assert grey_between(browser) > 220
    assert position(browser)[0] == pytest.approx(start)


@needs_browser
def test_a_rater_corrects_the_mask_and_the_next_run_takes_it(
    browser: Browser, made: Path, tmp_path: Path
) -> None:
    box = browser.page.locator("#coronal").bounding_box()
    assert box
    spot = box["x"] + box["width"] * 0.72, box["y"] + box["height"] * 0.3
    browser.page.mouse.click(*spot)
    place, text = position(browser)
    assert text.endswith("outside")
    browser.press("d")
    browser.page.fill("#radius", "6")
    browser.page.mouse.click(*spot)
    assert position(browser)[1].endswith("inside")
    browser.press("z")
    assert position(browser)[1].endswith("outside")
    browser.page.check("#sphere")
    browser.page.mouse.click(*spot)
    saved = browser.saved_by("save-mask", tmp_path)
    assert saved.name == MASK_FILE.name
    browser.evaluate("new Promise((go) => setTimeout(go, 50))")

    raw = read(made / "raw.nii.gz")
    before, after = (read_mask(path, raw) for path in (made / "mask.nii.gz", saved))
    added = apply_affine(raw.affine, np.argwhere(after & ~before))
    assert not (before & ~after).any()
    assert len(added) * SPACING**3 == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.25)
    assert added.mean(axis=0) == pytest.approx(place, abs=SPACING / 2)

    (tmp_path / "raw.json").write_text('{"Warnings": []}')
    outputs = [tmp_path / f"{kind}.nii.gz" for kind in ("preproc", "mask", "brain")]
    (tmp_path / "raw.nii.gz").write_bytes((made / "raw.nii.gz").read_bytes())
    brain = BrainFiles(saved, outputs[1], outputs[2], manual=True)
    crop(tmp_path / "raw.nii.gz", outputs[0], CROP, sources=["bids::raw"], brain=brain)
    assert np.count_nonzero(nib.load(outputs[1]).dataobj) == np.count_nonzero(after)


@needs_browser
def test_no_serious_fault_of_accessibility(browser: Browser) -> None:
    browser.evaluate(AXE.read_text(encoding="utf-8"))
    violations = browser.evaluate("axe.run().then((result) => result.violations)")
    serious = [item["id"] for item in violations if item["impact"] in ("serious", "critical")]
    assert serious == []


@needs_browser
def test_without_a_mask_nothing_is_corrected(shared: Browser, made: Path) -> None:
    open_viewer(shared, made / "plain.html")
    assert shared.evaluate("document.getElementById('edit')") is None
    assert shared.evaluate("document.getElementById('overlays').hidden")
    for key in "mtdezn":
        shared.press(key)
    assert shared.complaints == []
    assert grey_between(shared) > 220


@needs_browser
def test_a_missing_data_file_is_reported(shared: Browser, made: Path, tmp_path: Path) -> None:
    (tmp_path / "viewer.html").write_text((made / "viewer.html").read_text())
    shared.open(tmp_path / "viewer.html")
    shared.page.wait_for_selector("#problem:not(:empty)")
    assert "cannot be loaded" in (shared.page.text_content("#problem") or "")
