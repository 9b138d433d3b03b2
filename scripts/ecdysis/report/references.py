"""The literature that a methods text cites: entries of ``report/references.bib``."""

import re
from functools import cache

from ecdysis.html_pages import REPORT

BIBLIOGRAPHY = REPORT / "references.bib"
_ACCENTS = {'"': "\u0308", "'": "\u0301", "^": "\u0302"}
"""TeX's accents and the combining characters of Unicode."""


def bibtex(keys: list[str]) -> str:
    """Return the BibTeX entries of these keys, in the order of the bibliography."""
    return "\n".join(entry for key, entry in _entries().items() if key in keys)


def cited(key: str) -> str:
    """Return one entry as a line of a list of references.

    Examples
    --------
    >>> cited("bet").split(". ")[-2:]
    ['Human Brain Mapping 2002, 17:143–155', 'doi:10.1002/hbm.10062']
    """
    fields = _fields(_entries()[key])
    authors = fields.get("author", fields.get("organization", "")).split(" and ")
    names = ", ".join(_name(author) for author in authors if author != "others")
    if "others" in authors:
        names += " et al."
    place = fields.get("journal") or fields.get("booktitle") or fields.get("howpublished", "")
    volume = fields.get("volume", "")
    pages = fields.get("pages", "").replace("--", "–")
    numbers = f"{volume}:{pages}" if volume else pages
    where = ", ".join(filter(None, [f"{place} {fields.get('year', '')}".strip(), numbers]))
    doi = f"doi:{fields['doi']}" if "doi" in fields else ""
    parts = [part.rstrip(".") for part in (names, fields["title"], where, doi) if part]
    return ". ".join(parts) + ("" if doi else ".")


def known() -> list[str]:
    """Return the keys of all entries."""
    return list(_entries())


def _name(author: str) -> str:
    last, _, first = author.partition(", ")
    return f"{last} {''.join(word[0] for word in re.split(r'[ -]', first) if word)}".strip()


@cache
def _entries() -> dict[str, str]:
    text = BIBLIOGRAPHY.read_text(encoding="utf-8")
    entries = re.finditer(r"^@\w+\{(\w+),\n.*?^\}\n", text, re.MULTILINE | re.DOTALL)
    return {entry[1]: entry[0] for entry in entries}


def _fields(entry: str) -> dict[str, str]:
    fields = re.findall(r"(\w+) = \{((?:[^{}]|\{[^{}]*\})*)\}", entry)
    return {name: _plain(text) for name, text in fields}


def _plain(text: str) -> str:
    # TeX's accents become letters.
    accented = re.sub(r"\{\\([\"'^])(\w)\}", lambda hit: hit[2] + _ACCENTS[hit[1]], text)
    return re.sub(r"[{}]", "", accented)
