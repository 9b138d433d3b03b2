"""Templates made into pages that are one file each.

Style, scripts and figures are inside a page, and its Content Security Policy (W3C CSP Level 3)
allows nothing else, not even a script that got in with the data. Text from data is escaped by
Jinja; data for scripts is JSON in which every character that HTML could read is escaped.
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from ecdysis.files import write_text
from ecdysis.report import wording
from ecdysis.report.dicom_table import session_rows
from ecdysis.report.model import Run, Subject
from ecdysis.report.status import NO_REASON
from ecdysis.version import __version__

REPORT = Path(__file__).parents[3] / "report"
SYMBOLS = {
    "done": "✓", "failed": "✗", "unreadable": "✗", "review": "⚑", "excluded by a rater": "⊘",
    "not applicable": "–", "interrupted": "‖", "running": "▸", "pending": "…",
}  # fmt: skip
"""By status of an image, and by state of a stage."""


@dataclass(frozen=True)
class Assets:
    """Style and script of a page, and the policy that allows these alone."""

    style: Markup
    script: Markup
    policy: str


def write_page(
    run: Run, template: str, name: str, scripts: tuple[str, ...], *, linked: bool, **content: Any
) -> Path:
    """Render a template into the output directory; return the path of the page.

    Parameters
    ----------
    run : Run
    template : str
        A file of the folder ``report``.
    name : str
        Of the page.
    scripts : tuple of str
        Files of the folder ``report``, which run in this order.
    linked : bool
        Images may be files beside the page, too.
    content
        What the template names.
    """
    text = (
        _environment()
        .get_template(template)
        .render(
            run=run,
            assets=_assets(scripts, linked=linked),
            linked=linked,
            written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            **content,
        )
    )
    page = run.output_dir / name
    write_text(page, text)
    return page


@cache
def templates_digest() -> str:
    """Hash everything that pages are made with."""
    parts = [path.read_bytes() for path in sorted(REPORT.iterdir()) if path.is_file()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(REPORT),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "allow_nan": False, "separators": (",", ":"), "ensure_ascii": False,
    }  # fmt: skip
    environment.filters |= {
        "quantity": wording.quantity,
        "sentence": wording.sentence,
        "words": wording.words,
        "page": _link,
    }
    environment.tests |= {"matrix": wording.is_matrix, "plain_list": wording.is_plain_list}
    environment.globals |= {
        "symbols": SYMBOLS,
        "no_reason": NO_REASON,
        "version": __version__,
        "session_rows": session_rows,
    }
    return environment


def _link(subject: Subject) -> str:
    return quote(wording.page_of(subject))


@cache
def _assets(scripts: tuple[str, ...], *, linked: bool) -> Assets:
    style = (REPORT / "style.css").read_text(encoding="utf-8")
    script = "\n".join((REPORT / name).read_text(encoding="utf-8") for name in scripts)
    files = " file: 'self'" if linked else ""
    policy = (
        f"default-src 'none'; img-src data:{files}; style-src"
        f" {_source_hash(style)}; script-src {_source_hash(script)};"
        " base-uri 'none'; form-action 'none'"
    )
    return Assets(Markup(style), Markup(script), policy)  # noqa: S704 - our own files


def _source_hash(content: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
