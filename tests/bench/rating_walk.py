"""A rater's walk: rate 20 images by keys alone, from the group page, in a headless chromium.

    python tests/bench/rating_walk.py

Makes up a report on 20 subjects. Accepts every image except each fourth, which is excluded with a
tag, checks that the right image was rated each time, and prints the time and the key presses.
"""

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from ecdysis.ratings import read_ratings  # noqa: E402

import report  # noqa: E402
from tests.browser import Browser  # noqa: E402
from tests.unit.made_output import MadeOutput  # noqa: E402

SUBJECTS = 20
TAG = "m"  # motion


def main() -> None:
    """Make the report, walk, and print."""
    with tempfile.TemporaryDirectory() as scratch, Browser() as browser:
        made = MadeOutput(Path(scratch) / "report")
        for number in range(1, SUBJECTS + 1):
            made.finish(made.image(f"{number:02d}"))
        report.update(made.root, ended=True)
        browser.open(made.root / "index.html")
        browser.evaluate("ecdysis.ratings.setRater('Ann')")
        began, presses = time.monotonic(), 0
        with browser.page.expect_navigation():
            browser.evaluate("document.getElementById('next-unrated').click()")
        expected = {}
        for number in range(1, SUBJECTS + 1):
            name = browser.page.text_content("#rate-name")
            keys = ["2", TAG] if number % 4 == 0 else ["1"]
            expected[name] = "exclude" if number % 4 == 0 else "accept"
            for key in keys:
                browser.press(key)
            presses += len(keys)
            if number < SUBJECTS:
                browser.follow("u")
                presses += 1
        seconds = time.monotonic() - began
        saved = browser.saved_by("save-ratings-tsv", Path(scratch))
        ratings = {rating.image: rating for rating in read_ratings([saved])}
    assert {name: rating.rating for name, rating in ratings.items()} == expected
    assert all(
        rating.tags == ("motion",) for rating in ratings.values() if rating.rating != "accept"
    )
    print(f"{len(ratings)} images rated in {seconds:.1f} s with {presses} key presses, all right")


if __name__ == "__main__":
    main()
