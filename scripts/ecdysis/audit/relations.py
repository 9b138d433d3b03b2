"""What de-identification must keep: pixels, the relations of UIDs, the intervals of dates."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from pydicom import Dataset

from ecdysis.audit import walk

RELATED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")


class Facts(NamedTuple):
    """What is compared of a file.

    Parameters
    ----------
    pixels : str
        Digest of the pixel data.
    number : str
        Series and instance number, which tell files with the same pixels apart.
    uids, dates : dict
        Keyword -> value.
    references : tuple of str
        UIDs that its sequences point to, in order.
    """

    pixels: str
    number: str
    uids: dict[str, str]
    dates: dict[str, str]
    references: tuple[str, ...]


def facts(ds: Dataset) -> Facts:
    """Return what is compared of a data set."""
    content = ds.get("PixelData") or b""
    return Facts(
        hashlib.sha256(content).hexdigest(),
        f"{ds.get('SeriesNumber')} {ds.get('InstanceNumber')}",
        {word: str(ds[word].value) for word in RELATED if ds.get(word)},
        {word: str(ds[word].value) for word in DATES if ds.get(word)},
        tuple(
            str(element.value)
            for element in walk.elements(ds)
            if element.keyword == "ReferencedSOPInstanceUID"
        ),
    )


def pairs(before: Iterable[Facts], after: Iterable[Facts]) -> list[tuple[Facts, Facts]]:
    """Match originals and outputs by pixels and number, where one fits one."""
    originals: dict[tuple[str, str], list[Facts]] = {}
    for one in before:
        originals.setdefault((one.pixels, one.number), []).append(one)
    counted = Counter((one.pixels, one.number) for one in after)
    return [
        (originals[key][0], one)
        for one in after
        if len(originals.get(key := (one.pixels, one.number), [])) == 1 and counted[key] == 1
    ]


def faults(before: list[Facts], after: list[Facts], options: frozenset[str]) -> Iterator[str]:
    """Yield what was not kept, for the files of one session."""
    had = Counter(one.pixels for one in before)
    lost = Counter(one.pixels for one in after) - had
    if lost and "clean_pixel_data" not in options:
        yield f"the pixels of {lost.total()} files are those of no original"
    matched = pairs(before, after)
    yield from _uid_faults(matched)
    if "retain_dates_modified" in options:
        shifts = {shift for one, two in matched for shift in _shifts(one, two)}
        if len(shifts) > 1:
            yield "dates moved by different intervals"


def _uid_faults(matched: list[tuple[Facts, Facts]]) -> Iterator[str]:
    forward: dict[str, str] = {}
    backward: dict[str, str] = {}
    for one, two in matched:
        links = [(one.uids[word], two.uids.get(word, "")) for word in one.uids]
        if len(one.references) == len(two.references):
            links += list(zip(one.references, two.references, strict=True))
        for old, new in links:
            if forward.setdefault(old, new) != new:
                yield "one UID became two"
                return
            if backward.setdefault(new, old) != old:
                yield "two UIDs became one"
                return


def _shifts(one: Facts, two: Facts) -> Iterator[int]:
    for word in one.dates.keys() & two.dates.keys():
        try:
            yield (_day(two.dates[word]) - _day(one.dates[word])).days
        except ValueError:
            continue


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
