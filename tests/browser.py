"""Debian's chromium, headless, for tests of pages: what it shows, and what it asks of a network."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
BROWSER = "not an origin"
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def dom_after(page: Path, script: str, folder: Path) -> str:
    """Open a copy of a page that runs `script` at the end; return its DOM as HTML.

    The copy has no Content Security Policy, which would forbid the script.
    """
    text = page.read_text(encoding="utf-8")
    start = text.index('<meta http-equiv="Content-Security-Policy"')
    text = text[:start] + text[text.index(">", start) + 1 :]
    copy = folder / f"with_script_{page.name}"
    copy.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    return _run(copy, folder, "--dump-dom")


def screenshot(page: Path, folder: Path, width: int = 1000, height: int = 640) -> Path:
    """Draw a page as it is; return the PNG."""
    picture = folder / f"{page.stem}.png"
    _run(page, folder, f"--screenshot={picture}", f"--window-size={width},{height}")
    return picture


def requests_of(page: Path, folder: Path) -> list[str]:
    """Return the addresses, other than files and data, that a page asks for when it is opened."""
    log = folder / "net.json"
    _run(page, folder, f"--log-net-log={log}", "--net-log-capture-mode=Everything", "--dump-dom")
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    started = [event.get("params", {}) for event in events]
    # What the browser asks of its makers has no origin.
    return [
        item["url"]
        for item in started
        if item.get("initiator", BROWSER) != BROWSER
        and not item["url"].startswith(("file:", "data:"))
    ]


def _run(page: Path, folder: Path, *options: str) -> str:
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--disable-extensions", f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=5000", *options, page.resolve().as_uri(),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return run.stdout
