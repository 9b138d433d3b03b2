"""Recognise identifiers, dates and epochs of a patient in numbers, compared as a whole."""

import re
import sys
from collections.abc import Iterable
from datetime import date
from functools import cached_property

SHORTEST_WHOLE = 6
"""Digits of the shortest identifier that a whole number is compared with."""

NUMBER_FORMS = ("%Y%m%d", "%d%m%Y", "%m%d%Y", "%y%m%d", "%d%m%y", "%m%d%y")
PLAUSIBLE_YEARS = range(1900, 2100)
DAY_S, HOUR_S = 86_400, 3600
EPOCH_UNITS = (1, 1000, 1_000_000, 1_000_000_000)
"""Seconds to nanoseconds since 1970."""

SMALLEST_EPOCH = 10_000_000
"""Seconds of the smallest epoch that is searched."""

LONG_NUMBER, ROUND = 7, "000"
"""Digits of a number that is rarely one of an image, and the end of a number that often is."""

MOMENT = re.compile(r"(\d{8})(?:[01]\d|2[0-3])(?:\d\d){0,2}")
"""A date and a time of day in one number, to the hour, minute or second."""

LARGEST = 1e19
"""Numbers from here on are not compared."""


class PatientNumbers:
    """Identifiers, dates and times of a patient.

    The identifiers are among the `tokens`. `days` are the dates of birth and of the patient's
    files, `times` those of the files, ``HHMMSS``.
    """

    def __init__(self, tokens: Iterable[str], days: Iterable[date], times: Iterable[str]) -> None:
        self._whole = {token for token in tokens if len(token) >= SHORTEST_WHOLE}
        self._times = {time for time in times if len(time) == 6 and int(time) > 0}
        self._days = list(days)

    def is_identifier(self, text: str) -> bool:
        """Tell whether a value as a whole is a long identifier of the patient."""
        return text in self._whole

    def is_telling(self, number: str) -> bool:
        """Tell whether a number as a whole is an identifier, a date or an epoch of the patient.

        Any plausible date written as eight digits counts, since the dates of the file may
        have been moved before.
        """
        exact = _value_of(number)
        if exact is None:
            return number in self._whole
        whole = abs(int(exact))
        digits = str(whole)
        if number.strip().lstrip("+-").split(".")[0] in self._whole or digits in self._whole:
            return True
        if exact == whole:
            day = day_of(digits) if len(digits) == 8 else None
            if day is not None or whole in self._numbers:
                return True
        return self.is_secret(number)

    def is_secret(self, number: str) -> bool:
        """Tell whether a number is so long that it can only be one of the patient's.

        That is an identifier of seven digits that is not round, a date of the patient in eight
        digits, alone or before a time of day, or an epoch. Shorter numbers also describe images by
        chance.
        """
        exact = _value_of(number)
        if exact is None or abs(exact) < 10 ** (LONG_NUMBER - 1):
            return False
        whole = abs(int(exact))
        is_known = whole in self._numbers or str(whole) in self._identifiers
        moment = MOMENT.fullmatch(str(whole))
        is_moment = moment is not None and day_of(moment[1]) in self._days
        return (is_known and exact == int(exact)) or is_moment or self._is_epoch(exact)

    @cached_property
    def _identifiers(self) -> set[str]:
        """The digits of identifiers, also of those with letters: `MRN-0048-8123` is 488123."""
        numbers = (re.sub(r"\D", "", token).lstrip("0") for token in self._whole)
        return {number for number in numbers if not number.endswith(ROUND)}

    @cached_property
    def _numbers(self) -> set[int]:
        dates = {day.strftime(form) for day in self._days for form in NUMBER_FORMS}
        return {int(number) for number in dates | self._times}

    @cached_property
    def _epochs(self) -> list[int]:
        return [DAY_S * (day - date(1970, 1, 1)).days for day in self._days]

    def _is_epoch(self, number: float) -> bool:
        """Tell whether a number is a moment of one of the days, in one of `EPOCH_UNITS`.

        Smaller numbers are times in milliseconds, and round numbers settings; but a multiple of
        an hour is the midnight of a time zone.
        """
        if number % 1000 == 0 and number % HOUR_S != 0 and abs(number) < SMALLEST_EPOCH * 1000:
            return False
        return any(
            -DAY_S <= number / unit - epoch <= 2 * DAY_S
            for unit in EPOCH_UNITS
            if abs(number) >= SMALLEST_EPOCH * unit
            for epoch in self._epochs
        )


def _value_of(number: str) -> float | None:
    """Return the value of a number as text; None for other text and for huge numbers."""
    try:
        exact = float(int(number, 16)) if number.lower().startswith("0x") else float(number)
    except (ValueError, OverflowError):
        return None
    return exact if abs(exact) < LARGEST else None


def text_of_codes(numbers: Iterable[str]) -> str:
    """Return the text of which numbers are the codes; nothing if one is no printable character.

    Zeros may stand between them.
    """
    letters = []
    for number in numbers:
        code = _value_of(number)
        if code is None or not 0 <= code <= sys.maxunicode or code != int(code):
            return ""
        letter = chr(int(code))
        if not (code == 0 or letter.isprintable() or letter.isspace()):
            return ""
        letters.append(letter if code else "")
    return "".join(letters)


def day_of(text: str) -> date | None:
    """Return the date of a DA or DT value; None for any other text."""
    digits = text.replace(".", "").replace("-", "").strip()[:8]
    if not re.fullmatch(r"[0-9]{8}", digits):
        return None
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return day if day.year in PLAUSIBLE_YEARS else None
