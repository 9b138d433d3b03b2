"""HTML pages of one file each, made of the templates, style and scripts in the folder ``report``.

The Content Security Policy of a page (W3C CSP Level 3) allows its own style and scripts alone, not
even a script that got in with the data. Text from data is escaped by Jinja; data for scripts is
JSON in which every character that HTML could read is escaped.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

REPORT = Path(__file__).parents[2] / "report"


@dataclass(frozen=True)
class Assets:
    """Style and script of a page, and the policy that allows these alone."""

    style: Markup
    script: Markup
    policy: str


def environment() -> jinja2.Environment:
    """Return the environment that renders the templates."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(REPORT),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def assets(style: str, scripts: Sequence[str], *, images: str = "", files: str = "") -> Assets:
    """Read the style and the scripts of a page.

    `images` and `files` are further sources of images and scripts that the policy allows.
    """
    css = (REPORT / style).read_text("utf-8")
    script = "\n".join((REPORT / name).read_text("utf-8") for name in scripts)
    policy = (
        f"default-src 'none'; img-src data:{images}; style-src {_source_hash(css)};"
        f" script-src {_source_hash(script)}{files}; base-uri 'none'; form-action 'none'"
    )
    return Assets(Markup(css), Markup(script), policy)  # noqa: S704 - our own files


def _source_hash(content: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
