"""How large the report of a large study is, and how long it takes to write and to open.

    python tests/bench/report.py [SUBJECTS] [FOLDER]

Makes up the records and figures of SUBJECTS subjects (1,000), some of which failed, were excluded
or stand out, writes the report, and opens both kinds of page in a headless chromium from
``file://``. With a FOLDER the report stays there. Prints one row a measure.
"""

import argparse
import io
import math
import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

import psutil  # noqa: E402
from ecdysis.places import figures_folder  # noqa: E402
from ecdysis.quality.dictionary import MEASURES  # noqa: E402
from PIL import Image, ImageDraw, ImageFilter, PngImagePlugin  # noqa: E402

import report  # noqa: E402
from tests.browser import CHROMIUM, Browser  # noqa: E402
from tests.unit.made_output import MadeOutput  # noqa: E402

FIGURES = {"thumb": (128, 128), "input": (1100, 420), "crop": (1100, 820), "brain": (1200, 560)}
BYTES = {"thumb": 4_600, "input": 120_000, "crop": 180_000, "brain": 230_000}
"""What the figures of a 1 mm head weigh."""
DRAWN = 8
"""So many different figures of each kind are drawn, and shared."""


class FakeStudy(MadeOutput):
    """A study whose manifest is written once, at the end."""

    def save(self) -> None:
        """Wait."""

    def close(self) -> None:
        """Write the manifest."""
        super().save()


def make(root: Path, subjects: int, seed: int = 1) -> FakeStudy:
    """Leave behind what a run of so many subjects does.

    Of every 50 subjects one failed, one is refused, and one has measures that stand out.
    """
    chance = random.Random(seed)
    made = FakeStudy(root)
    drawn = {kind: [_png(kind, chance) for _ in range(DRAWN)] for kind in FIGURES}
    wide = len(str(subjects))
    for number in range(1, subjects + 1):
        label = f"{number:0{wide}d}"
        if number % 50 == 3:
            made.exclude(label, f"sub-{label}/anat/sub-{label}_T1w", "It is cut short.")
            continue
        name = made.image(label)
        if number % 50 == 7:
            made.record(name, "skullstrip", "failed", reason="the mask is empty", log="x\n" * 60)
            continue
        made.finish(name, figures=False)
        made.record(name, "crop", details={"BrainVolume": chance.gauss(1450, 130)})
        made.record(name, "measure", details=_quality(chance, odd=number % 50 == 11))
        folder = root / figures_folder(f"sub-{label}_T1w")
        folder.mkdir(parents=True, exist_ok=True)
        for kind, pictures in drawn.items():
            path = folder / f"sub-{label}_desc-{kind}_T1w.png"
            path.write_bytes(pictures[number % DRAWN])
    made.close()
    return made


def _quality(chance: random.Random, *, odd: bool) -> dict[str, object]:
    far = 9.0 if odd else 0.0
    measures = {
        measure.key: math.exp(
            chance.gauss(0.5 * index % 3, 0.12) + (0.1 * far if index == 0 else 0)
        )
        for index, measure in enumerate(MEASURES)
        if measure.key != "qi_2"
    }
    return {"measures": measures, "not_computable": {"qi_2": "there is no air"}}


def _png(kind: str, chance: random.Random) -> bytes:
    """Draw a head-like figure whose file weighs about what a real one does."""
    width, height = FIGURES[kind]
    picture = Image.new("L", (width, height))
    pen = ImageDraw.Draw(picture)
    across = max(1, round(width / height))
    step = width / across
    for index in range(across):
        middle, radius = (index + 0.5) * step, min(step, height) * chance.uniform(0.38, 0.44)
        for part, grey in ((1.0, 190), (0.93, 40), (0.86, 120), (0.6, 170)):
            box = (middle - radius * part * 0.8, height / 2 - radius * part)
            pen.ellipse((*box, 2 * middle - box[0], height - box[1]), fill=grey)
    noise = Image.effect_noise((width, height), 30).filter(ImageFilter.GaussianBlur(1.5))
    picture = Image.blend(picture, noise, 0.25)
    words = PngImagePlugin.PngInfo()
    words.add_itxt("Title", kind.capitalize())
    words.add_itxt("Description", f"The figure {kind}, made up")
    for colours in (256, 128, 64, 32, 16, 8, 4):
        stream = io.BytesIO()
        picture.quantize(colours).save(stream, "PNG", pnginfo=words)
        if stream.tell() <= BYTES[kind]:
            break
    return stream.getvalue()


def cpu_of_children() -> float:
    """CPU seconds of the browser and of what drives it."""
    processes = psutil.Process().children(recursive=True)
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def opened(page: Path) -> tuple[float, float, int]:
    """Open a page cold; return wall and CPU seconds until it is drawn, and its requests."""
    with Browser() as browser:
        before = cpu_of_children()
        browser.open(page)
        drawn = browser.evaluate(
            "new Promise((done) => requestAnimationFrame("
            "() => setTimeout(() => done(performance.now()))))"
        )
        asked = [url for url in browser.requests if not url.startswith("data:")]
        return drawn / 1000, cpu_of_children() - before, len(asked)


def main() -> None:
    """Make, write, open, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("subjects", nargs="?", type=int, default=1000)
    parser.add_argument("folder", nargs="?", type=Path, help="where the report stays")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = asked.folder or Path(scratch)
        make(root, asked.subjects)
        began, used = time.monotonic(), time.process_time()
        run = report.update(root, ended=True).run
        everything, cpu_all = time.monotonic() - began, time.process_time() - used
        began, used = time.monotonic(), time.process_time()
        report.update(root, ended=True)
        again, cpu_again = time.monotonic() - began, time.process_time() - used
        pages = list(root.glob("sub-*.html"))
        index = root / "index.html"
        largest = max(pages, key=lambda path: path.stat().st_size)
        print(
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(run.subjects)} subjects"
        )
        print(f"{'all pages written':<28}{everything:>9.1f} s, {cpu_all:.1f} s of CPU")
        print(f"{'index written again':<28}{again:>9.1f} s, {cpu_again:.1f} s of CPU")
        print(f"{'index':<28}{index.stat().st_size / 1e6:>9.2f} MB")
        print(f"{'largest subject page':<28}{largest.stat().st_size / 1e6:>9.2f} MB")
        if CHROMIUM:
            for page in (index, largest):
                drawn, cpu, requests = opened(page)
                kind = "index" if page is index else "subject page"
                words = f"{cpu:.2f} s of CPU, {requests} request(s)"
                print(f"{kind + ' drawn':<28}{drawn:>9.2f} s, {words}")


if __name__ == "__main__":
    main()
