"""A headless chromium, driven over the DevTools protocol through a pipe.

What the tests need of a browser, and no more: open a page from a file, press keys, run a line of
script, see what was requested, what the console says, and what was downloaded.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip
CODES = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowRight": 39, " ": 32}
PATIENCE = 60.0
"""Seconds."""


def find_chromium() -> str | None:
    """Return the browser's path, None when there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A context manager that holds one tab of a fresh profile."""

    def __init__(self, width: int = 1300, height: int = 1000) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="browser-"))
        self.downloads = self.folder / "downloads"
        self.downloads.mkdir()
        self._number = 0
        self._buffer = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # The protocol is spoken over descriptors 3 and 4.
        pipes = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(
            [
                "bash", "-c", pipes, str(find_chromium()), *QUIET,
                f"--user-data-dir={self.folder / 'profile'}", f"--window-size={width},{height}",
                "about:blank",
            ],
            pass_fds=(to_browser, from_browser),
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        targets = self.command("Target.getTargets")["targetInfos"]
        page = next(one for one in targets if one["type"] == "page")
        self._session = self.command(
            "Target.attachToTarget", targetId=page["targetId"], flatten=True
        )["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.command(f"{domain}.enable")
        self.command(
            "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.command("Browser.close")
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
        os.close(self._out)
        os.close(self._in)
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, method: str, **parameters: Any) -> Any:
        """Send one command and return its result; what happens meanwhile goes to `events`."""
        self._number += 1
        sent: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith(("Target.", "Browser.")):
            sent["sessionId"] = self._session
        os.write(self._out, json.dumps(sent).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self, page: Path | str) -> None:
        """Open a file, or an address, and wait until it has loaded."""
        self.events.clear()
        address = page if isinstance(page, str) else f"file://{quote(str(page))}"
        self.command("Page.navigate", url=address)
        self.wait_for_load()

    def wait_for_load(self) -> None:
        """Wait until a page has loaded since `events` was cleared."""
        while not self._seen("Page.loadEventFired"):
            self.events.append(self._message())
        self.evaluate("1")

    def evaluate(self, script: str) -> Any:
        """Return the value of a line of script; a promise is waited for."""
        found = self.command(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:2000])
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release one key."""
        code = CODES.get(key, ord(key[0].upper()))
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        for kind in ("keyDown", "keyUp"):
            given = {"type": kind, "key": key, "windowsVirtualKeyCode": code}
            if text and kind == "keyDown":
                given["text"] = text
            self.command("Input.dispatchKeyEvent", **given)

    def type(self, words: str) -> None:
        """Write into the field that has the focus."""
        self.command("Input.insertText", text=words)

    def follow(self, key: str) -> None:
        """Press a key that leads to another page, and wait until that has loaded."""
        self.events.clear()
        self.press(key)
        self.wait_for_load()

    def downloaded(self, name: str) -> Path:
        """Wait for a file that a page saved."""
        path = self.downloads / name
        end = time.monotonic() + PATIENCE
        while not path.is_file() or not path.stat().st_size:
            if time.monotonic() > end:
                raise TimeoutError(f"no download {name}")
            time.sleep(0.05)
        return path

    def give_files(self, selector: str, *paths: Path) -> None:
        """Choose files in a file input."""
        root = self.command("DOM.getDocument")["root"]["nodeId"]
        node = self.command("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.command("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def theme(self, name: str) -> None:
        """Let the system prefer light or dark."""
        feature = {"name": "prefers-color-scheme", "value": name}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, path: Path) -> None:
        """Save what is in the window."""
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot")["data"]))

    @property
    def requests(self) -> list[str]:
        """The addresses that were requested since a page was opened."""
        return [
            one["params"]["request"]["url"]
            for one in self.events
            if one.get("method") == "Network.requestWillBeSent"
        ]

    @property
    def blocked(self) -> list[str]:
        """Why requests were not sent."""
        return [
            one["params"]["blockedReason"]
            for one in self.events
            if one.get("method") == "Network.loadingFailed" and "blockedReason" in one["params"]
        ]

    @property
    def complaints(self) -> list[str]:
        """What the browser found wrong since a page was opened, dialogs included."""
        kinds = ("Log.entryAdded", "Runtime.exceptionThrown", "Page.javascriptDialogOpening")
        return [json.dumps(one["params"]) for one in self.events if one.get("method") in kinds]

    @property
    def cpu_seconds(self) -> float:
        """What the browser's processes used so far (proc(5), fields 14 and 15 of stat)."""
        ticks = 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if str(self.folder).encode() in (folder / "cmdline").read_bytes():
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                    ticks += int(fields[11]) + int(fields[12])
            except OSError:  # it has ended meanwhile
                continue
        return ticks / os.sysconf("SC_CLK_TCK")

    def _seen(self, method: str) -> bool:
        return any(one.get("method") == method for one in self.events)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], PATIENCE)[0]:
                raise TimeoutError("the browser says nothing")
            piece = os.read(self._in, 1 << 16)
            if not piece:
                raise RuntimeError("the browser is gone")
            self._buffer += piece
        message, self._buffer = self._buffer.split(b"\0", 1)
        found: dict[str, Any] = json.loads(message)
        return found
