"""Naming elements of a data set: by keyword, tag, path, pattern or private creator.

StudyDescription            at the top of the data set
(0008,1030)                 the same
RequestAttributesSequence[0].AccessionNumber, or [*] for every item
**.StudyDate                at any depth, the top included
Patient*                    every keyword that matches
(60xx,3000)                 repeating groups
(0019,SIEMENS MR HEADER,0C) private, by creator and last two digits
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from ecdysis.dicom.tables import keyword_of, keywords, nearest
from ecdysis.errors import InputError

STEP = re.compile(r"(?P<name>\([^()]*\)|[A-Za-z0-9*?]+)(?:\[(?P<index>\d+|\*)\])?")
TAG = re.compile(r"\(?([0-9A-Fa-fx]{4}),?([0-9A-Fa-fx]{4})\)?")
PRIVATE = re.compile(r"\(([0-9A-Fa-f]{4}),([^,]+),([0-9A-Fa-f]{2})\)")

Path = tuple[tuple[int, int], ...]
"""The sequences around an element: the tag of each and the index of the item in it."""


@dataclass(frozen=True)
class Step:
    """One element of a path.

    Parameters
    ----------
    pattern : str
        Keyword pattern, eight digits of a tag with ``x`` for any, or for a private element
        its group and last two digits.
    creator : str, optional
        Private creator.
    index : int, optional
        Of the item; None for every item.
    """

    pattern: str
    creator: str | None = None
    index: int | None = None

    @property
    def is_mask(self) -> bool:
        """Whether it is a tag with digits left open."""
        return _is_tag(self.pattern) and "x" in self.pattern

    def matches(self, tag: int, creator: str | None = None) -> bool:
        """Tell whether the step names `tag`, private of `creator`."""
        if self.creator is not None:
            ends = f"{tag >> 16:04x}{tag & 0xFF:02x}"
            return creator == self.creator and tag & 0xFFFF > 0xFF and ends == self.pattern
        if _is_tag(self.pattern):
            return _masked(self.pattern, tag)
        return bool(keyword_of(tag)) and fnmatchcase(keyword_of(tag), self.pattern)


@dataclass(frozen=True)
class Selector:
    """Names elements of a data set.

    Parameters
    ----------
    text : str
        As it was written.
    anywhere : bool
        The first step may lie at any depth.
    steps : tuple of Step
        From the outermost sequence to the element.
    """

    text: str
    anywhere: bool
    steps: tuple[Step, ...]

    def matches(self, path: Path, tag: int, creator: str | None = None) -> bool:
        """Tell whether an element in the items of `path` is meant."""
        return self.steps[-1].matches(tag, creator) and self.reaches(path)

    def reaches(self, path: Path) -> bool:
        """Tell whether the last step is sought in the item that `path` leads to."""
        around = self.steps[:-1]
        if len(path) < len(around) or (len(path) > len(around) and not self.anywhere):
            return False
        inner = path[len(path) - len(around) :]
        return all(
            step.matches(tag) and step.index in (None, item)
            for step, (tag, item) in zip(around, inner, strict=True)
        )

    @property
    def is_deep(self) -> bool:
        """Whether it may name an element inside a sequence."""
        return self.anywhere or len(self.steps) > 1

    @property
    def tag(self) -> int | None:
        """The tag, when exactly one public attribute is meant."""
        last = self.steps[-1]
        if last.creator is not None:
            return None
        if _is_tag(last.pattern):
            return None if "x" in last.pattern else int(last.pattern, 16)
        return keywords().get(last.pattern)

    def tags(self) -> list[int]:
        """Return the known public attributes that may be meant."""
        if self.tag is not None:
            return [self.tag]
        return [tag for tag in keywords().values() if self.steps[-1].matches(tag)]


def parse_selector(text: str, where: str) -> Selector:
    """Read a selector.

    Parameters
    ----------
    text : str
        As described above.
    where : str
        Its place in the configuration, for error messages.

    Raises
    ------
    InputError
        It is malformed, or names no known keyword.
    """
    anywhere = text.startswith("**.")
    rest, steps = text.removeprefix("**."), []
    position = 0
    while True:
        match = STEP.match(rest, position)
        if match is None:
            raise _malformed(text, where)
        index = match["index"]
        number = int(index) if index and index != "*" else None
        steps.append(_step(match["name"], number, text, where))
        position = match.end()
        if position == len(rest):
            break
        if rest[position] != ".":
            raise _malformed(text, where)
        position += 1
    return Selector(text, anywhere, tuple(steps))


def _step(name: str, index: int | None, text: str, where: str) -> Step:
    if private := PRIVATE.fullmatch(name):
        group, creator, number = private.groups()
        if not int(group, 16) & 1:
            raise InputError(
                where, f"{text!r} names a creator in group {group}", "Private groups are odd"
            )
        return Step((group + number).lower(), creator.strip(), index)
    if tag := TAG.fullmatch(name):
        return Step("".join(tag.groups()).lower(), None, index)
    if "(" in name:
        raise _malformed(text, where)
    if not any(fnmatchcase(keyword, name) for keyword in keywords()):
        near = nearest(name)
        raise InputError(
            where,
            f"there is no DICOM keyword {name!r}",
            f"Did you mean {' or '.join(near)}?" if near else "Give a keyword or (gggg,eeee)",
        )
    return Step(name, None, index)


def _malformed(text: str, where: str) -> InputError:
    return InputError(
        where,
        f"{text!r} is no selector",
        "Give a keyword, (gggg,eeee), Sequence[0].Keyword, **.Keyword or (gggg,CREATOR,ee)",
    )


@cache
def _is_tag(pattern: str) -> bool:
    return len(pattern) == 8 and bool(re.fullmatch(r"[0-9a-fx]{8}", pattern))


def _masked(pattern: str, tag: int) -> bool:
    return all(want in ("x", have) for want, have in zip(pattern, f"{tag:08x}", strict=True))
