"""Spellings of words and dates, so that two of them can be compared.

Letters of other alphabets are compared as they are and in Latin letters, by the tables of
text-unidecode; the cleaner uses another library.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from text_unidecode import unidecode

DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae",
                          "œ": "oe", "đ": "dj", "þ": "th", "ð": "dh", "ß": "ss"})  # fmt: skip
"""Two letters that are written where a keyboard lacks the letter."""

TOKEN = re.compile(r"[^\W_]+")
WORD = re.compile(r"[^\W\d_]+")
ASCII_TOKEN, ASCII_WORD = re.compile(r"[A-Za-z0-9]+"), re.compile(r"[A-Za-z]+")
"""The same in texts of ASCII alone, where they are much faster."""

PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
"""Parts of a word in camel case."""

MONTHS = {"jan": 1, "ene": 1, "gen": 1, "feb": 2, "fev": 2, "mar": 3, "maer": 3, "mrz": 3,
          "maa": 3, "mrt": 3, "apr": 4, "avr": 4, "abr": 4, "may": 5, "mai": 5, "mag": 5,
          "mei": 5, "jun": 6, "giu": 6,
          "juin": 6, "jul": 7, "lug": 7, "juil": 7, "aug": 8, "aou": 8, "ago": 8, "sep": 9,
          "set": 9, "oct": 10, "okt": 10, "ott": 10, "out": 10, "nov": 11, "dec": 12, "dez": 12,
          "dic": 12}  # fmt: skip
"""First letters of months in English, German, French, Spanish, Italian, Portuguese and Dutch."""

EARLIEST, LATEST = 1900, 2100
"""Years between which a number of a scanner's protocol reads as a date."""

RUN_OF_DIGITS = re.compile(r"(?<!\d)(?<!\d\.)(\d{8}|\d{6})(?!\d)|(?<!\d)(\d{8})(?=\d{6}(?!\d))")
YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})([-./_ ])(\d{1,2})\2(\d{1,2})(?!\d)")
YEAR_LAST = re.compile(
    r"(?<!\d)(?<!\d[-./])(\d{1,2})([-./_ ])(\d{1,2})\2(\d{4}|\d{2})(?!\d)(?!\2\d)"
)
DAY_MONTH = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er)?[\W_]{0,3}(?:de |di |d')?([a-z]{3,10})[\W_]{0,3}"
    r"(?:de |del )?(\d{4}|\d{2})(?!\d)"
)
MONTH_DAY = re.compile(
    r"([a-z]{3,10})[\W_]{0,3}(\d{1,2})(?:st|nd|rd|th)?[\W_]{1,3}(\d{4}|\d{2})(?!\d)"
)
LONE_NUMBER = re.compile(r"(?<![\w.])(\d{8})(?:\.0*)?(?![\w.])")
"""A number of eight digits that stands alone, as in `lSize = 20190314`."""


@lru_cache(maxsize=8192)
def latin(text: str) -> str:
    """Return a text in ASCII letters, upper and lower case as given.

    Examples
    --------
    >>> latin("Wałęsa Søren ﾔﾏﾀﾞ")
    'Walesa Soren yamada'
    """
    text = unicodedata.normalize("NFKC", text)
    return text if text.isascii() else unidecode(text)


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Return a text in lower-case ASCII letters."""
    if text.isascii():
        return text.lower()
    return latin(unicodedata.normalize("NFKC", text).casefold()).lower()


def spellings(text: str) -> set[str]:
    """Return the ways to write a text: as it is, in Latin letters, without accents, with digraphs.

    Examples
    --------
    >>> sorted(spellings("Kjær")), spellings("Smith")
    (['kjaer', 'kjær'], {'smith'})
    """
    if text.isascii():
        return {text.lower()}
    whole = unicodedata.normalize("NFKC", text).casefold()
    split = unicodedata.normalize("NFKD", whole)
    plain = "".join(letter for letter in split if not unicodedata.combining(letter))
    digraphs = unicodedata.normalize("NFC", whole).translate(DIGRAPHS)
    forms = {whole, *(fold(form) for form in (text, plain, digraphs))}
    return {form.strip() for form in forms if form.strip()}


def tokens(text: str) -> list[str]:
    """Return the runs of letters and digits of a folded text."""
    return (ASCII_TOKEN if text.isascii() else TOKEN).findall(text)


def words(text: str, *, camel: bool = True) -> list[str]:
    """Return the runs of letters of a text, and the parts of those in camel case, folded.

    Examples
    --------
    >>> words("T1XuBo_64dir")
    ['t', 'xubo', 'dir', 'xu', 'bo']
    """
    if text.isascii():
        found = ASCII_WORD.findall(text.lower())
    else:
        found = [word for form in sorted(spellings(text)) for word in WORD.findall(form)]
    if camel:
        for word in WORD.findall(latin(text)):
            parts = PART.findall(word)
            found += [part.lower() for part in parts if len(parts) > 1]
    return found


def squeezed(text: str) -> str:
    """Return the letters and digits of a text, folded, without what stands between them."""
    return "".join(TOKEN.findall(fold(text)))


def dates_in(text: str) -> set[date]:
    """Return every date that a text may be read to hold, in all orders of day and month.

    Examples
    --------
    >>> date(2019, 3, 14) in dates_in("born 14. März 2019")
    True
    """
    if not any(letter.isdigit() for letter in text):
        return set()
    text = fold(text)
    found = set(_runs(text))
    for year, _, month, day in YEAR_FIRST.findall(text):
        found |= set(_days(year, month, day)) | set(_days(year, day, month))
    for one, mark, two, year in YEAR_LAST.findall(text):
        if len(year) == 2 and mark in "_ ":
            continue
        found |= set(_days(year, two, one)) | set(_days(year, one, two))
        if len(year) == 2:
            found |= set(_days(one, two, year))
    for day, name, year in DAY_MONTH.findall(text):
        found |= set(_days(year, _month(name), day))
    for name, day, year in MONTH_DAY.findall(text):
        found |= set(_days(year, _month(name), day))
    return found


def date_numbers(text: str) -> list[date]:
    """Return the numbers of a text that stand alone and read as the date of a scan."""
    found = (date_of_number(float(digits)) for digits in LONE_NUMBER.findall(text))
    return [day for day in found if day]


def date_of_number(number: float) -> date | None:
    """Return the date that a number such as 20190314 reads as."""
    if not number.is_integer() or not EARLIEST * 10_000 < number < LATEST * 10_000:
        return None
    digits = f"{number:.0f}"
    return next(_days(digits[:4], digits[4:6], digits[6:]), None)


def day_of(digits: str) -> date | None:
    """Return the date of a DA or DT value; None for any other value."""
    if len(digits) < 8 or not digits[:8].isdigit():
        return None
    return next(_days(digits[:4], digits[4:6], digits[6:8]), None)


def _runs(text: str) -> Iterator[date]:
    for short, long in RUN_OF_DIGITS.findall(text):
        digits = short or long
        if len(digits) == 8:
            yield from _days(digits[:4], digits[4:6], digits[6:])
            yield from _days(digits[4:], digits[2:4], digits[:2])
            yield from _days(digits[4:], digits[:2], digits[2:4])
        else:
            one, two, three = digits[:2], digits[2:4], digits[4:]
            yield from (*_days(one, two, three), *_days(three, two, one), *_days(three, one, two))


def _month(name: str) -> str:
    return str(MONTHS.get(name[:3], MONTHS.get(name[:4], 0)))


def _days(year: str, month: str, day: str) -> Iterator[date]:
    years = [int(year)] if len(year) == 4 else [2000 + int(year), 1900 + int(year)]
    for number in years:
        try:
            yield date(number, int(month), int(day))
        except ValueError:
            continue
