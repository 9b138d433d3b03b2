"""Finding and removing what names a person in text that is kept.

The tokens come from the file's own identifying values. Text is compared without regard to
case and diacritics; tokens too short to stand for a person inside other words must stand
alone.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from ecdysis.dicom.tables import vocabulary

ALONE_BELOW = 4
"""Letters of a name part below which it must stand between other characters."""

DIGITS_ALONE_BELOW = 7
SHORTEST_NUMBER = 4
"""Digits of the shortest identifier that is searched: `02` is everywhere and nobody."""

DATE_FORMS = """
    %Y%m%d %Y-%m-%d %Y/%m/%d %Y.%m.%d %d.%m.%Y %d/%m/%Y %d-%m-%Y %m/%d/%Y %m-%d-%Y %d%m%Y %m%d%Y
    %d.%m.%y %d/%m/%y %m/%d/%y %d%m%y %y%m%d %d%b%Y %d-%b-%Y %d-%b-%y
"""
WORDED_DATE_FORMS = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%b %d, %Y", "%B %d, %Y")

DESCRIPTOR_PATTERN = re.compile(
    r"""
      \S+@\S+                                         # e-mail
    | \b(?:dr|prof|mr|mrs|ms|frau|herr|mme)\.?\s+\w+  # a person with a title
    | \b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b             # a date
    | \d(?:[ ()+/-]{0,2}\d){5,}                       # telephone, record number, date
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What identifies in a description though no other attribute of the file names it."""

IDEOGRAPHS = 0x2E80
"""Code points from here on write names in one or two characters."""


def name_tokens(name: str) -> set[str]:
    """Return the parts of a person name, all component groups (PS3.5, section 6.2.1)."""
    parts: set[str] = set()
    for group in re.split(r"[=\\]", name):
        components = group.split("^")[:3]
        words = [word for part in components for word in re.split(r"[\s,._\-'’()/]+", part)]
        parts.update(word for word in words if _tells(word))
        whole = "".join(components).strip()
        parts.update([whole] if whole and ord(whole[0]) >= IDEOGRAPHS else [])
    return parts


def id_tokens(value: str) -> set[str]:
    """Return the identifiers in a value, each whole and without its separators."""
    parts = {part.strip() for part in value.split("\\")}
    parts |= {re.sub(r"[\s._/\-]+", "", part) for part in parts}
    return {part for part in parts if _is_worth(part)}


def date_tokens(value: str) -> set[str]:
    """Return the usual spellings of a date given as ``YYYYMMDD``."""
    try:
        day = datetime.strptime(value.replace(".", "").strip()[:8], "%Y%m%d")
    except ValueError:
        return set()
    spelled = {day.strftime(form) for form in (*DATE_FORMS.split(), *WORDED_DATE_FORMS)}
    bare = {re.sub(r"(?<!\d)0(?=\d)", "", text) for text in spelled if not text.isdigit()}
    return spelled | bare


class Scrubber:
    """Removes tokens from text.

    Parameters
    ----------
    tokens : iterable of str
        Name parts, identifiers and dates; `name_tokens` and its siblings make them.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        folded = {_fold(form) for token in tokens for form in _forms(token)}
        ordered = sorted(filter(None, folded), key=lambda token: (-len(token), token))
        self._pattern = re.compile("|".join(map(_as_pattern, ordered))) if ordered else None
        self._raw = {
            token.encode(codec)
            for token in ordered
            if len(token) >= ALONE_BELOW
            for codec in ("utf-8", "utf-16-le", "utf-16-be")
        }

    def __call__(self, text: str) -> str:
        """Return `text` without the tokens; the same object when there are none."""
        if self._pattern is None or not self._pattern.search(folded := _fold(text)):
            return text
        kept, position = [], 0
        for match in self._pattern.finditer(folded):
            kept.append(text[position : match.start()])
            position = match.end()
        left = "".join([*kept, text[position:]])
        # What stood on both sides of a token may spell it once it is gone.
        return self(re.sub(r" {2,}", " ", left).strip(" ^_-"))

    def is_in(self, raw: bytes) -> bool:
        """Tell whether a token stands in bytes whose character set is not to be trusted."""
        low = raw.lower()
        return any(token in low for token in self._raw)


def scrub_descriptor(text: str, scrub: Scrubber) -> str:
    """Return a description without tokens and without what looks like one of a person."""
    cleaned = DESCRIPTOR_PATTERN.sub("", scrub(text))
    return text if cleaned == text else scrub(re.sub(r" {2,}", " ", cleaned).strip())


def _tells(word: str) -> bool:
    if not word or word.lower() in vocabulary("title"):
        return False
    if word.isdigit():
        return _is_worth(word)
    return len(word) > 1 or ord(word[0]) >= IDEOGRAPHS


def _is_worth(part: str) -> bool:
    return len(part) >= (SHORTEST_NUMBER if part.isdigit() else 2)


def _forms(token: str) -> set[str]:
    spelled = token.lower()
    for letter, pair in {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa"}.items():
        spelled = spelled.replace(letter, pair)
    return {token, spelled}


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    """Return `text` without case and diacritics, character for character."""
    if text.isascii():
        return text.lower()
    return "".join(map(_fold_letter, text))


def _fold_letter(letter: str) -> str:
    # A Hangul syllable is kept whole: its first part alone is shared by hundreds.
    is_syllable = "\uac00" <= letter <= "\ud7a3"
    return letter if is_syllable else unicodedata.normalize("NFKD", letter)[0].lower()[0]


def _as_pattern(token: str) -> str:
    escaped = re.escape(token)
    if token.isdigit():
        return rf"(?<!\d){escaped}(?!\d)" if len(token) < DIGITS_ALONE_BELOW else escaped
    if len(token) < ALONE_BELOW and ord(token[0]) < IDEOGRAPHS:
        return rf"(?<![^\W\d_]){escaped}(?![^\W\d_])"
    return escaped
