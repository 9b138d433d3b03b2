"""Dates with the name of a month.

In English, German, French, Spanish, Italian, Portuguese and Dutch.
"""

import re
from collections.abc import Iterator
from datetime import date

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
                for month in _months(found["month"])
                if (day := _date(year_, month, int(found["day"])))
            }
            if days:
                yield *found.span(), days


def _months(word: str) -> list[int]:
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
