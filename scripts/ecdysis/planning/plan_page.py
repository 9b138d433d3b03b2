"""The offline page of a plan, on which the user names series and saves ``plan.tsv``.

Its pictures show de-identified pixels only.
"""

import base64
import io
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ecdysis.bids import schema
from ecdysis.deid.instance import InstanceCleaner
from ecdysis.dicom.elements import RefusedError
from ecdysis.dicom.reading import GZIP, UNREADABLE, gunzipped
from ecdysis.files import read_remembered
from ecdysis.key import Key
from ecdysis.planning.entries import Plan
from ecdysis.private_files import write_private, write_private_json

TEMPLATE = Path(__file__).parents[3] / "report" / "plan.html"

THUMBNAILS = "thumbnails.json"
"""The file of the private folder that keeps the pictures."""

WIDTH = 96
"""Longer side of a picture in pixels."""

QUALITY = 70
"""JPEG quality of a picture."""

CHUNK = 32
"""Number of files that a process gets at a time."""


def files_in_table(table: str) -> list[str]:
    """Return one file of each series in ``series.tsv``, relative to the DICOM folder."""
    columns, *rows = _cells(table)
    file = columns.index("file")
    return [row[file] for row in rows]


def write_plan_page(
    page: Path, table: str, plan: Plan, protocols: str, pictures: Sequence[str | None]
) -> None:
    """Write the page. Only its owner can read it.

    `table` and `protocols` are the texts of ``series.tsv`` and ``protocol.tsv``. The notices and
    deviations of the plan are shown. `pictures` are a data URI, or None, for each series of the
    table.
    """
    columns, *rows = _cells(table)
    data = {
        "columns": columns,
        "rows": rows,
        "rules": schema.rules(),
        "notices": plan.notices,
        "deviations": [asdict(item) for item in plan.deviations],
        "protocols": _cells(protocols),
        "pictures": pictures,
    }
    # Without the character <, no text of a header can end the script element.
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    write_private(page, TEMPLATE.read_text(encoding="utf-8").replace("__DATA__", text))


def _cells(table: str) -> list[list[str]]:
    return [line.split("\t") for line in table.splitlines()]


def thumbnails(
    files: Sequence[Path], key: Key, deid: Mapping[str, Any], private_dir: Path
) -> list[str | None]:
    """Return a picture of the middle frame of each file, as a data URI.

    Each file is de-identified first. A file without pixels has no picture, nor has a file that
    de-identification refuses, for example because of burned-in annotation. The exceptions in the
    settings of the de-identification (``admit``, the profile ``none``) are ignored. `private_dir`
    keeps the pictures for the next run.
    """
    settings = {"options": [], **deid, "profile": "basic", "admit": [], "linkage_dir": None}
    basis = key.token("thumbnails", repr([settings, WIDTH, QUALITY]), 16)
    remembered = read_remembered(private_dir / THUMBNAILS)
    known = remembered.get("pictures", {}) if remembered.get("basis") == basis else {}
    states = {str(path): _state(path) for path in files}
    missing = [path for path, state in states.items() if known.get(path, [None])[0] != state]
    draw = partial(_picture, key=key, deid=settings)
    if len(missing) > CHUNK:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            drawn = list(pool.map(draw, missing, chunksize=CHUNK))
    else:
        drawn = [draw(path) for path in missing]
    pictures: dict[str, str | None] = {path: known[path][1] for path in states if path in known}
    pictures |= dict(zip(missing, drawn, strict=True))
    if missing or len(pictures) != len(known):
        entries = {path: [states[path], picture] for path, picture in pictures.items()}
        write_private_json(private_dir / THUMBNAILS, {"basis": basis, "pictures": entries})
    return [pictures[str(path)] for path in files]


def _state(path: Path) -> list[int]:
    """Return size and modification time of a file; zeros if the file is missing."""
    try:
        status = path.stat()
    except OSError:
        return [0, 0]
    return [status.st_size, status.st_mtime_ns]


def _picture(path: str, key: Key, deid: Mapping[str, Any]) -> str | None:
    import numpy as np
    from PIL import Image
    from pydicom import dcmread

    try:
        content = Path(path).read_bytes()
        if content.startswith(GZIP):
            content = gunzipped(Path(path)) or b""
        clean = InstanceCleaner(deid, key, "sub-0").clean(content)
        dataset: Any = dcmread(io.BytesIO(b"".join(clean.chunks)))
        pixels = dataset.pixel_array
        if pixels.ndim == 3 and dataset.get("SamplesPerPixel", 1) == 1:
            pixels = pixels[len(pixels) // 2]
        low, high = np.percentile(pixels, (1, 99))
        grey = np.clip((pixels - low) / max(high - low, 1e-6), 0, 1) * 255
        image = Image.fromarray(grey.astype("uint8"))
    except (RefusedError, RuntimeError, *UNREADABLE):
        # pydicom raises RuntimeError where it has no decoder for the compression of the pixels.
        return None
    image.thumbnail((WIDTH, WIDTH))
    picture = io.BytesIO()
    image.save(picture, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(picture.getvalue()).decode()
