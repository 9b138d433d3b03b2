"""Open viewers in Firefox from ``file://``, and save a corrected mask.

    python tests/bench/firefox.py FIREFOX FOLDER PAGE [PAGE ...]

Drives the program FIREFOX, headless and with a fresh profile, by its Marionette protocol, since
playwright needs a Firefox of its own. Of each page it prints the seconds until the image is drawn
and the text about the crosshair. Where the mask can be corrected it erases a ball, saves the file
into FOLDER and prints its number of voxels before and after. Needs no network.
"""

import gzip
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

PORT = 2828
WAIT = 60
FACTS = """return [document.documentElement.dataset.ready ?? "", performance.now() / 1000,
  document.getElementById("position").textContent, document.getElementById("problem").textContent,
  Boolean(document.getElementById("edit"))]"""
ERASE = """
  const canvas = document.getElementById("axial");
  document.getElementById("sphere").click();
  dispatchEvent(new KeyboardEvent("keydown", { key: "e" }));
  const box = canvas.getBoundingClientRect();
  const place = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
  canvas.setPointerCapture = () => {};
  for (const kind of ["pointerdown", "pointerup"]) {
    canvas.dispatchEvent(new PointerEvent(kind, { ...place, button: 0, bubbles: true }));
  }
  const volume = document.getElementById("mask-volume").textContent;
  document.getElementById("save-mask").click();
  return volume;"""


class Firefox:
    """A context manager that holds one window."""

    def __init__(self, program: str, downloads: Path) -> None:
        self.profile = Path(tempfile.mkdtemp())
        settings = {
            "browser.download.folderList": 2,
            "browser.download.dir": str(downloads.resolve()),
            "browser.helperApps.neverAsk.saveToDisk": "application/gzip,application/x-gzip",
            "browser.download.always_ask_before_handling_new_types": False,
        }
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in settings.items()]
        (self.profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [program, "--headless", "--marionette", "--profile", str(self.profile)]
        self.process = subprocess.Popen(
            command,
            env=os.environ | {"HOME": str(self.profile)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.number = 0

    def __enter__(self) -> Self:
        until = time.monotonic() + WAIT
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", PORT), 2)
                break
            except OSError:
                if time.monotonic() > until:
                    self.process.terminate()
                    raise
                time.sleep(0.3)
        self.socket.settimeout(WAIT)
        self.stream = self.socket.makefile("rb")
        self._receive()
        self.send("WebDriver:NewSession", capabilities={})
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(WAIT)

    def _receive(self) -> Any:
        """Read one message: its length in bytes, a colon, JSON."""
        length = b""
        while (byte := self.stream.read(1)) != b":":
            length += byte
        return json.loads(self.stream.read(int(length)))

    def send(self, name: str, **arguments: Any) -> Any:
        """Send a command and return its result."""
        self.number += 1
        message = json.dumps([0, self.number, name, arguments]).encode()
        self.socket.sendall(f"{len(message)}:".encode() + message)
        _, _, error, result = self._receive()
        if error:
            raise RuntimeError(f"{name}: {error['message']}")
        return result

    def run(self, script: str) -> Any:
        """Run a script in the page and return its value."""
        return self.send("WebDriver:ExecuteScript", script=script, args=[])["value"]


def look(firefox: Firefox, page: Path, folder: Path) -> None:
    """Open a viewer and print what is seen; correct its mask if it can be corrected."""
    firefox.send("WebDriver:Navigate", url=page.resolve().as_uri())
    until = time.monotonic() + WAIT
    drawn = None
    while True:
        ready, seconds, text, problem, editable = firefox.run(FACTS)
        drawn = drawn or (seconds if ready else None)
        if ready == "all" or problem or time.monotonic() > until:
            break
        time.sleep(0.05)
    print(f"{page.name}: drawn after {drawn:.2f} s at most: {text} {problem}")
    if not editable:
        return
    before = set(folder.glob("*.nii.gz"))
    volume = firefox.run(ERASE)
    while not (saved := set(folder.glob("*.nii.gz")) - before) and time.monotonic() < until:
        time.sleep(0.2)
    content = gzip.decompress(saved.pop().read_bytes())
    print(f"  mask after erasing: {volume.strip()}; the saved file has {sum(content[352:])} voxels")


def main() -> None:
    """Open all pages."""
    program, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    with Firefox(program, folder) as firefox:
        firefox.send("WebDriver:SetWindowRect", width=1300, height=950)
        for page in map(Path, sys.argv[3:]):
            look(firefox, page, folder)


if __name__ == "__main__":
    main()
