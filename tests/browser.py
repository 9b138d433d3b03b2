"""The system's chromium, driven by playwright: what a page shows, requests and saves."""

import shutil
from pathlib import Path
from typing import Any, Self

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


class Browser:
    """A context manager that holds one tab of a fresh profile."""

    def __init__(self, width: int = 1300, height: int = 1000) -> None:
        self._driver = sync_playwright().start()
        self._browser = self._driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        size: Any = {"width": width, "height": height}
        self.page = self._browser.new_page(viewport=size)
        self.requests: list[str] = []
        self.blocked: list[str] = []
        self.complaints: list[str] = []
        on = self.page.on
        on("request", lambda request: self.requests.append(request.url))
        on("requestfailed", lambda request: self.blocked.append(request.failure))
        on("pageerror", lambda error: self.complaints.append(str(error)))
        on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        on(
            "console",
            lambda line: line.type in {"error", "warning"} and self.complaints.append(line.text),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._driver.stop()

    def open(self, page: Path) -> None:
        """Open a file and wait until it has loaded; forget the requests and complaints so far."""
        for record in (self.requests, self.blocked, self.complaints):
            record.clear()
        self.page.goto(page.resolve().as_uri())

    def evaluate(self, script: str) -> Any:
        """Return the value of a line of script, of a promise when it is settled."""
        return self.page.evaluate(script)

    def press(self, key: str) -> None:
        """Press and release a key."""
        self.page.keyboard.press(key)

    def type(self, words: str) -> None:
        """Write into the field that has the focus."""
        self.page.keyboard.insert_text(words)

    def follow(self, key: str) -> None:
        """Press a key that leads to another page, and wait until that has loaded."""
        with self.page.expect_navigation():
            self.press(key)

    def saved_by(self, button: str, folder: Path) -> Path:
        """Click the button with this id and return the file that the page saves into `folder`."""
        with self.page.expect_download() as download:
            self.evaluate(f"document.getElementById('{button}').click()")
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path


def screenshot(page: Path, folder: Path, width: int = 1000, height: int = 640) -> Path:
    """Draw a page; return the PNG."""
    picture = folder / f"{page.stem}.png"
    with Browser(width, height) as browser:
        browser.open(page)
        browser.page.screenshot(path=picture)
    return picture
