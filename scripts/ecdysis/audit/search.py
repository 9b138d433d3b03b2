"""Searching values for secrets: each kind in its own form, by whole words."""

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from ecdysis.audit.index import LONG_NAME, LONG_VALUE, SHORTEST, common_words, index_of
from ecdysis.audit.instance import BINARY, CODE_VRS, NUMBER_VRS, TEXT_VRS, Value
from ecdysis.audit.secrets import Secret
from ecdysis.audit.spelling import (
    TOKEN,
    date_numbers,
    date_of_number,
    dates_in,
    day_of,
    fold,
    tokens,
    words,
)

LONG_DIGITS = 6
"""Digits from which an identifier is searched among the many numbers of vendors and logs."""

MOST_REMEMBERED = 200_000
MOST_TOKENS, MOST_VENDOR_TOKENS = 8, 3
"""Tokens in a row that are joined, at most, to be compared with one value."""

PIECE_OF_NAME = 5
"""Letters of the shortest word that counts when a longer name begins or ends with it."""

UID_FORM = re.compile(r"(?<![\d.])[0-2](?:\.\d+){4,}")
RUNS = re.compile(rb"[\x09\x0a\x0d\x20-\x7e\x80-\xff]{4,}")
WIDE_RUNS = re.compile(rb"(?:[\x20-\x7e]\0){4,}|(?:\0[\x20-\x7e]){4,}")
"""Text in raw bytes, in one and in two bytes a letter."""
LETTER_RUNS = re.compile(rb"[A-Za-z]{4,}")

LETTER_OR_NUL = bytes(
    ord("a" if 0x20 <= byte <= 0x7E else "0" if byte == 0 else ".") for byte in range(256)
)

KEYS = re.compile(r"^[\w.\[\]]+[ \t]*=", re.MULTILINE)
"""What stands before the values of a vendor's protocol."""

MISUSED = re.compile(r"lFinalMatrixSize\w+[ \t]*=[ \t]*\d{5,}")
"""Sizes of an image that are none: multiband sequences of CMRR keep date and time there."""

EPOCH_UNITS = (1, 1000, 1_000_000, 1_000_000_000)
"""Seconds to nanoseconds since 1970."""

SMALLEST_EPOCH, LARGEST_SECONDS = 10_000_000, 10_000_000_000
"""Seconds between which an epoch is searched. A round number of seconds is no epoch, unless it is a
multiple of an hour: the midnight of a time zone."""

SMALLEST_NUMBER, LARGEST_NUMBER = 1_000_000, 1e19
"""Numbers between which identifiers, dates and epochs are searched."""

SMALLEST_DATE = 10_101
"""In elements of vendors, dates in six digits are searched as well; this is the smallest."""

LENGTHS_OF_MOMENTS = (10, 12, 14)
"""Digits of a date with its hour, minute or second."""

DATE_NUMBERS = ("%Y%m%d", "%d%m%Y", "%m%d%Y", "%y%m%d", "%d%m%y", "%m%d%y")
"""Orders of year, month and day in a number."""

READS_AS_DATE = Secret("dates", 0, "")
READS_AS_TIME = Secret("times", 0, "")
"""What a number of a vendor's element reads as, though no element of the originals holds it."""


class Searcher:
    """Finds secrets in values.

    The `label` of the subject is meant to be found, `models` are texts that name the scanner's
    maker, model and software, and `kinds` are the kinds of secrets that are searched.
    """

    def __init__(
        self,
        secrets: Iterable[Secret],
        label: str = "",
        models: Iterable[str] = (),
        kinds: frozenset[str] = frozenset(),
    ) -> None:
        self.index = index_of(secrets, label, models)
        self.kinds = kinds
        self._long_names = [name for name in self.index.names if len(name) >= LONG_NAME]
        self._long_values = [
            form
            for form in self.index.joined
            if len(form) >= LONG_VALUE and any(letter.isdigit() for letter in form)
        ]
        self._epochs = [
            (_epoch(day - timedelta(1)), _epoch(day + timedelta(2)), secret)
            for day, secret in self.index.dates.items()
        ]
        self._numbers = {
            int(day.strftime(form)): secret
            for form in DATE_NUMBERS
            for day, secret in self.index.dates.items()
        }
        self._memory: dict[object, tuple[Secret, ...]] = {}
        self._clean: set[tuple[str, ...]] = set()

    def in_value(self, value: Value) -> tuple[Secret, ...]:
        """Return the secrets in the value of a DICOM element."""
        if not value.raw:
            return ()
        if value.key not in self._memory:
            self._memory[value.key] = tuple(dict.fromkeys(self._in_value(value)))
        return self._memory[value.key]

    def in_text(self, text: str, *, vendor: bool = False, camel: bool = True) -> list[Secret]:
        """Return the secrets in a text.

        A text that is part of a `vendor`'s element holds many numbers and codes: there short
        numbers do not count, and every number that reads as a date does. With `camel`, parts of
        words in camel case count as words.
        """
        found = [*self._names_in(text, vendor=vendor, camel=camel and not vendor)]
        found += self._values_in(text, vendor=vendor)
        found += self._uids_in(text)
        found += [secret for day in dates_in(text) if (secret := self.index.dates.get(day))]
        found += self._times_in(text)
        if vendor and "dates" in self.kinds:
            found += [self.index.dates.get(day) or READS_AS_DATE for day in date_numbers(text)]
        return list(dict.fromkeys(found))

    def in_line(self, line: str) -> list[Secret]:
        """Return the secrets in a line of a log, where programs use words of their own.

        A name counts when it has eight letters or stands beside another word of the same name.
        Of the dates, which are also those of the run, the birth date counts.
        """
        seen = [word for word in words(line, camel=False) if word in self.index.names]
        names = [self.index.names[word] for word in dict.fromkeys(seen)]
        found = [self.index.names[word] for word in seen if len(word) >= LONG_VALUE]
        found += [name for name in names if names.count(name) > 1]
        found += self._values_in(line, vendor=True, shortest_name=LONG_VALUE)
        found += self._uids_in(line)
        born = (self.index.dates.get(day) for day in dates_in(line))
        found += [secret for secret in born if secret and secret.kind == "birth dates"]
        return list(dict.fromkeys(found))

    def in_number(
        self, number: float, *, vendor: bool = False, epochs: bool = True
    ) -> Secret | None:
        """Return the date or the identifier that a number is, if it is one.

        In a `vendor`'s element any date of a scan counts. Without `epochs` it is no epoch; those of
        the workflow's own records are of the run.
        """
        smallest = SMALLEST_DATE if vendor else SMALLEST_NUMBER
        if not smallest <= abs(number) < LARGEST_NUMBER:
            return None
        epoch = (self._epoch_in(number) if epochs else None) or self._moment_in(number)
        if epoch or not float(number).is_integer():
            return epoch
        if secret := self._numbers.get(int(abs(number))):
            return secret
        digits = f"{abs(number):.0f}"
        if vendor and "dates" in self.kinds and date_of_number(number):
            return READS_AS_DATE
        # Round and short numbers are settings.
        is_setting = digits.endswith("000") or len(digits) <= LONG_DIGITS
        return None if is_setting else self.index.digits.get(digits)

    def in_codes(self, value: Value) -> list[Secret]:
        """Return the secrets that numbers spell: as codes of characters, or with their bytes."""
        found: list[Secret] = []
        if text := _spelled(value.numbers()):
            found += self._names_in(text, vendor=False, camel=False)
            found += self._values_in(text, vendor=True)
        if value.vr in BINARY:
            letters = b"\n".join(LETTER_RUNS.findall(value.raw)).decode("ascii")
            found += self._names_in(letters, vendor=False, camel=True)
        return found

    def may_be_cut(self, text: str) -> bool:
        """Whether a text holds a word of a secret, common or not, so that words may be missing."""
        found = {*tokens(fold(text)), *words(text)}
        return not self.index.all_words.isdisjoint(found) or bool(self.in_text(text, vendor=True))

    def may_be_spelled(self, value: Value) -> bool:
        """Whether numbers spell a word of a secret, common or not, so that they may be missing."""
        text = _spelled(value.numbers())
        return bool(self.in_codes(value)) or (bool(text) and self.may_be_cut(text))

    def _in_value(self, value: Value) -> Iterator[Secret]:
        vendor = bool(value.tag >> 16 & 1)
        vr = value.vr
        if vr == "UI":
            yield from (self.index.uids[uid] for uid in value.texts() if uid in self.index.uids)
        elif vr in ("DA", "DT", "TM"):
            for text in value.texts():
                day = day_of(text) if vr != "TM" else None
                if day and (secret := self.index.dates.get(day)):
                    yield secret
                if (time := text if vr == "TM" else text[8:]) in self.index.times:
                    yield self.index.times[time]
        elif vr in NUMBER_VRS and (numbers := value.numbers()):
            found = (self.in_number(number, vendor=vendor) for number in numbers)
            yield from (secret for secret in found if secret)
            yield from self.in_codes(value)
        elif vr in TEXT_VRS or vr in CODE_VRS:
            for text in value.texts():
                yield from self.in_text(text, vendor=vendor, camel=vr in TEXT_VRS)
        elif vr not in NUMBER_VRS and vr != "AT":
            yield from self._in_bytes(value.raw)

    def _in_bytes(self, raw: bytes) -> Iterator[Secret]:
        """Yield the secrets in raw bytes: the text among them, in all encodings."""
        runs = [run.decode("latin-1") for run in RUNS.findall(raw)]
        if _has_wide_run(raw):
            runs += [run.replace(b"\0", b"").decode("latin-1") for run in WIDE_RUNS.findall(raw)]
        text = "\n".join(runs)
        if "times" in self.kinds and MISUSED.search(text):
            yield READS_AS_TIME
        lines = KEYS.sub("", text).split("\n")
        yield from self._in_lines([line for line in lines if TOKEN.search(line)])
        if not raw.isascii():
            yield from (self.index.encoded[form] for form in self.index.encoded if form in raw)

    def _in_lines(self, lines: list[str]) -> Iterator[Secret]:
        """Yield the secrets in a vendor's lines; lines that recur are searched once.

        What is searched lies in three tokens in a row, so in at most three lines with tokens:
        a text without secrets in any three such lines in a row has none.
        """
        rows = [
            tuple(lines[at : at + MOST_VENDOR_TOKENS])
            for at in range(max(1, len(lines) - MOST_VENDOR_TOKENS + 1))
        ]
        spans: list[list[int]] = []
        for at, row in enumerate(rows):
            if row in self._clean:
                continue
            if not spans or at > spans[-1][1] + MOST_VENDOR_TOKENS:
                spans.append([at, at])
            spans[-1][1] = at
        for first, last in spans:
            found = self.in_text("\n".join(lines[first : last + MOST_VENDOR_TOKENS]), vendor=True)
            if not found:
                self._clean.update(rows[first : last + 1])
            yield from found
        if len(self._clean) > MOST_REMEMBERED:
            self._clean.clear()

    def _names_in(self, text: str, *, vendor: bool, camel: bool) -> Iterator[Secret]:
        names, joined = self.index.names, self.index.joined
        if names or joined:
            runs = words(text, camel=camel)
            yield from (names[run] for run in runs if run in names)
            if not vendor:
                yield from (joined[run] for run in runs if run in joined)
                spaced = "".join(run if len(run) == 1 else " " for run in runs).split()
                spaced = [letters for letters in spaced if len(letters) >= SHORTEST]
                yield from (names[name] for name in names if any(name in part for part in spaced))
                yield from self._parts_of_names(runs)
        if self.index.ideograms and not text.isascii():
            plain = unicodedata.normalize("NFKC", text).casefold()
            ideograms = self.index.ideograms
            yield from (ideograms[form] for form in ideograms if form in plain)

    def _parts_of_names(self, runs: list[str]) -> Iterator[Secret]:
        """Yield names at the start or the end of a word, and names that such a word begins."""
        for run in runs:
            if len(run) < PIECE_OF_NAME or run in common_words():
                continue
            for name in self._long_names:
                # "Smithson" holds "Smith", and a patient "SmithJohn" is named by "Smith".
                holds = len(run) > len(name) and run.startswith(name) | run.endswith(name)
                begins = len(run) < len(name) - 2 and name.startswith(run) | name.endswith(run)
                if holds or begins:
                    yield self.index.names[name]

    def _values_in(
        self, text: str, *, vendor: bool, shortest_name: int = SHORTEST
    ) -> Iterator[Secret]:
        """Yield names, identifiers, places and devices that consist of whole tokens in a row.

        A joined name that is a single token, such as "SmithJ", needs `shortest_name` characters.
        """
        index, most = self.index, MOST_VENDOR_TOKENS if vendor else MOST_TOKENS
        if not (index.joined or index.digits):
            return
        split = tokens(fold(text))
        shortest = LONG_DIGITS if vendor else SHORTEST
        for start, token in enumerate(split):
            if token in index.digits and len(token) >= shortest:
                yield index.digits[token]
            joined = ""
            for end in range(start, min(start + most, len(split))):
                joined += split[end]
                secret = index.joined.get(joined)
                is_short = end == start and len(joined) < shortest_name
                if secret and not (is_short and secret.kind == "names"):
                    yield secret
                if end > start and joined.isdigit() and len(joined) >= shortest:
                    row = tuple(split[start : end + 1])
                    if row in index.phrases:
                        yield index.phrases[row]
            if not vendor and len(token) > LONG_VALUE:
                yield from (index.joined[form] for form in self._long_values if form in token)

    def _uids_in(self, text: str) -> Iterator[Secret]:
        if self.index.uids:
            uids = self.index.uids
            yield from (uids[form] for form in UID_FORM.findall(text) if form in uids)

    def _times_in(self, text: str) -> Iterator[Secret]:
        if self.index.times:
            yield from (secret for time, secret in self.index.times.items() if time in text)

    def _moment_in(self, number: float) -> Secret | None:
        """Return the date with which a number begins that goes on with a time of day."""
        digits = str(int(abs(number)))
        is_moment = len(digits) in LENGTHS_OF_MOMENTS and int(digits[8:10]) < 24
        day = day_of(digits) if is_moment else None
        return self.index.dates.get(day) if day else None

    def _epoch_in(self, number: float) -> Secret | None:
        """Return the date of which a number is a moment in one of `EPOCH_UNITS`."""
        if abs(number) < LARGEST_SECONDS and number % 1000 == 0 and number % 3600 != 0:
            return None
        for unit in EPOCH_UNITS:
            if abs(number) < SMALLEST_EPOCH * unit:
                return None
            for first, last, secret in self._epochs:
                if first <= number / unit < last:
                    return secret
        return None


def _spelled(numbers: Iterable[float]) -> str:
    """Return the text of which numbers are the codes; nothing if one is no printable character.

    Zeros may stand between them. Numbers in equal steps count something.
    """
    codes = [number for number in numbers if number != 0]
    steps = {two - one for one, two in pairwise(codes)}
    if len(codes) < SHORTEST or len(steps) < 2:
        return ""
    if not all(0 < code <= sys.maxunicode and float(code).is_integer() for code in codes):
        return ""
    text = "".join(chr(int(code)) for code in codes)
    return text if all(letter.isprintable() or letter.isspace() for letter in text) else ""


def _has_wide_run(raw: bytes) -> bool:
    """Whether raw bytes hold text in two bytes a letter; much faster than `WIDE_RUNS`."""
    kinds = raw.translate(LETTER_OR_NUL)
    return b"a0a0a0a0" in kinds or b"0a0a0a0a" in kinds


def _epoch(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
