"""Render the templates of the report into pages."""

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from ecdysis.files import write_text
from ecdysis.html_pages import REPORT, assets, environment
from ecdysis.report import wording
from ecdysis.report.model import Run
from ecdysis.report.status import NO_REASON
from ecdysis.version import __version__

SYMBOLS = {
    "done": "✓", "failed": "✗", "unreadable": "✗", "review": "⚑", "excluded by a rater": "⊘",
    "not applicable": "–", "interrupted": "‖", "running": "▸", "pending": "…",
}  # fmt: skip
"""By status of an image, and by state of a stage."""


def write_page(
    run: Run, template: str, name: str, scripts: tuple[str, ...], *, linked: bool, **content: Any
) -> Path:
    """Render a template of the folder ``report`` into the output directory; return the page.

    `scripts` run in this order. With `linked`, images may be files beside the page, too.
    """
    text = _environment().get_template(template)
    page = run.output_dir / name
    own = assets("style.css", scripts, images=" file: 'self'" if linked else "")
    written = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    write_text(page, text.render(run=run, assets=own, linked=linked, written=written, **content))
    return page


@cache
def templates_digest() -> str:
    """Hash everything that pages are made with."""
    parts = [path.read_bytes() for path in sorted(REPORT.iterdir()) if path.is_file()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


@cache
def _environment() -> jinja2.Environment:
    made = environment()
    made.policies["json.dumps_kwargs"] = {
        "allow_nan": False,
        "separators": (",", ":"),
        "ensure_ascii": False,
    }
    made.filters |= {
        "quantity": wording.quantity,
        "sentence": wording.sentence,
        "words": wording.words,
        "page": lambda subject: quote(wording.page_of(subject)),
    }
    made.tests |= {"matrix": wording.is_matrix, "plain_list": wording.is_plain_list}
    made.globals |= {"symbols": SYMBOLS, "no_reason": NO_REASON, "version": __version__}
    return made
