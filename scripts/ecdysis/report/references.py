"""The literature that a methods text cites: entries of ``report/references.bib``."""

from functools import cache

from pybtex.database import BibliographyData, Entry, Person, parse_file
from pybtex.richtext import Text

from ecdysis.html_pages import REPORT


@cache
def _entries() -> dict[str, Entry]:
    return dict(parse_file(str(REPORT / "references.bib")).entries)


def known() -> list[str]:
    """Return the keys of all entries."""
    return list(_entries())


def bibtex(keys: list[str]) -> str:
    """Return the BibTeX entries of these keys, in the order of the bibliography."""
    chosen = {key: entry for key, entry in _entries().items() if key in keys}
    text: str = BibliographyData(chosen).to_string("bibtex")
    return text


def cited(key: str) -> str:
    """Return one entry as a line of a list of references.

    Examples
    --------
    >>> cited("bet").split(". ")[-2:]
    ['Human Brain Mapping 2002, 17:143–155', 'doi:10.1002/hbm.10062']
    """
    entry = _entries()[key]
    fields = {name: _plain(text) for name, text in entry.fields.items()}
    authors = [_name(author) for author in entry.persons.get("author", ())]
    names = ", ".join(authors).replace(", others", " et al.") or fields.get("organization", "")
    place = fields.get("journal") or fields.get("booktitle") or fields.get("howpublished", "")
    volume, pages = fields.get("volume"), fields.get("pages", "")
    numbers = f"{volume}:{pages}" if volume else pages
    where = ", ".join(filter(None, [f"{place} {fields.get('year', '')}".strip(), numbers]))
    doi = f"doi:{fields['doi']}" if "doi" in fields else ""
    parts = [part.rstrip(".") for part in (names, fields["title"], where, doi) if part]
    return ". ".join(parts) + ("" if doi else ".")


def _name(author: Person) -> str:
    first = " ".join(author.first_names + author.middle_names).replace("-", " ").split()
    last = _plain(" ".join(author.prelast_names + author.last_names + author.lineage_names))
    return f"{last} {''.join(word[0] for word in first)}".strip()


def _plain(text: str) -> str:
    # TeX's accents become letters, its braces go.
    plain: str = Text.from_latex(text).render_as("text")
    return plain
