"""Small pictures of series, made of de-identified pixels only."""

import base64
import io
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ecdysis.deid.instance import instance_cleaner
from ecdysis.dicom.archives import GZIP, gunzipped
from ecdysis.dicom.reading import UNREADABLE
from ecdysis.dicom.refusals import RefusedError
from ecdysis.files import read_remembered
from ecdysis.key import Key
from ecdysis.private_files import write_private_json

MEMORY = "thumbnails.json"
"""The pictures made before, in the private folder."""

WIDTH = 96
"""Pixels of a picture along its longer side."""

QUALITY = 70
"""Of the JPEG."""

AT_ONCE = 32
"""Files that a process is given at a time."""


def thumbnails(
    files: Sequence[Path], key: Key, deid: Mapping[str, Any], private_dir: Path
) -> list[str | None]:
    """Return the middle frame of each file as a picture in a data URI.

    A file passes through the study's de-identification first. There is no picture of a file that
    it would set aside, such as one with burned-in annotation, and none without pixels.

    Parameters
    ----------
    files : sequence of Path
    key : Key
    deid : mapping
        The settings of the de-identification. Its exceptions (``admit``, the profile ``none``)
        do not apply here.
    private_dir : Path
        Remembers the pictures.
    """
    settings = {"options": [], **deid, "profile": "basic", "admit": [], "linkage_dir": None}
    basis = key.token("thumbnails", repr([settings, WIDTH, QUALITY]), 16)
    memory = read_remembered(private_dir / MEMORY)
    known = memory.get("pictures", {}) if memory.get("basis") == basis else {}
    states = {str(path): _state(path) for path in files}
    missing = [path for path, state in states.items() if known.get(path, [None])[0] != state]
    draw = partial(_picture, key=key, deid=settings)
    if len(missing) > AT_ONCE:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            drawn = list(pool.map(draw, missing, chunksize=AT_ONCE))
    else:
        drawn = [draw(path) for path in missing]
    pictures: dict[str, str | None] = {path: known[path][1] for path in states if path in known}
    pictures |= dict(zip(missing, drawn, strict=True))
    if missing or len(pictures) != len(known):
        remembered = {path: [states[path], picture] for path, picture in pictures.items()}
        write_private_json(private_dir / MEMORY, {"basis": basis, "pictures": remembered})
    return [pictures[str(path)] for path in files]


def _state(path: Path) -> list[int]:
    """Return size and time of a file; zeros when it is away."""
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
        clean = instance_cleaner(deid, key, "sub-0").clean(content)
        dataset: Any = dcmread(io.BytesIO(b"".join(clean.chunks)))
        pixels = dataset.pixel_array
        if pixels.ndim == 3 and dataset.get("SamplesPerPixel", 1) == 1:
            pixels = pixels[len(pixels) // 2]
        low, high = np.percentile(pixels, (1, 99))
        grey = np.clip((pixels - low) / max(high - low, 1e-6), 0, 1) * 255
        image = Image.fromarray(grey.astype("uint8"))
    except (RefusedError, *UNREADABLE):
        return None
    image.thumbnail((WIDTH, WIDTH))
    picture = io.BytesIO()
    image.save(picture, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(picture.getvalue()).decode()
