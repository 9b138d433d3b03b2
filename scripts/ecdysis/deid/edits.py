"""The edits of the configuration: checked, and compiled to rules. Later rules win.

A rule selects elements by keyword, tag, path, pattern or private creator:

StudyDescription            at the top of the data set
(0008,1030)                 the same
RequestAttributesSequence[0].AccessionNumber, or [*] for every item
**.StudyDate                at any depth, the top included
Patient*                    every keyword that matches
(60xx,3000)                 repeating groups
(0019,SIEMENS MR HEADER,0C) private, by creator and last two digits
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from ecdysis.deid.profile import Profile
from ecdysis.dicom.tables import keyword_of, keywords, nearest, vr_of
from ecdysis.errors import InputError

STEP = re.compile(r"(?P<name>\([^()]*\)|[A-Za-z0-9*?]+)(?:\[(?P<index>\d+|\*)\])?")
TAG = re.compile(r"\(?([0-9A-Fa-fx]{4}),?([0-9A-Fa-fx]{4})\)?")
PRIVATE = re.compile(r"\(([0-9A-Fa-f]{4}),([^,]+),([0-9A-Fa-f]{2})\)")

Path = tuple[tuple[int, int], ...]
"""The sequences around an element: the tag of each and the index of the item in it."""

ACTIONS = {
    "keep": (),
    "remove": (),
    "empty": (),
    "replace": ("value",),
    "add": ("value",),
    "set": ("value",),
    "hash": (),
    "uid": (),
    "shift_date": (),
    "round_age": (),
    "regex": ("pattern",),
    "blank_pixels": ("rectangles",),
    "quarantine": (),
}
"""Action -> the keys that it needs."""

KEYS = {"select", "action", "when", "override", "value", "pattern", "replacement", "years",
        "rectangles"}  # fmt: skip

READMITTING = {"keep", "shift_date", "round_age", "regex"}
"""Actions that keep a part of the original value."""

UNCHANGED = {"keep", "items", "verbatim"}
"""Actions of a profile that remove nothing."""


@dataclass(frozen=True)
class Step:
    """One element of a path."""

    pattern: str
    """Keyword pattern, eight digits of a tag with ``x`` for any, or for a private element its group
    and last two digits."""
    creator: str | None = None
    """Private creator."""
    index: int | None = None
    """Of the item; None for every item."""

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
    """Names elements of a data set."""

    text: str
    """As it was written."""
    anywhere: bool
    """The first step may lie at any depth."""
    steps: tuple[Step, ...]
    """From the outermost sequence to the element."""

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

    The `text` is as described above; `where` is its place in the configuration, for errors.

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


@dataclass(frozen=True, eq=False)
class Edit:
    """One rule."""

    selector: Selector
    """Which elements."""
    action: str
    """A key of `ACTIONS`."""
    when: tuple[tuple[Selector, str], ...]
    """Top-level elements and the patterns that their values must match, in any case."""
    override: bool
    """It may re-admit what the profile removes."""
    settings: Mapping[str, Any]
    """What the action needs."""

    def is_active(self, head: Mapping[int, str]) -> bool:
        """Return whether the rule applies to a file with these top-level values."""
        return all(
            any(
                fnmatchcase(head[tag].lower(), pattern.lower())
                for tag in selector.tags()
                if tag in head
            )
            for selector, pattern in self.when
        )


class Edits:
    """The rules that hold for one file.

    The `rules` are in the order of the configuration.
    """

    def __init__(self, rules: Sequence[Edit]) -> None:
        self.rules = tuple(rules)
        self.deep = any(rule.selector.is_deep for rule in rules)
        self._touched: dict[int, bool] = {}

    def touch(self, tag: int) -> bool:
        """Return whether a rule may apply to an element of this tag at any depth."""
        if tag not in self._touched:
            private = tag >> 16 & 1
            self._touched[tag] = any(
                (private and rule.selector.steps[-1].creator is not None)
                or rule.selector.steps[-1].matches(tag)
                for rule in self.rules
            )
        return self._touched[tag]

    def rule(self, path: Path, tag: int, creator: str | None) -> Edit | None:
        """Return the last rule for an element, or None."""
        for rule in reversed(self.rules):
            if rule.action not in ("add", "blank_pixels") and rule.selector.matches(
                path, tag, creator
            ):
                return rule
        return None

    def additions(self, path: Path) -> dict[int, Edit]:
        """Return the rules that may add an element to the item that `path` leads to."""
        return {
            rule.selector.tag: rule
            for rule in self.rules
            if rule.action in ("add", "set")
            and rule.selector.tag is not None
            and rule.selector.reaches(path)
        }

    def rectangles(self) -> list[Sequence[int]]:
        """Return the rectangles to blank: x, y, width, height in pixels."""
        return [
            box
            for rule in self.rules
            if rule.action == "blank_pixels"
            for box in rule.settings["rectangles"]
        ]


def compile_edits(entries: Sequence[Mapping[str, Any]], profile: Profile) -> tuple[Edit, ...]:
    """Check the ``edits`` of the configuration against each other and the profile.

    Raises
    ------
    InputError
        A rule is malformed, a keyword unknown, or a rule would re-admit what the profile
        removes without ``override: true``.
    """
    return tuple(
        _compiled(entry, f"deid.edits[{number}]", profile) for number, entry in enumerate(entries)
    )


def _compiled(entry: Mapping[str, Any], where: str, profile: Profile) -> Edit:
    if unknown := sorted(entry.keys() - KEYS):
        raise InputError(where, f"unknown key {unknown[0]!r}", f"Use {', '.join(sorted(KEYS))}")
    action = entry.get("action", "")
    if action not in ACTIONS:
        raise InputError(where, f"unknown action {action!r}", f"Use one of {', '.join(ACTIONS)}")
    for key in ACTIONS[action]:
        if key not in entry:
            raise InputError(where, f"the action {action} needs {key!r}", "Add it")
    default = "PixelData" if action == "blank_pixels" else "SOPInstanceUID"
    if "select" not in entry and action not in ("blank_pixels", "quarantine"):
        raise InputError(where, "the rule selects nothing", "Add `select`")
    selector = parse_selector(entry.get("select", default), where)
    _check_settings(entry, action, where)
    when = tuple(
        (parse_selector(name, f"{where}.when"), str(pattern))
        for name, pattern in entry.get("when", {}).items()
    )
    rule = Edit(selector, action, when, bool(entry.get("override")), dict(entry))
    _check_addition(rule, where)
    _check_override(rule, where, profile)
    return rule


def _check_settings(entry: Mapping[str, Any], action: str, where: str) -> None:
    if action == "regex":
        try:
            re.compile(entry["pattern"])
        except re.error as error:
            raise InputError(where, f"the pattern is invalid ({error})", "Correct it") from error
    if action == "blank_pixels":
        for box in entry["rectangles"]:
            if len(box) != 4 or not all(isinstance(side, int) and side >= 0 for side in box):
                raise InputError(
                    where, f"{box} is no rectangle", "Give [x, y, width, height] in pixels"
                )


def _check_addition(rule: Edit, where: str) -> None:
    if rule.action not in ("add", "set"):
        return
    tag = rule.selector.tag
    if tag is None or tag >> 16 & 1 or vr_of(tag) is None or rule.selector.anywhere:
        raise InputError(
            where,
            f"{rule.selector.text!r} names no single place for a new element",
            "Select one public attribute, by keyword or tag, without **",
        )
    if vr_of(tag) == "SQ":
        raise InputError(where, "a sequence cannot be given a value", "Select an element in it")


def _check_override(rule: Edit, where: str, profile: Profile) -> None:
    if rule.override or rule.action not in READMITTING:
        return
    last = rule.selector.steps[-1]
    removed = [
        tag
        for tag in rule.selector.tags()
        if profile.action(tag, vr_of(tag) or "UN") not in UNCHANGED
    ]
    hidden = profile.name != "none" and (last.creator is not None or last.is_mask)
    if hidden or removed:
        raise InputError(
            where,
            f"{rule.action} on {rule.selector.text} lets through what the profile removes",
            "Add `override: true` when that is meant; the report will list it",
        )
