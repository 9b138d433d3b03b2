"""The edits of the configuration: checked, and compiled to rules. Later rules win."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ecdysis.deid.profile import Profile
from ecdysis.deid.selectors import Path, Selector, parse_selector
from ecdysis.dicom.tables import vr_of
from ecdysis.errors import InputError

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


@dataclass(frozen=True, eq=False)
class Edit:
    """One rule.

    Parameters
    ----------
    selector : Selector
        Which elements.
    action : str
        A key of `ACTIONS`.
    when : tuple of (Selector, str)
        Top-level elements and the patterns that their values must match, in any case.
    override : bool
        It may re-admit what the profile removes.
    settings : mapping
        What the action needs.
    """

    selector: Selector
    action: str
    when: tuple[tuple[Selector, str], ...]
    override: bool
    settings: Mapping[str, Any]

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

    Parameters
    ----------
    rules : sequence of Edit
        In the order of the configuration.
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
