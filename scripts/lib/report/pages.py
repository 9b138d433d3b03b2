"""The pages people read, rendered from the records: one a subject, and an index over all.

Each page is one file: style, scripts and figures are inside it, and its Content Security Policy
(W3C CSP Level 3) allows nothing else, not even a script that got in with the data.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from lib.files import atomic
from lib.report import wording
from lib.report.dicom_table import session_rows
from lib.report.figure_files import FigureFile, figures_of, thumb_of
from lib.report.log_tail import log_tail
from lib.report.model import STATES, Run, Subject
from lib.report.overview import COLUMNS, programs_of, rows_of, software, urgent_cases
from lib.version import __version__

REPORT = Path(__file__).parents[3] / "report"
FIGURE_BYTES = 1_350_000
"""Bytes of figures inside a page, which base64 makes a third longer; further ones are linked."""
SYMBOLS = {"done": "✓", "failed": "✗", "excluded": "⊘", "interrupted": "‖", "pending": "…"}
DIGEST_WITHIN = 4096
"""The digest of a page stands within its first so many bytes."""


@dataclass(frozen=True)
class Assets:
    """Style and script of a page, and the policy that allows these alone."""

    style: Markup
    script: Markup
    policy: str


def write_subject_page(run: Run, label: str) -> Path:
    """Write the page of one subject into the output directory; return its path."""
    subject = run.subject(label)
    place = [one.label for one in run.subjects].index(label)
    before = run.subjects[place - 1] if place else None
    after = run.subjects[place + 1] if place + 1 < len(run.subjects) else None
    left = FIGURE_BYTES
    images = []
    for image in subject.images:
        figures, left = figures_of(run.output_dir, subject.name, image.name, left)
        images.append((image, figures))
    return _write(
        run,
        "subject.html.j2",
        wording.page_of(subject),
        digest=digest(run, label),
        scripts=("page.js",),
        subject=subject,
        before=before,
        after=after,
        verdict=wording.verdict(subject),
        images=images,
        faults=[(name, stage, log_tail(run.output_dir, stage)) for name, stage in subject.faults],
        provenance=[item for item in subject.all_stages if item[1].started],
    )


def write_index_page(run: Run) -> Path:
    """Write the page over all subjects into the output directory; return its path."""
    thumbs: dict[str, FigureFile | None] = {
        image.name: thumb_of(run.output_dir, subject.name, image.name)
        for subject in run.subjects
        for image in subject.images
    }
    return _write(
        run,
        "index.html.j2",
        "index.html",
        digest="",
        scripts=("page.js", "table.js"),
        counts=run.counts(),
        size=wording.size(run),
        states=STATES,
        urgent=urgent_cases(run),
        columns=COLUMNS,
        rows=rows_of(run, thumbs),
        programs=programs_of(run),
        packages=software(),
    )


def outdated(run: Run) -> list[str]:
    """Return the labels of subjects whose page is missing or says what is no longer so."""
    return [
        subject.label
        for subject in run.subjects
        if not _says(run.output_dir / wording.page_of(subject), digest(run, subject.label))
    ]


def digest(run: Run, label: str) -> str:
    """Hash all that a subject's page says, its neighbours and the templates included."""
    labels = [one.label for one in run.subjects]
    place = labels.index(label)
    said = (run.subject(label), labels[max(place - 1, 0) : place + 2], run.dataset, run.template)
    return hashlib.sha256(f"{said!r}{_templates_digest()}".encode()).hexdigest()[:16]


def _says(page: Path, expected: str) -> bool:
    try:
        with page.open("rb") as stream:
            return expected.encode() in stream.read(DIGEST_WITHIN)
    except OSError:
        return False


@cache
def _templates_digest() -> str:
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
    environment.filters |= {
        "quantity": wording.quantity,
        "words": wording.words,
        "page": _link,
    }
    environment.tests |= {"matrix": wording.is_matrix, "plain_list": wording.is_plain_list}
    environment.globals |= {
        "symbols": SYMBOLS,
        "version": __version__,
        "session_rows": session_rows,
    }
    return environment


def _link(subject: Subject) -> str:
    return quote(wording.page_of(subject))


@cache
def _assets(scripts: Sequence[str]) -> Assets:
    style = (REPORT / "style.css").read_text(encoding="utf-8")
    script = "\n".join((REPORT / name).read_text(encoding="utf-8") for name in scripts)
    policy = (
        f"default-src 'none'; img-src data:; style-src {_source_hash(style)};"
        f" script-src {_source_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    return Assets(Markup(style), Markup(script), policy)  # noqa: S704 - our own files


def _source_hash(content: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _write(run: Run, template: str, name: str, **content: Any) -> Path:
    scripts = content.pop("scripts")
    text = (
        _environment()
        .get_template(template)
        .render(
            run=run,
            assets=_assets(scripts),
            written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            **content,
        )
    )
    page = run.output_dir / name
    with atomic(page) as partial:
        partial.write_text(text, encoding="utf-8")
    return page
