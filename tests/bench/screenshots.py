"""Screenshots of every page of a report, in both themes, wide and narrow.

    python tests/bench/screenshots.py REPORT FOLDER

Writes ``<page>_<theme>_<width>.jpg`` into FOLDER, and prints every page that is wider than its
window, or that the browser complains about. Viewers have one theme.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from tests.browser import Browser  # noqa: E402

WIDTHS = (400, 1440)
HEIGHT = 900
MOST = 6000
"""Height in pixels at which a picture is cut."""


def shoot(browser: Browser, page: Path, folder: Path, theme: str, width: int) -> list[str]:
    """Save a picture of a page; return what is wrong with the page."""
    browser.page.set_viewport_size({"width": width, "height": HEIGHT})
    browser.page.emulate_media(color_scheme="light" if theme == "light" else "dark")
    browser.open(page)
    if "_desc-viewer_" in page.name or page.stem.endswith("_viewer"):
        browser.page.wait_for_selector("html[data-ready=all]")
    else:
        # Lazy pictures load when they come into view.
        for image in browser.page.locator("figure img.on, .maps img").all():
            image.scroll_into_view_if_needed()
        browser.evaluate("scrollTo(0, 0)")
    height, wide = browser.evaluate(
        "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    )
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, MOST)}
    browser.page.screenshot(
        path=folder / f"{page.stem}_{theme}_{width}.jpg", full_page=True, clip=clip, quality=80
    )
    overflow = [f"{wide} px wide in a window of {width}"] if wide > width else []
    return [f"{page.name}, {theme}: {problem}" for problem in overflow + browser.complaints]


def main() -> None:
    """Open all pages and print the problems."""
    report, folder = map(Path, sys.argv[1:3])
    folder.mkdir(parents=True, exist_ok=True)
    pages = sorted(report.glob("*.html"))
    viewers = sorted([*report.glob("sub-*/figures/*/*.html"), *report.glob("figures/*/*.html")])
    problems: list[str] = []
    with Browser() as browser:
        for page in pages + viewers:
            for theme in ("dark",) if page in viewers else ("light", "dark"):
                for width in WIDTHS:
                    problems += shoot(browser, page, folder, theme, width)
    print(f"{len(list(folder.glob('*.jpg')))} pictures of {len(pages + viewers)} pages")
    print("\n".join(problems) or "no problem")


if __name__ == "__main__":
    main()
