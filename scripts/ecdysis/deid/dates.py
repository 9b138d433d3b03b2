"""Spellings of dates, and dates with the name of a month.

Months are known in English, German, French, Spanish, Italian, Portuguese and Dutch.
"""

import re
from collections.abc import Iterator
from datetime import date

from ecdysis.deid.patient_numbers import day_of

DATE_FORMS = """
    %Y%m%d %Y-%m-%d %Y/%m/%d %Y.%m.%d %d.%m.%Y %d/%m/%Y %d-%m-%Y %m/%d/%Y %m-%d-%Y %d%m%Y %m%d%Y
    %d.%m.%y %d/%m/%y %m/%d/%y %d-%m-%y %m-%d-%y %d%m%y %y%m%d %d%b%Y %d-%b-%Y %d-%b-%y
    %Y_%m_%d %d_%m_%Y %m_%d_%Y %y-%m-%d %y_%m_%d %d_%m_%y
"""
WORDED_DATE_FORMS = (
    "%Y %m %d",
    "%d %m %Y",
    "%m %d %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
MONTHS = (
    "january januar janner jaenner janvier enero gennaio janeiro januari",
    "february februar feber fevrier febrero febbraio fevereiro februari",
    "march marz maerz mrz mars marzo marco maart mrt",
    "april avril abril aprile",
    "may mai mayo maggio maio mei",
    "june juni juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august aout agosto augustus",
    "september septembre septiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre",
    "december dezember decembre diciembre dicembre dezembro",
)
"""Names of the months in letters of ASCII; three letters of one are enough."""

DAY, MONTH = r"(?<!\d)(?P<day>\d{1,2})", r"(?P<month>[a-z]{3,10})"
YEAR = r"(?P<year>\d{4}|\d{2})(?!\d)"
GAP, ORDINAL, OF = r"[\W_]{0,3}", r"(?:st|nd|rd|th|er)?", r"(?:d[aei]l?[\W_])?"
FORMS = (
    re.compile(f"{DAY}{ORDINAL}{GAP}{OF}{MONTH}{GAP}{OF}{YEAR}"),
    re.compile(rf"(?<![a-z]){MONTH}{GAP}{DAY}{ORDINAL}[\W_]{{1,3}}{YEAR}"),
    re.compile(rf"(?<!\d)(?P<year>\d{{4}}){GAP}{MONTH}{GAP}(?P<day>\d{{1,2}})(?!\d)"),
)


def date_tokens(value: str) -> set[str]:
    """Return the usual spellings of a date given as ``YYYYMMDD``."""
    day = day_of(value)
    if day is None:
        return set()
    spelled = {day.strftime(form) for form in (*DATE_FORMS.split(), *WORDED_DATE_FORMS)}
    bare = {re.sub(r"(?<!\d)0(?=\d)", "", text) for text in spelled if not text.isdigit()}
    return spelled | bare


def worded_dates(text: str) -> Iterator[tuple[int, int, set[date]]]:
    """Yield the start and the end of each date in a text, and the dates that it may be.

    Parameters
    ----------
    text : str
        In lower-case ASCII letters.

    Examples
    --------
    >>> [(start, stop, str(*days)) for start, stop, days in worded_dates("am 14. marz 2019")]
    [(3, 16, '2019-03-14')]
    """
    for form in FORMS:
        for found in form.finditer(text):
            year = found["year"]
            years = [int(year)] if len(year) > 2 else [1900 + int(year), 2000 + int(year)]
            days = {
                day
                for year_ in years
                for month in months_of(found["month"])
                if (day := _date(year_, month, int(found["day"])))
            }
            if days:
                yield *found.span(), days


def months_of(word: str) -> list[int]:
    """Return the months that a word in lower case names, or begins to name; mostly one or none."""
    return [
        number
        for number, names in enumerate(MONTHS, start=1)
        if any(name.startswith(word) for name in names.split())
    ]


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
