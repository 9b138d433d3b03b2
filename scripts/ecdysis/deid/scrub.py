"""Find and remove names of persons in values that are kept.

The tokens come from the identifying values of all files of a patient. Text is compared after
transliteration to ASCII (anyascii), without case and diacritics; tokens too short to stand for
a person inside other words must stand alone. Numbers are compared as whole values.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise

from anyascii import anyascii

from ecdysis.deid.dates import date_tokens, worded_dates
from ecdysis.deid.patient_numbers import LONG_NUMBER, PatientNumbers, day_of, text_of_codes
from ecdysis.deid.words import SPELLED_OUT, is_imaging, is_of_device
from ecdysis.dicom.tables import common_words, is_standard_uid, vocabulary

ALONE_BELOW = 4
"""A part of a name with fewer letters is found only between other characters."""

DIGITS_ALONE_BELOW = 7
SHORTEST_NUMBER = 4
"""Digits of the shortest identifier that is searched in text: `02` is too common."""

SHORTEST_PLACE = 6
"""Letters of the shortest name of a place that is searched in text."""

SHORTEST_SITE = 3
"""Letters of the shortest word of a place that is searched in texts about the scanner."""

SHORTEST_SERIAL = 5
"""Digits of the shortest serial number that is searched in text."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|0x[0-9a-f]+", re.IGNORECASE)
LONG_RUN = re.compile(r"(?<![\d.])\d{7,19}(?!\d)")
UID = re.compile(r"(?<![\d.])[0-2](?=[\d.]{18})(?:\.\d+){5,}")
SEPARATORS = re.compile(r"[\s._/\-]+")
LETTERS = re.compile(r"[A-Za-z]+")
RUNS, TOKENS = re.compile(r"[^\W\d_]+|\d+"), re.compile(r"[^\W_]+")
DIGRAPHS = {"ae": "ae?", "oe": "oe?", "ue": "ue?", "aa": "aa?"}
"""Vowels that are also written as one letter, and the pattern for both."""

WIDENED = {
    "ä": "ae?",
    "ö": "oe?",
    "ü": "ue?",
    "ø": "oe?",
    "å": "aa?",
    "æ": "ae?",
    "œ": "oe?",
    "đ": "dj?",
}
IDEOGRAPHS = 0x2E80
"""Code points from here on write names in one or two characters."""

MOST_PASSES = 8
"""Passes over a text; a text that still contains a token after them is removed completely."""


def name_tokens(name: str) -> set[str]:
    """Return the parts of a person name, all component groups (PS3.5, section 6.2.1)."""
    parts: set[str] = set()
    for group in re.split(r"[=\\]", name):
        components = [part.strip() for part in group.split("^")[:3]]
        words = [word for part in components for word in re.split(r"[\s,._\-'’()/]+", part)]
        parts.update(word for word in words if _is_name(word))
        # A name of several parts is also written as one word: van der Berg, vanderberg.
        joined = [re.sub(r"[\s,._\-'’()/]+", "", part) for part in components]
        whole = [*joined, "".join(joined), "".join(reversed(joined[:2]))]
        parts.update(word for word in whole if len(word) >= ALONE_BELOW and _is_name(word))
        # Both together tell a name, even if each is a word of images, as in Foot Echo.
        if all(map(_is_name, joined[:2])) and joined[1:2]:
            parts.update([" ".join(joined[:2]), " ".join(reversed(joined[:2]))])
        first = "".join(components)
        parts.update([first] if first and ord(first[0]) >= IDEOGRAPHS else [])
    return parts


def id_tokens(value: str) -> set[str]:
    """Return the identifiers in a value, each whole and without its separators."""
    parts = {part.strip() for part in value.split("\\")}
    parts |= {SEPARATORS.sub("", part) for part in parts}
    return {part for part in parts if _is_worth(part)}


def place_tokens(value: str) -> set[str]:
    """Return the names of places in a value, each whole; imaging terms and makers are none."""
    names = {part.strip() for part in value.split("\\")}
    return {name for name in names if _is_place(name)}


def _is_place(name: str) -> bool:
    words = LETTERS.findall(_fold(name)[0])
    is_common = all(is_imaging(word) or word in vocabulary("vendor") for word in words)
    is_maker = name.lower() in vocabulary("vendor")
    return len("".join(words)) >= SHORTEST_PLACE and not is_common and not is_maker


def site_words(value: str) -> set[str]:
    """Return the words of a place's name that are no words of texts about scanners."""
    words = LETTERS.findall(_fold(value)[0])
    return {word for word in words if len(word) >= SHORTEST_SITE and not is_of_device(word)}


def device_tokens(value: str) -> set[str]:
    """Return the names and numbers of scanners in a value; words of many scanners are none."""
    return {part.strip() for part in value.split("\\") if _is_device(part.strip())}


def _is_device(name: str) -> bool:
    words = TOKENS.findall(_fold(name)[0])
    joined = "".join(words)
    if joined.isdigit():
        return len(joined) >= SHORTEST_SERIAL
    is_common = all(len(word) < 2 or (word.isalpha() and is_of_device(word)) for word in words)
    return len(joined) >= ALONE_BELOW and not is_common


class Scrubber(PatientNumbers):
    """Removes tokens from text, and recognises them in numbers.

    The `tokens` are name parts, identifiers and dates; `name_tokens` and its siblings make them.
    `days` (``YYYYMMDD``) are dates of the patient's files that must not show, `times` (``HHMMSS``)
    those that must not show as a number. `devices` are names and serial numbers of scanners, which
    are removed as whole words of text, and `sites` the words of the names of places, which are
    removed from texts about the scanner.
    """

    def __init__(
        self,
        tokens: Iterable[str],
        days: Iterable[str] = (),
        times: Iterable[str] = (),
        devices: Iterable[str] = (),
        sites: Iterable[str] = (),
    ) -> None:
        known = sorted({day for text in days if (day := day_of(text))})
        spelled = {form for day in known for form in date_tokens(day.strftime("%Y%m%d"))}
        given = {*tokens, *spelled}
        given |= {anyascii(token) for token in given if ord(max(token, default=" ")) >= IDEOGRAPHS}
        every = {token for token in given if _is_searched(_fold(token)[0])}
        super().__init__(every, known, times)
        self._spelled = {
            token.lower().encode(codec)
            for token in every
            if len(token) >= ALONE_BELOW and token.isalpha()
            for codec in ("utf-8", "utf-16-le", "utf-16-be")
        }
        self._words = {_fold(token)[0] for token in every if token.isalpha()}
        self._coded = {form for token in every if _is_spellable(form := _squeezed(token))}
        searched = every | {number for token in every if (number := _number_in(token))}
        forms = {*map(_as_pattern, searched), *map(_device_pattern, devices)}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(ordered)) if ordered else None
        self._sites = frozenset(sites)

    def __call__(self, text: str) -> str:
        """Return `text` without the tokens; the same object when there are none."""
        return self._removed(text, None)

    def technical(self, text: str) -> str:
        """Return a technical value without the tokens.

        Imaging terms stay even when they are also somebody's name, as in `HeadNeck_64`.
        """
        return self._removed(text, is_imaging)

    def of_device(self, text: str) -> str:
        """Return a text about the scanner without the tokens.

        Imaging terms and words of most headers stay, as in `NP13_15RX_ACDC`.
        """
        left = self._removed(text, _is_common)
        folded, places = _fold(left) if self._sites else ("", ())
        words = [word.span() for word in LETTERS.finditer(folded) if word[0] in self._sites]
        spans = [(places[start], places[stop - 1] + 1) for start, stop in words]
        return _without(left, spans) if spans else left

    def accepts(self, text: str) -> bool:
        """Tell whether a value of a vendor's header may stay as it is."""
        bare = text.strip()
        if _is_number(bare):
            return not self.is_telling(bare)
        return self.technical(bare) == bare

    def is_spelled_by(self, numbers: list[str]) -> bool:
        """Tell whether numbers are the codes of characters that name the patient.

        All numbers must be codes of characters; zeros may stand between them.
        """
        text = _squeezed(text_of_codes(numbers)) if len(numbers) >= ALONE_BELOW else ""
        return any(form in text for form in self._coded)

    def is_spelled_in(self, raw: bytes) -> bool:
        """Tell whether a name is written into bytes that should be binary numbers."""
        low = raw.lower()
        return any(token in low for token in self._spelled)

    def _removed(self, text: str, is_safe: Callable[[str], bool] | None) -> str:
        if self._pattern is None:
            return text
        for _ in range(MOST_PASSES):
            folded, places = _fold(text)
            spans = [
                (places[match.start()], places[match.end() - 1] + 1)
                for match in self._pattern.finditer(folded)
            ]
            if is_safe is not None:
                runs = [run.span() for run in LETTERS.finditer(text)]
                safe = [run for run in runs if is_safe(text[slice(*run)])]
                safe += [run for run in runs if _is_chance(text, run, spans)]
                spans = [span for span in spans if not _is_inside(span, safe)]
            spans += [
                *self._halves(text, [*spans], is_safe or is_imaging),
                *_uids(text),
                *self._spelled_out(text),
                *self._worded(folded, places),
                *self._long_numbers(text),
            ]
            if not spans:
                return text
            # What stood on both sides of a token may spell it once it is gone.
            text = _without(text, spans)
        return ""

    def _long_numbers(self, text: str) -> list[tuple[int, int]]:
        """Return the positions of epochs, and of other long numbers of the patient, in a text."""
        return [run.span() for run in LONG_RUN.finditer(text) if self.is_secret(run[0])]

    def _spelled_out(self, text: str) -> list[tuple[int, int]]:
        """Return the positions of names in single letters, such as ``S m i t h``."""
        return [
            run.span()
            for run in SPELLED_OUT.finditer(text)
            for letters in [_squeezed(run[0])]
            if any(len(name) >= ALONE_BELOW and name in letters for name in self._words)
        ]

    def _worded(self, folded: str, places: range | tuple[int, ...]) -> list[tuple[int, int]]:
        """Return the positions of dates of the patient with the name of a month."""
        if not self._days or not any(map(str.isdigit, folded)):
            return []
        return [
            (places[start], places[stop - 1] + 1)
            for start, stop, days in worded_dates(folded)
            if not days.isdisjoint(self._days)
        ]

    def _halves(
        self, text: str, spans: list[tuple[int, int]], is_safe: Callable[[str], bool]
    ) -> list[tuple[int, int]]:
        """Return the words that begin or end a name which was written as one word."""
        return [
            word.span()
            for word in LETTERS.finditer(text)
            if len(word[0]) >= ALONE_BELOW
            and not is_safe(word[0])
            and word[0].lower() not in vocabulary("vendor")
            and not _is_inside(word.span(), spans)
            and any(
                len(name) > len(word[0]) and (name.startswith(low) or name.endswith(low))
                for low in [word[0].lower()]
                for name in self._words
            )
        ]


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    kept, position = [], 0
    for start, stop in sorted(spans):
        kept.append(text[position:start])
        position = max(position, stop)
    left = "".join([*kept, text[position:]])
    return re.sub(r" {2,}", " ", left).strip(" ^_-")


def _is_common(run: str) -> bool:
    return is_imaging(run) or run.lower() in common_words()


def _uids(text: str) -> list[tuple[int, int]]:
    """Return the positions of UIDs of studies, series and files in a text."""
    return [uid.span() for uid in UID.finditer(text) if not is_standard_uid(uid[0])]


def _is_chance(text: str, run: tuple[int, int], spans: list[tuple[int, int]]) -> bool:
    """Return whether a word of capitals contains only short tokens, as LATEST contains `Test`."""
    inside = [span for span in spans if _is_inside(span, [run])]
    return all(
        stop - start <= ALONE_BELOW and (start, stop) != run and text[slice(*run)].isupper()
        for start, stop in inside
    )


def _is_inside(span: tuple[int, int], spans: list[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= stop for start, stop in spans)


def _is_number(text: str) -> bool:
    return bool(
        re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|0x[0-9a-f]+", text, re.IGNORECASE)
    )


def _is_name(word: str) -> bool:
    if not word or word.lower() in vocabulary("title"):
        return False
    if word.isdigit():
        return _is_worth(word)
    return len(word) > 1 or ord(word[0]) >= IDEOGRAPHS


def _is_worth(part: str) -> bool:
    return len(part) >= (SHORTEST_NUMBER if part.isdigit() else 2)


def _is_searched(folded: str) -> bool:
    """Tell whether a token identifies after folding, where characters without a letter vanish."""
    return _is_worth(folded) or folded[:1] >= chr(IDEOGRAPHS)


@lru_cache(maxsize=4096)
def _fold(text: str) -> tuple[str, range | tuple[int, ...]]:
    """Return `text` in lower-case ASCII, and for each character where it comes from."""
    if text.isascii():
        return text.lower(), range(len(text))
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        plain = _fold_letter(letter)
        letters.append(plain)
        places += [place] * len(plain)
    return "".join(letters), tuple(places)


@lru_cache(maxsize=65536)
def _fold_letter(letter: str) -> str:
    """Return a letter in lower-case ASCII; a syllable or ideograph of East Asia as it is."""
    if letter.isascii():
        return letter.lower()
    wide = unicodedata.normalize("NFKC", letter)
    if "\uac00" <= wide[:1] <= "\ud7a3" or unicodedata.name(wide[:1], "").startswith("CJK"):
        return wide
    parts = unicodedata.normalize("NFKD", wide)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return anyascii(plain).casefold()


def _squeezed(text: str) -> str:
    """Return the letters and digits of a text, folded."""
    return "".join(RUNS.findall(_fold(text)[0]))


def _is_spellable(form: str) -> bool:
    """Tell whether a token is searched in codes of characters; images count 48, 49, 50, 51."""
    steps = {ord(two) - ord(one) for one, two in pairwise(form)}
    return len(steps) > 1 and len(form) >= (
        DIGITS_ALONE_BELOW - 1 if form.isdigit() else ALONE_BELOW
    )


def _device_pattern(token: str) -> str:
    runs = RUNS.findall(_fold(token)[0])
    return r"(?<![^\W_])" + r"[\W_]{0,2}".join(map(re.escape, runs)) + r"(?![^\W_])"


def _number_in(token: str) -> str:
    """Return the number in a long identifier with its separators: 0048-8123 of MRN-0048-8123."""
    number = re.sub(r"[^\d\s._/\-]", "", token).strip(" ._/-")
    return number if len(re.sub(r"\D", "", number)) >= LONG_NUMBER else ""


def _as_pattern(token: str) -> str:
    low = token.casefold() if not token.isascii() else token.lower()
    pieces = re.split("([äöüøåæœđ])", unicodedata.normalize("NFC", low))
    escaped = "".join(
        WIDENED[piece] if piece in WIDENED else _with_digraphs(_fold(piece)[0]) for piece in pieces
    )
    folded = _fold(token)[0]
    if len(re.sub(r"\D", "", folded)) >= LONG_NUMBER:
        # Separators of a long number are optional: 0048-8123, 0048 8123, 00488123.
        return r"[\s._/\-]?".join(map(re.escape, filter(None, SEPARATORS.split(folded))))
    if folded.isdigit():
        return rf"(?<!\d){escaped}(?!\d)" if len(folded) < DIGITS_ALONE_BELOW else escaped
    digits = sum(map(str.isdigit, folded))
    if digits < DIGITS_ALONE_BELOW and not any(map(str.isalpha, folded)):
        # "1.2.09" is a date, and a part of the version "11.2.09".
        return rf"(?<!\d)(?<!\d[./_-]){escaped}(?![./_-]?\d)"
    if " " in folded and folded.replace(" ", "").isalpha():
        return rf"(?<![^\W\d_]){escaped}(?![^\W\d_])".replace(r"\ ", r"[\W_]{1,2}")
    if len(folded) < ALONE_BELOW and ord(folded[0]) < IDEOGRAPHS:
        return rf"(?<![^\W\d_]){escaped}(?![^\W\d_])"
    return escaped


def _with_digraphs(text: str) -> str:
    parts = re.split("(ae|oe|ue|aa)", text)
    return "".join(DIGRAPHS.get(part) or re.escape(part) for part in parts)
