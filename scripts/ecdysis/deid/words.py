"""Keep only the known words of a text: imaging terms, the study's own words, short numbers.

A description such as ``T1 mprage p2 iso 1.0mm Dr Weber`` is text that anybody typed, and the model
``Prisma Oxford`` a name that a site gave. What stays is decided word by word, from a list of what
may stay, so that a name needs no list of names.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

from ecdysis.deid.dates import months_of
from ecdysis.dicom.tables import coded_words, device_words, imaging_words
from ecdysis.dicom.text import HUMP, is_coil

WORD = re.compile(r"[^\s_^/\\|,;:()\[\]{}=+*#&<>\"'%-]+")
RUN = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d]")
BARE_NUMBER = re.compile(r"\d{1,3}(\.\d{1,3})?")
AGE = re.compile(
    r"[FMW]?(\d{3}[DWMY]|\d{1,3}(Y|YO|YRS?|J))[FMW]?|\d{1,3}(\.\d+)?(KG|LBS?)", re.IGNORECASE
)
"""An age as in VR AS (`067Y`) or in years (`44y`, `93yo`, `42J`), also beside a sex (`F093Y`); or a
weight (`81kg`)."""
APART = re.compile(r"(?<=\d)[ _-](?=(y|yo|yrs?|j|kg|lbs?)(?![a-z\d]))", re.IGNORECASE)
"""What stands between a number and the unit of an age or a weight."""

NUMBERS_WITH_DOTS, MOST_DOTTED_DIGITS = re.compile(r"\d+(?:\.\d+){2,}"), 8
"""Three and more numbers, as in ``756.9217.0769``, and their digits; a version has fewer."""

MOST_NUMBERS = 6
"""Numbers in one word: `1.0x1.0x1.0` has six runs of digits."""

LONGEST = 1024
"""Characters of a description that are looked at; a sequence has no longer name."""

BETWEEN = r"(?: to |-?>{1,2}|-)"
DIRECTION = re.compile(
    "|".join(
        f"{one}{BETWEEN}{two}" for one, two in ("AP", "PA", "SI", "IS", "RL", "LR", "HF", "FH")
    )
)
"""From one side to the other in single letters: ``S to I``, ``R>>L``, ``A-P``."""
B_VALUE = re.compile(r"[bB] ?= ?(\d{1,5})")
DESCRIPTION_WORD = re.compile(
    rf"(?<![^\W_])(?:{DIRECTION.pattern}|{B_VALUE.pattern})(?![^\W_])|{WORD.pattern}"
)

DEVICE_WORD = re.compile(
    r"(?:47|70|94|117|152|210|300)/\d\d(?!\d)|\bT/R\b|\(2007\)"
    rf"|\b\d{{1,3}} (?:[YyJj]|[Kk][Gg])\b|{WORD.pattern}"
)
"""A word of a text about the scanner; some have marks that part other words: field and bore of a
scanner of Bruker (``94/20``), ``T/R Head``, ``Emotion 16 (2007)``, an age (``93 Y``) and a weight
(``81 kg``)."""
MARKS = dict.fromkeys(map(ord, "\N{REGISTERED SIGN}\N{TRADE MARK SIGN}\N{COPYRIGHT SIGN}"))
VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){0,5}")
DATE_OR_YEAR = re.compile(
    r"(19|20)(?!00|50)\d\d|(19|20)\d\d\.\d\d?\.\d\d?|\d\d?\.\d\d?\.(19|20)\d\d"
    r"|(0[1-9]|[12]\d|3[01])\.(0[1-9]|[12]\d|3[01])\.\d\d"
)
"""Numbers with the form of a version that read as a date or a year."""
BARE_NUMBER_OF_DEVICE = re.compile(r"\d{1,4}(\.\d{1,3})?")
MOST_UNKNOWN, MOST_DEVICE_DIGITS, MOST_DEVICE_RUN = 3, 8, 4
"""Unknown letters beside digits (``MR750w``, ``4VB13A``), digits, and digits in a row, in a word of
a text about the scanner."""

WORD_OF_CODE = re.compile(r"[^\W\d_]{3,}")
"""Letters in a row that can be a word; codes such as ``T-A0100`` hold fewer."""
PREFIX, IDENTIFYING_DIGITS = re.compile(r"[^\W\d_]{2,}"), 4
"""Letters in a row beside a number of so many digits, which are an identifier together
(``XK7741``) or name it (``tel 4140``), unless they are a known word (``TI2500``)."""
SPELLED_OUT = re.compile(r"(?<![^\W\d_])[^\W\d_](?:[\W_]+[^\W\d_](?![^\W\d_])){3,}")
"""Single letters in a row, which can spell a name: ``S m i t h``, ``S.M.I.T.H``."""

SHORT_WORD = 3
"""Letters of the one word that may stay in a coded string although it is not known."""
OPTION_OF_GE = re.compile(r"[A-Z0-9]+_GEMS")
"""GE marks its own scan options so."""
MOST_DIGITS, MOST_CODED_NUMBERS = 6, 2
"""Digits and numbers in a coded string; a telephone number or a date has more."""


class Words:
    """The words that may stay in a description.

    `own` are words that the study adds, compared without regard to case.
    """

    def __init__(self, own: Iterable[str] = ()) -> None:
        self._own = frozenset(map(_folded, own))
        self.kept = lru_cache(maxsize=4096)(self._kept)
        self.of_device = lru_cache(maxsize=4096)(self._of_device)

    def _kept(self, text: str) -> str:
        """Return a description without the words that are not known."""
        return _filtered(
            list(DESCRIPTION_WORD.finditer(text[:LONGEST])), text, self._is_known, _bare
        )

    def _of_device(self, text: str) -> str:
        """Return a text about the scanner without the words that are not known.

        Known are the words of the vocabularies and of the study, versions, short codes of letters
        and digits, and coil elements.
        """
        if is_coil(text):
            return text
        plain = text[:LONGEST].translate(MARKS)
        words = list(DEVICE_WORD.finditer(plain))
        return _filtered(words, plain, self._is_known_of_device, _bare_of_device)

    def _is_known_of_device(self, word: str) -> bool:
        if _folded(word) in self._own or word[0] == "(" or "/" in word:
            return True
        word = word.rstrip(".!")
        runs = RUN.findall(word)
        numbers = [run for run in runs if run.isdecimal()]
        letters = [run for run in runs if run.isalpha()]
        if not word.isascii() or any(not run.isalnum() and run not in ".~" for run in runs):
            return False
        if AGE.fullmatch(word) or len("".join(numbers)) > MOST_DEVICE_DIGITS:
            return False
        if not letters:
            return bool(VERSION.fullmatch(word)) and not DATE_OR_YEAR.fullmatch(word)
        if any(len(number) > MOST_DEVICE_RUN for number in numbers):
            return False
        unknown = [run for run in letters if not is_of_device(run)]
        if not unknown or (len("".join(unknown)) == 1 and (len(letters) > 1 or len(word) == 1)):
            return True
        return bool(numbers) and _is_short_code(runs, unknown)

    def _is_known(self, word: str) -> bool:
        if _folded(word) in self._own or DIRECTION.fullmatch(word):
            return True
        if b_value := B_VALUE.fullmatch(word):
            return _is_short(b_value[1]) or b_value[1].endswith("000")
        runs = RUN.findall(word.rstrip("."))
        numbers = [run for run in runs if run.isdecimal()]
        letters = [run for run in runs if run.isascii() and run.isalpha()]
        if any(not run.isalnum() and run not in ".~" for run in runs) or not word.isascii():
            return False
        if AGE.fullmatch(word.rstrip(".")) or any(
            len(chain.replace(".", "")) > MOST_DOTTED_DIGITS
            for chain in NUMBERS_WITH_DOTS.findall(word)
        ):
            return False
        if not letters:
            return bool(BARE_NUMBER.fullmatch(word.rstrip(".")))
        if len(numbers) > MOST_NUMBERS or not all(map(_is_short, numbers)):
            return False
        return all(is_imaging(run) or (len(run) == 1 and bool(numbers)) for run in letters)


def _filtered(
    words: list[re.Match[str]],
    text: str,
    is_known: Callable[[str], bool],
    kind_of: Callable[[str], str],
) -> str:
    """Return a text without the words that are not known.

    A number that stands alone stays only between words that stay: next to a removed word
    or another number it may be a part of a date, an address or an identifier. `kind_of` returns
    the kind of such a word, and nothing for any other.
    """
    bare = [kind_of(word[0].rstrip(".")) for word in words]
    known = [is_known(word[0]) for word in words]
    stays = [
        known[index]
        and (
            not bare[index]
            or all(known[near] and bare[near] != bare[index] for near in _beside(index, len(words)))
        )
        for index in range(len(words))
    ]
    if all(stays):
        return text[:LONGEST] if words else ""
    parts, end = [], 0
    for word, stay in zip(words, stays, strict=True):
        if stay:
            parts.append(text[end : word.end()])
        end = word.end()
    return re.sub(r" {2,}", " ", "".join(parts)).strip(" ^_-/,;:.&")


def _is_short_code(runs: list[str], unknown: list[str]) -> bool:
    """Tell whether letters beside digits are too few for a name or a month."""
    ends = (runs[0], runs[-1])
    return len("".join(unknown)) <= MOST_UNKNOWN and all(
        len(run) < MOST_UNKNOWN or (run.isupper() and run in ends) for run in unknown
    )


def _bare(word: str) -> str:
    return "number" if BARE_NUMBER.fullmatch(word) else ""


def _bare_of_device(word: str) -> str:
    if len(word) == 1 and word.isalpha():
        return "letter"
    return "number" if BARE_NUMBER_OF_DEVICE.fullmatch(word) else ""


@lru_cache(maxsize=4096)
def is_of_device(run: str) -> bool:
    """Tell whether a run of letters is a word of texts about the scanner, or several: `TrioTim`."""
    terms = device_words()
    if run.lower() in terms:
        return True
    humps = [hump.lower() for hump in HUMP.findall(run)]
    known = [hump in terms for hump in humps if len(hump) > 1]
    return len(humps) > 1 and len(known) > 0 and all(known)


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
    >>> [is_coded(text) for text in ("MOTCOR_GEMS", "FM4_1", "WEBER JONES", "KIM LEE", "W E B E R")]
    [True, True, False, False, False]
    """
    numbers = re.findall(r"\d+", text)
    return (
        text.isascii()
        and not SPELLED_OUT.search(text)
        and not holds_age(text)
        and not (numbers and any(map(months_of, _unknown(text.lower()))))
        and not (max(map(len, numbers), default=0) >= IDENTIFYING_DIGITS and _unknown(text, PREFIX))
        and len("".join(numbers)) <= MOST_DIGITS
        and len(numbers) <= MOST_CODED_NUMBERS
        and all(map(_is_short, numbers))
        and (OPTION_OF_GE.fullmatch(text) is not None or len("".join(_unknown(text))) <= SHORT_WORD)
    )


def holds_age(text: str) -> bool:
    """Tell whether a code has an age or a weight among its words."""
    return any(map(AGE.fullmatch, re.split(r"[^A-Za-z\d.]+", APART.sub("", text))))


def _unknown(text: str, words_of: re.Pattern[str] = WORD_OF_CODE) -> list[str]:
    words = words_of.findall(text)
    return [word for word in words if word.lower() not in coded_words() and not is_imaging(word)]


def _is_short(number: str) -> bool:
    """Tell whether digits are short and no year; 2000 is a common b-value and a time."""
    is_year = len(number) == 4 and 1900 <= int(number) < 2100 and int(number) % 50 != 0
    return len(number) <= 4 and not is_year


def _beside(index: int, count: int) -> list[int]:
    return [near for near in (index - 1, index + 1) if 0 <= near < count]


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()
