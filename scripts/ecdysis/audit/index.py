"""The secrets of a session, by the form in which each kind is compared."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

from ecdysis.audit.secrets import Secret, name_words
from ecdysis.audit.spelling import day_of, fold, spellings, squeezed, tokens

COMMON_WORDS = Path(__file__).with_name("common_words.tsv")
SHORTEST = 4
"""Characters of the shortest word or joined value that is searched."""

LONG_NAME = 6
"""Letters from which a name is also found at the start or the end of a longer word."""

LONG_VALUE = 8
"""Characters from which an identifier with digits is also found inside a longer word."""

LONG_NUMBER = 7
"""Digits from which the number in an identifier is searched without its letters."""

IDEOGRAMS = 0x2E80
"""First character of the scripts that write no spaces between words."""

CODECS = ("utf-8", "gb18030", "iso2022_jp", "shift_jis", "euc_kr", "iso8859_5", "latin-1")
MOST_NAME_PARTS = 4


@cache
def common_words() -> frozenset[str]:
    """Return the words that do not identify anyone."""
    lines = COMMON_WORDS.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t")[1] for line in lines if "\t" in line and line[0] != "#")
    return frozenset(word for row in rows for word in row.split())


@dataclass
class Index:
    """Tables of secrets; each maps a form to the secret that it is a form of."""

    names: dict[str, Secret] = field(default_factory=dict)
    """Words of names in Latin letters."""
    joined: dict[str, Secret] = field(default_factory=dict)
    """Whole names, identifiers, places and devices: letters and digits alone."""
    phrases: dict[tuple[str, ...], Secret] = field(default_factory=dict)
    """The tokens of numbers that are written with separators."""
    digits: dict[str, Secret] = field(default_factory=dict)
    """Numbers that are identifiers."""
    ideograms: dict[str, Secret] = field(default_factory=dict)
    """Words of names in scripts without spaces."""
    encoded: dict[bytes, Secret] = field(default_factory=dict)
    """The bytes of names that are not ASCII, in the encodings that DICOM has."""
    uids: dict[str, Secret] = field(default_factory=dict)
    """As they are written."""
    times: dict[str, Secret] = field(default_factory=dict)
    """As they are written."""
    dates: dict[date, Secret] = field(default_factory=dict)
    """Dates."""
    all_words: set[str] = field(default_factory=set)
    """Every word of every secret, common ones included."""

    def __len__(self) -> int:
        """Return the number of secrets that are searched."""
        tables = (self.names, self.joined, self.phrases, self.digits, self.ideograms, self.uids,
                  self.times, self.dates)  # fmt: skip
        return len({secret for table in tables for secret in table.values()})  # type: ignore[attr-defined]


def index_of(secrets: Iterable[Secret], label: str, models: Iterable[str]) -> Index:
    """Return the tables for the secrets of a session.

    The `label` of the subject is meant to be found. `models` are texts that name the scanner's
    maker, model and software: a station whose name stands in them, and a place that is called like
    one of them, are not searched.
    """
    index = Index()
    harmless = common_words() | {label.lower(), label.lower().removeprefix("sub-")}
    scanner = [f" {' '.join(tokens(fold(text)))} " for text in models]
    for secret in sorted(secrets, key=lambda secret: (secret.kind, secret.tag, secret.text)):
        match secret.kind:
            case "names":
                _add_name(index, secret, harmless)
            case "UIDs":
                index.uids.setdefault(secret.text, secret)
            case "dates" | "birth dates":
                if day := day_of(secret.text):
                    index.dates.setdefault(day, secret)
            case "times":
                index.times.setdefault(secret.text, secret)
            case _:
                _add_value(index, secret, harmless, scanner)
    return index


def _add_name(index: Index, secret: Secret, harmless: frozenset[str] | set[str]) -> None:
    parts = name_words(secret.text)
    for part in parts:
        for form in spellings(part):
            index.all_words.update(tokens(form))
            for word in {form, squeezed(form)}:
                if word.isascii() and len(word) >= SHORTEST and word not in harmless:
                    index.names.setdefault(word, secret)
            if len(form) > 1 and any(ord(letter) >= IDEOGRAMS for letter in form):
                index.ideograms.setdefault(form, secret)
        for data in _bytes_of(part):
            index.encoded.setdefault(data, secret)
    for form in _joined_names([squeezed(part) for part in parts[:MOST_NAME_PARTS]]):
        if len(form) >= SHORTEST and form not in harmless:
            index.joined.setdefault(form, secret)


def _joined_names(parts: list[str]) -> Iterator[str]:
    """Yield the words of a name without spaces: in a row, in pairs, and with an initial.

    Examples
    --------
    >>> sorted(set(_joined_names(["smith", "bob"])))
    ['bobsmith', 'smithb', 'smithbob']
    """
    places = range(len(parts))
    yield from ("".join(parts[one : two + 1]) for one in places for two in places if one < two)
    for one in places:
        for two in places:
            if one != two:
                yield parts[one] + parts[two]
                if len(parts[one]) >= SHORTEST:
                    yield parts[one] + parts[two][:1]


def _bytes_of(part: str) -> Iterator[bytes]:
    for codec in CODECS if not part.isascii() else ():
        try:
            data = part.encode(codec)
        except UnicodeEncodeError:
            continue
        if len(data) >= SHORTEST:
            yield data


def _add_value(
    index: Index, secret: Secret, harmless: frozenset[str] | set[str], scanner: list[str]
) -> None:
    split = tuple(tokens(fold(secret.text)))
    joined = "".join(split)
    index.all_words.update(split)
    name = f" {' '.join(split)} "
    is_model = secret.kind == "places" and name in scanner
    is_part = secret.kind == "devices" and any(name in text for text in scanner)
    if len(joined) < SHORTEST or is_model or is_part or joined in harmless:
        return
    if joined.isdigit():
        index.phrases.setdefault(split, secret)
        index.digits.setdefault(joined, secret)
        index.digits.setdefault(joined.lstrip("0") or joined, secret)
    elif not all(word in harmless or len(word) < 2 for word in split):
        index.joined.setdefault(joined, secret)
    number = re.sub(r"\D", "", joined).lstrip("0")
    if secret.kind == "identifiers" and len(number) >= LONG_NUMBER:
        index.digits.setdefault(number, secret)
