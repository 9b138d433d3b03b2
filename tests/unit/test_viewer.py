"""The interactive viewer: one file that draws, moves, asks nobody and escapes what it is given."""

import re
from pathlib import Path

import matplotlib as mpl
import nibabel as nib
import numpy as np
import pytest
from ecdysis.figures.drawable import load_drawable, load_mask
from ecdysis.figures.viewer import brain_viewer, save_page
from PIL import Image

from tests.browser import Browser, needs_browser, requests_of, screenshot

mpl.use("Agg")
HOSTILE = "<script>alert(1)</script>\" onload='alert(2)' </title><img src=x>"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The viewer of a bright ball with a mask of half its radius."""
    folder = tmp_path_factory.mktemp("viewer")
    affine = np.diag([3.0, 3, 3, 1])
    affine[:3, 3] = -75
    index = np.stack(np.indices((51, 51, 51)), axis=-1) - 25
    distance = np.linalg.norm(index, axis=-1) * 3
    for name, data in (("head", 900 * (distance < 66)), ("mask", distance < 33)):
        image = nib.Nifti1Image(data.astype(np.uint8 if name == "mask" else np.int16), affine)
        image.set_sform(affine, 1)
        nib.save(image, folder / f"{name}.nii")
    mask = load_mask(folder / "mask.nii")
    head = load_drawable(folder / "head.nii")
    save_page(brain_viewer(HOSTILE, head, mask), folder / "viewer.html")
    save_page(brain_viewer("plain", head, None), folder / "plain.html")
    return folder


def test_nothing_of_the_title_is_markup(made: Path) -> None:
    text = (made / "viewer.html").read_text()
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2


def test_the_page_is_small_and_names_no_other_place(made: Path) -> None:
    text = (made / "viewer.html").read_text()
    assert len(text) < 4_000_000
    markup = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    sources = re.findall(r"""<[^>]+\s(?:src|href)=["']([^"']{0,30})""", markup)
    assert sources
    assert {source.split(",")[0] for source in sources} == {"data:image/png;base64", "data:"}


def test_without_a_mask_there_is_no_layer_to_turn_off(made: Path) -> None:
    assert '<label hidden><input type="checkbox" id="layer"' in (made / "plain.html").read_text()


@needs_browser
def test_the_browser_draws_head_and_mask_under_the_policy(made: Path) -> None:
    with Image.open(screenshot(made / "viewer.html", made)) as shot:
        seen = np.asarray(shot.convert("RGB")).astype(int)
    amber = (seen[..., 0] - seen[..., 2]) > 60
    white = seen.min(axis=-1) > 230
    # The areas of discs of 33 mm, and of rings from there to 66 mm, in three planes
    assert white.sum() / amber.sum() == pytest.approx(3, rel=0.15)
    assert amber.sum() > 20_000


@needs_browser
def test_the_browser_asks_nobody_for_anything(made: Path) -> None:
    assert requests_of(made / "viewer.html") == []
    telling = made / "telling.html"
    telling.write_text('<title>a</title><img src="http://example.invalid/a.png">')
    assert requests_of(telling) == ["http://example.invalid/a.png"]


@needs_browser
def test_sliders_and_the_switch_of_the_layer_work(made: Path) -> None:
    script = """
      (() => {
        const canvas = document.querySelector("canvas");
        const amber = () => {
          const box = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          let count = 0;
          for (let i = 0; i < box.length; i += 4) count += box[i] - box[i + 2] > 60;
          return count;
        };
        const change = (id, kind, edit) => {
          edit(document.getElementById(id));
          document.getElementById(id).dispatchEvent(new Event(kind));
        };
        change("cross", "change", (box) => { box.checked = false; });
        const counts = [amber()];
        change("layer", "change", (box) => { box.checked = false; });
        counts.push(amber());
        change("layer", "change", (box) => { box.checked = true; });
        counts.push(amber());
        change("X", "input", (slider) => { slider.value = 2; });
        counts.push(amber());
        return counts;
      })()
    """
    with Browser() as browser:
        browser.open(made / "viewer.html")
        shown, hidden, again, aside = browser.evaluate(script)
        position = browser.page.text_content("output")
    assert shown == again > 20_000
    assert hidden == 0
    # The sagittal plane left the mask; the other two show it still.
    assert aside / shown == pytest.approx(2 / 3, rel=0.1)
    assert re.fullmatch(r"x = -\d+ mm, y = -?\d+ mm, z = -?\d+ mm", position)
