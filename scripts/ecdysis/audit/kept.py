"""What de-identification must keep: pixels, numbers, the relations of UIDs, intervals of dates."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ecdysis.audit.findings import Finding, element_name
from ecdysis.audit.index import SHORTEST, common_words
from ecdysis.audit.instance import META, NUMBER_VRS, Chunk, Instance, PerChunk, Value
from ecdysis.audit.search import Searcher
from ecdysis.audit.secrets import is_standard_uid
from ecdysis.audit.spelling import date_of_number, day_of, squeezed
from ecdysis.audit.vendor import READERS, facts

TABLE = Path(__file__).with_name("kept_elements.tsv")
NUMBERS = ("00200011", "00200012", "00200013", "00180086", "00200032", "00080032")
"""Places of the elements that tell files with the same pixels apart: series, acquisition, instance,
echo..."""

DATES = {0x00080020, 0x00080021, 0x00080022, 0x00080023, 0x0008002A}
"""Dates that are compared to find by how many days they were moved."""

FRAMES = re.compile(
    r"(52009229|52009230|0065..51)\[\d+\]\."
    r"((0018|0020|0028|0040|0054|0062)....\[\d+\]\.|(2005..0f|0021..fe)\[\d+\]\.)*[0-9a-f]{8}$"
)
"""Places inside the functional groups of a frame (PS3.3, section C.7.6.16), public and private.
Other sequences refer to other objects, and may be removed as a whole."""

PRIVATE_PLACE = re.compile(r"(^|\.)[0-9a-f]{3}[13579bdf][0-9a-f]{4}\[")
"""A private sequence in the place of an element."""

SINGLE_LETTERS = re.compile(r"(\b|_)[^\W\d_]([\W_]+[^\W\d_](?![^\W\d_])){3,}")
"""A word written letter by letter."""

NUMERIC = re.compile(r"[-+]?\d+(\.\d*)?(e[-+]?\d+)?")
SHOWN_KEYS = 8
FORMS = {"IS": r"[ ]*[-+]?\d+[ ]*", "CS": r"[A-Z0-9_ ]*", "DS": r"[ ]*[-+.\deE]+[ ]*"}
"""Forms of valid values; what is malformed may be left out."""


class Rule(NamedTuple):
    """A row of ``kept_elements.tsv``: an element's VR, how it is compared, and why it is kept."""

    vr: str
    rule: str
    reason: str


@dataclass(frozen=True)
class Facts:
    """What is compared of a file."""

    name: str
    """Its name, for messages; empty for an original."""
    series: str
    """The series that it belongs to, by the list of the session or the folder of the output."""
    pixels: bytes
    """Digest of the pixel data."""
    number: tuple[bytes, ...]
    """Values that tell files with the same pixels apart."""
    values: Mapping[str, Value]
    """Place -> value of the elements that must be kept."""
    uids: Mapping[str, str]
    """Place -> UID."""
    dates: Mapping[str, str]
    """Place -> DA or DT."""


@cache
def kept_elements() -> dict[tuple[str, int, int], Rule]:
    """Return the rule of each element by creator, group and number."""
    rows: dict[tuple[str, int, int], Rule] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and line[0] != "#" and not line.startswith("creator\t"):
            creator, element, vr, rule, reason, _ = line.split("\t")
            group, number = element.split(",")
            key = (creator.removeprefix("-"), int(group, 16), int(number, 16))
            rows[key] = Rule(vr, rule, reason)
    return rows


def rule_of(value: Value) -> Rule | None:
    """Return how an element is compared; None when it may change."""
    number = value.tag & 0xFF if value.creator else value.tag & 0xFFFF
    return kept_elements().get((value.creator, value.tag >> 16, number))


class ChunkFacts(NamedTuple):
    """What `Facts` has of one element and of what is nested in it."""

    values: dict[str, Value]
    uids: dict[str, str]
    dates: dict[str, str]


def facts_of(
    instance: Instance, name: str, series: str, of_chunks: PerChunk[ChunkFacts | None]
) -> Facts:
    """Return what is compared of a file, given what `of_chunk` returns for its elements."""
    facts = ChunkFacts({}, {}, {})
    for part in of_chunks.of(instance):
        if part:
            facts.values.update(part.values)
            if part.uids or part.dates:
                facts.uids.update(part.uids)
                facts.dates.update(part.dates)
    number = tuple(
        facts.values[place].raw.strip(b"\0 ") for place in NUMBERS if place in facts.values
    )
    return Facts(name, series, _digest(instance), number, *facts)


def of_chunk(chunk: Chunk) -> ChunkFacts | None:
    """Return the compared values of an element; None if it has none."""
    part = ChunkFacts({}, {}, {})
    for value in chunk.values:
        if value.tag >> 16 == META:
            continue
        if rule_of(value) and ("[" not in value.place or FRAMES.match(value.place)):
            part.values[value.place] = value
        if value.vr == "UI" and value.raw:
            part.uids[value.place] = value.raw.decode("latin-1").strip("\0 ")
        elif value.vr in ("DA", "DT") and value.tag in DATES:
            part.dates[value.place] = value.raw.decode("latin-1").strip("\0 ")
    return part if any(part) else None


def pairs(before: Iterable[Facts], after: Iterable[Facts]) -> list[tuple[Facts, Facts]]:
    """Match originals and outputs of a series by their pixels, and then by their numbers."""
    originals: dict[tuple[str, bytes], list[Facts]] = defaultdict(list)
    for original in before:
        originals[original.series, original.pixels].append(original)
    matched = []
    for output in after:
        candidates = originals.get((output.series, output.pixels), [])
        if len(candidates) > 1:
            same = [original for original in candidates if original.number == output.number]
            candidates = same or candidates
        if candidates:
            best = (
                max(candidates, key=lambda original: _alike(original, output))
                if len(candidates) > 1
                else candidates[0]
            )
            originals[output.series, output.pixels].remove(best)
            matched.append((best, output))
    return matched


def faults(
    matched: list[tuple[Facts, Facts]],
    after: list[Facts],
    unread: int,
    options: frozenset[str],
    searcher: Searcher,
    edited: Iterable[re.Pattern[str]],
) -> Iterator[Finding]:
    """Yield everything that was not kept.

    `matched` are originals and outputs that belong together, `after` all outputs. `unread` is the
    number of originals that pydicom cannot read, which may belong to outputs that are left.
    `options` are those of PS3.15 that were used. Values that the `searcher` finds something in may
    be cut, and the study's edits change elements with the names `edited` on purpose.
    """
    paired = {id(output) for _, output in matched}
    alone = [output for output in after if id(output) not in paired]
    if len(alone) > unread and "clean_pixel_data" not in options:
        yield from (Finding(output.name, "PixelData", "is that of no original") for output in alone)
    for original, output in matched:
        for finding in _lost(original, output, options, searcher):
            if not any(pattern.fullmatch(finding.element) for pattern in edited):
                yield finding
    yield from _uid_faults(matched)
    if "retain_dates_modified" in options:
        yield from _shift_faults(matched)


def shift_of(matched: Iterable[tuple[Facts, Facts]]) -> Counter[int]:
    """Return by how many days dates were moved, and how often."""
    days = Counter[int]()
    for original, output in matched:
        for place in original.dates.keys() & output.dates.keys():
            one, two = day_of(original.dates[place]), day_of(output.dates[place])
            if one and two:
                days[(two - one).days] += 1
    return days


def moved_dates(dates: Iterable[date], matched: list[tuple[Facts, Facts]]) -> set[date]:
    """Return the dates that dates of the originals become, which may be another of them."""
    shifts = [timedelta(days) for days in shift_of(matched) if days]
    return {day + shift for day in dates for shift in shifts if day + shift != day}


def _digest(instance: Instance) -> bytes:
    """Return a digest of the pixels, without bytes after native pixels."""
    size = instance.native_size or len(instance.pixels)
    return hashlib.sha256(memoryview(instance.pixels)[:size]).digest()


def _alike(original: Facts, output: Facts) -> int:
    """Return the similarity of two files; a value that only one of them has lowers it."""
    same = sum(
        place in output.values and output.values[place].raw == value.raw
        for place, value in original.values.items()
    )
    return 2 * same - len(original.values)


def _lost(
    original: Facts, output: Facts, options: frozenset[str], searcher: Searcher
) -> Iterator[Finding]:
    """Yield the elements of an original that are missing or different in an output."""
    times_stay = not options.isdisjoint({"retain_dates_full", "retain_dates_modified"})
    for place, old in original.values.items():
        new = output.values.get(place)
        if new is old or (new is not None and new.raw == old.raw):
            continue
        rule = rule_of(old)
        is_kept = (times_stay or rule.reason != "time of day") if rule else False
        is_private = bool(old.creator) or bool(PRIVATE_PLACE.search(place))
        if is_private and "retain_safe_private" not in options:
            is_kept = False
        # A value under another VR than its own is malformed.
        if rule and old.vr not in rule.vr and not old.creator:
            is_kept = False
        if rule and is_kept and (problem := _difference(rule.rule, old, new, searcher)):
            yield Finding(
                output.name, element_name(old.tag, old.creator), f"{problem} ({rule.reason})"
            )


def _difference(rule: str, old: Value, new: Value | None, searcher: Searcher) -> str | None:
    """Return how a value breaks its rule; None if it agrees or may be missing."""
    if rule in READERS:
        wanted = facts(rule, old.raw)
        given = facts(rule, new.raw) if new else {}
        lost = [
            key
            for key, value in wanted.items()
            if given.get(key) != value and not _may_name(value, searcher)
        ]
        return f"lost {', '.join(lost[:SHOWN_KEYS])}" if lost else None
    if _may_differ(rule, old, new, searcher):
        return None
    return "was lost" if new is None or not new.raw else "was changed"


def _may_name(fact: object, searcher: Searcher) -> bool:
    """Whether a fact holds a number that may be left out; GE writes its numbers as text."""
    numbers = fact if isinstance(fact, tuple) else str(fact).split()
    return any(
        _may_tell(float(number), searcher, vendor=True)
        for number in map(str, numbers)
        if NUMERIC.fullmatch(number)
    )


def _may_differ(rule: str, old: Value, new: Value | None, searcher: Searcher) -> bool:
    # Behind a NUL is what a longer text left in a buffer.
    before = tuple(text.partition("\0")[0].rstrip() for text in old.texts())
    after = new.texts() if new else ()
    if not _is_valid(old.vr, before):
        return True
    if old.vr in NUMBER_VRS:
        numbers = old.numbers()
        same = new is not None and numbers == new.numbers()
        vendor = bool(old.creator)
        tells = any(_may_tell(number, searcher, vendor=vendor) for number in numbers)
        return same or tells or searcher.may_be_spelled(old)
    if old.vr in ("TM", "DT"):
        return _same_time(old, before, after)
    if before == after or searcher.may_be_cut(" ".join(before)):
        return True
    if old.vr == "CS":
        return _is_emptied(before, after)
    return rule == "words" and _is_shortened(before, after)


def _may_tell(number: float, searcher: Searcher, *, vendor: bool) -> bool:
    """Whether a number may be left out: an identifier, or in a vendor's element any date."""
    is_date = vendor and date_of_number(number) is not None
    return is_date or searcher.in_number(number, vendor=vendor) is not None


def _same_time(old: Value, before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    start = 0 if old.vr == "TM" else 8
    clock = [re.sub(r"[+-]\d{4}$", "", text[start:]) for text in before]
    if not all(re.fullmatch(r"\d{2,6}(\.\d{1,6})?", text) for text in clock):
        return True
    return clock == [re.sub(r"[+-]\d{4}$", "", text[start:]) for text in after]


def _is_valid(vr: str, texts: Iterable[str]) -> bool:
    return vr not in FORMS or all(re.fullmatch(FORMS[vr], text) for text in texts)


def _is_emptied(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether only those coded strings were emptied that may name a person."""
    left = list(after)
    for text in before:
        if left and text == left[0]:
            del left[0]
        elif not _may_name_person(text):
            return False
    return not left


def _may_name_person(text: str) -> bool:
    """Whether a coded string holds a rare word, a word in single letters, or a long number."""
    if SINGLE_LETTERS.search(text):
        return True
    runs = re.findall(r"[^\W\d_]{3,}", text)
    digits = re.sub(r"\D", "", text)
    return len(digits) >= SHORTEST or any(run.lower() not in common_words() for run in runs)


def _is_shortened(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether letters were only removed: the remaining letters have the same order."""
    letters = iter(squeezed(" ".join(before)))
    return all(letter in letters for letter in squeezed(" ".join(after)))


def _uid_faults(matched: list[tuple[Facts, Facts]]) -> Iterator[Finding]:
    """Yield where one UID became two, or two became one."""
    forward: dict[str, str] = {}
    backward: dict[str, str] = {}
    for original, output in matched:
        for place in original.uids.keys() & output.uids.keys():
            old, new = original.uids[place], output.uids[place]
            if old == new and is_standard_uid(old):
                continue
            element = element_name(int(place.rpartition(".")[2], 16))
            if forward.setdefault(old, new) != new:
                yield Finding(output.name, element, "has two new UIDs for one UID")
                return
            if backward.setdefault(new, old) != old:
                yield Finding(output.name, element, "has one new UID for two UIDs")
                return


def _shift_faults(matched: list[tuple[Facts, Facts]]) -> Iterator[Finding]:
    days = shift_of(matched)
    if len(days) > 1:
        yield Finding("several files", "", "have dates that were moved by different intervals")
