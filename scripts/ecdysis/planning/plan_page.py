"""The plan as one offline page, in which a person names series and saves ``plan.tsv``."""

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecdysis.bids import schema
from ecdysis.dicom.archives import opened
from ecdysis.dicom.reading import UNREADABLE
from ecdysis.private_files import write_private

TEMPLATE = Path(__file__).parents[3] / "report" / "plan.html"

MOST_PICTURES = 300
"""Only so many series get a picture, since each takes some hundredths of a second."""

WIDTH = 64
"""Pixels of a picture along its longer side."""


def write_plan_page(page: Path, table: str, notices: Sequence[str], dicom_dir: Path) -> None:
    """Write the page, readable by its owner alone.

    Parameters
    ----------
    page : Path
    table : str
        The text of ``series.tsv``.
    notices : sequence of str
        What a person should know.
    dicom_dir : Path
        The folder that the paths in the table are relative to.
    """
    columns, *rows = (line.split("\t") for line in table.splitlines())
    file = columns.index("file")
    data = {
        "columns": columns,
        "rows": rows,
        "rules": schema.rules(),
        "notices": list(notices),
        "pictures": [_picture(dicom_dir / row[file]) for row in rows[:MOST_PICTURES]],
    }
    # No text of a header ends the script element.
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    write_private(page, TEMPLATE.read_text(encoding="utf-8").replace("__DATA__", text))


def _picture(path: Path) -> str | None:
    """Return the middle frame of a file as a small PNG in a data URI; None without pixels."""
    import numpy as np
    from PIL import Image
    from pydicom import dcmread

    try:
        with opened(path) as stream:
            dataset: Any = dcmread(stream, force=True)
            pixels = dataset.pixel_array
        if pixels.ndim == 3 and dataset.get("SamplesPerPixel", 1) == 1:
            pixels = pixels[len(pixels) // 2]
        low, high = np.percentile(pixels, (1, 99))
        grey = np.clip((pixels - low) / max(high - low, 1e-6), 0, 1) * 255
        image = Image.fromarray(grey.astype("uint8"))
    except UNREADABLE:
        return None
    image.thumbnail((WIDTH, WIDTH))
    stream_out = io.BytesIO()
    image.save(stream_out, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream_out.getvalue()).decode()
