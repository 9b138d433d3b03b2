"""How fast the interactive viewer of an image opens from ``file://``.

    python tests/bench/viewer.py IMAGE [IMAGE ...]

Writes the viewer of each image at native resolution, with a bias-corrected image and a mask of the
bright voxels as layers, and opens it in a headless chromium. Prints the size of the files, the
seconds from the start of the navigation until the image is drawn (wall clock, and CPU of the
browser), and the time of one redraw while the crosshair moves.
"""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

import numpy as np  # noqa: E402
from ecdysis.figures.image_viewer import write_image_viewer  # noqa: E402
from ecdysis.figures.layers import window_of  # noqa: E402
from ecdysis.figures.mosaic import Canonical, load_canonical  # noqa: E402

from tests.bench.report import cpu_of_children  # noqa: E402
from tests.browser import Browser  # noqa: E402

MOVE = """async (moves) => {
  const start = performance.now();
  for (let step = 0; step < moves; step += 1) {
    dispatchEvent(new KeyboardEvent("keydown", { key: "PageUp" }));
    await new Promise((go) => requestAnimationFrame(() => go()));
  }
  return (performance.now() - start) / moves;
}"""


def main() -> None:
    """Write, open, and print one row for each image."""
    for path in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as scratch, Browser() as browser:
            raw = load_canonical(path)
            low, high = window_of(raw.values)
            bright = (raw.values > low + 0.3 * (high - low)).astype(np.uint8)
            page = Path(scratch) / "viewer.html"
            mask = Canonical(bright, raw.affine, raw.source)
            field = np.linspace(0.8, 1.25, raw.values.shape[1])[:, np.newaxis]
            corrected = Canonical((raw.values / field).astype(np.float32), raw.affine, raw.source)
            images = [("input", "Input", raw), ("corrected", "Corrected", corrected)]
            write_image_viewer(page, path.name, raw, images, back="a.html", mask=mask)
            before = cpu_of_children()
            browser.open(page)
            browser.page.wait_for_selector("html[data-ready]")
            wall = browser.evaluate("performance.now()") / 1000
            cpu = cpu_of_children() - before
            move = browser.evaluate(f"({MOVE})(20)")
            first = page.with_name("viewer.input.js").stat().st_size / 1e6
            every = sum(file.stat().st_size for file in page.parent.iterdir()) / 1e6
            shape = " x ".join(map(str, raw.values.shape))
            print(f"{path.name} ({shape}), load {os.getloadavg()[0]:.1f}")
            print(f"  input {first:.1f} MB, all {every:.1f} MB")
            print(f"  drawn after {wall:.2f} s, {cpu:.2f} s of CPU; a step {move:.0f} ms")


if __name__ == "__main__":
    main()
