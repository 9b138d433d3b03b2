"""Keep only the known words of a description: imaging terms, the study's own words, short numbers.

A description such as ``T1 mprage p2 iso 1.0mm Dr Weber`` is text that anybody typed. What stays
is decided word by word, from a list of what may stay, so that a name needs no list of names.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from ecdysis.dicom.tables import coded_words, imaging_words

WORD = re.compile(r"[^\s_^/\\|,;:()\[\]{}=+*#&<>\"'%-]+")
RUN = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d]")
HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
BARE_NUMBER = re.compile(r"\d{1,3}(\.\d{1,3})?")
AGE = re.compile(r"\d{3}[DWMY]|\d{1,3}Y", re.IGNORECASE)
"""An age as in VR AS (`067Y`), or in years (`44y`)."""

MOST_NUMBERS = 6
"""Numbers in one word: `1.0x1.0x1.0` has six runs of digits."""

LONGEST = 1024
"""Characters of a description that are looked at; a sequence has no longer name."""

WORD_OF_CODE = re.compile(r"[^\W\d_]{3,}")
"""Letters in a row that can be a word; codes such as ``T-A0100`` hold fewer."""
SHORT_WORD = 3
"""Letters of the one word that may stay in a coded string although it is not known."""
OPTION_OF_GE = re.compile(r"[A-Z0-9]+_GEMS")
"""GE marks its own scan options so."""
MOST_DIGITS, MOST_CODED_NUMBERS = 6, 2
"""Digits and numbers in a coded string; a telephone number or a date has more."""


class Words:
    """The words that may stay in a description.

    Parameters
    ----------
    own : iterable of str
        Words that the study adds, compared without regard to case.
    """

    def __init__(self, own: Iterable[str] = ()) -> None:
        self._own = frozenset(map(_folded, own))
        self.kept = lru_cache(maxsize=4096)(self._kept)

    def _kept(self, text: str) -> str:
        """Return `text` without the words that are not known.

        A number that stands alone stays only between words that stay: next to a removed word
        or another number it may be a part of a date, an address or an identifier.
        """
        words = list(WORD.finditer(text[:LONGEST]))
        bare = [bool(BARE_NUMBER.fullmatch(word[0].rstrip("."))) for word in words]
        known = [self._is_known(word[0]) for word in words]
        stays = [
            is_known
            and (
                not is_bare
                or all(known[near] and not bare[near] for near in _beside(index, len(words)))
            )
            for index, (is_known, is_bare) in enumerate(zip(known, bare, strict=True))
        ]
        if all(stays):
            return text[:LONGEST] if words else ""
        parts, end = [], 0
        for word, stay in zip(words, stays, strict=True):
            if stay:
                parts.append(text[end : word.end()])
            end = word.end()
        return re.sub(r" {2,}", " ", "".join(parts)).strip(" ^_-/,;:.&")

    def _is_known(self, word: str) -> bool:
        if _folded(word) in self._own:
            return True
        runs = RUN.findall(word.rstrip("."))
        numbers = [run for run in runs if run.isdecimal()]
        letters = [run for run in runs if run.isascii() and run.isalpha()]
        if any(not run.isalnum() and run not in ".~" for run in runs) or not word.isascii():
            return False
        if AGE.fullmatch(word.rstrip(".")):
            return False
        if not letters:
            return bool(BARE_NUMBER.fullmatch(word.rstrip(".")))
        if len(numbers) > MOST_NUMBERS or not all(map(_is_short, numbers)):
            return False
        return all(is_imaging(run) or (len(run) == 1 and bool(numbers)) for run in letters)


@lru_cache(maxsize=4096)
def is_imaging(run: str) -> bool:
    """Tell whether a run of letters is one imaging term, or several written as `FieldMap`."""
    terms = imaging_words()
    if run.lower() in terms:
        return True
    humps = HUMP.findall(run)
    return len(humps) > 1 and all(hump.lower() in terms for hump in humps)


@lru_cache(maxsize=4096)
def is_coded(text: str) -> bool:
    """Tell whether a coded string (VR CS) holds only known words, short codes and numbers.

    Examples
    --------
    >>> [is_coded(text) for text in ("MOTCOR_GEMS", "FM4_1", "WEBER JONES", "KIM LEE", "2019")]
    [True, True, False, False, False]
    """
    numbers = re.findall(r"\d+", text)
    return (
        text.isascii()
        and len("".join(numbers)) <= MOST_DIGITS
        and len(numbers) <= MOST_CODED_NUMBERS
        and all(map(_is_short, numbers))
        and (OPTION_OF_GE.fullmatch(text) is not None or len("".join(_unknown(text))) <= SHORT_WORD)
    )


def _unknown(text: str) -> list[str]:
    words = WORD_OF_CODE.findall(text)
    return [word for word in words if word.lower() not in coded_words() and not is_imaging(word)]


def _is_short(number: str) -> bool:
    """Tell whether digits are short and no year; 2000 is a common b-value and a time."""
    is_year = len(number) == 4 and 1900 <= int(number) < 2100 and int(number) % 50 != 0
    return len(number) <= 4 and not is_year


def _beside(index: int, count: int) -> list[int]:
    return [near for near in (index - 1, index + 1) if 0 <= near < count]


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()
