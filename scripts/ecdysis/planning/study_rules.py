"""Rules that a study fixes for its series, in a YAML file (see ``config/study.yaml``).

Each rule says which series it is for, by facts and descriptions, and what these are called.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ecdysis.bids import schema
from ecdysis.dicom.header import Header
from ecdysis.errors import InputError
from ecdysis.planning.facts import Facts
from ecdysis.planning.rulings import Ruling

SCHEMA = Path(__file__).parents[3] / "config" / "study_schema.yaml"

TEXTS = {
    "description": "SeriesDescription",
    "protocol": "ProtocolName",
    "sequence_name": "SequenceName",
}
"""Conditions on a text of the header: a shell pattern, case does not matter."""

SETS = ("image_type", "sequence", "variant", "parts")
"""Conditions on a list of facts: all these words are in it."""


@dataclass(frozen=True)
class StudyRule:
    """A rule: the conditions it has and what it decides."""

    ruling: Ruling
    when: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, known: Facts, header: Header) -> bool:
        """Say whether a series meets every condition."""
        return all(_meets(key, wanted, known, header) for key, wanted in self.when.items())


def read_study_rules(path: Path) -> list[StudyRule]:
    """Read and check the rules of a study; the first that fits a series wins.

    Raises
    ------
    InputError
        The file cannot be read, a key is unknown, a value is impossible or a name is no
        BIDS name.
    """
    from ecdysis.settings import check
    from ecdysis.yaml_files import read_yaml

    content, schema = read_yaml(path, "study_rules"), read_yaml(SCHEMA)
    if not isinstance(content, Mapping):
        raise InputError("study_rules", "it holds no keys", "Begin with config/study.yaml")
    check(content, schema, path.name, example="config/study.yaml")
    return [
        _rule(rule, f"{path.name}, rule {number}")
        for number, rule in enumerate(content["rules"], start=1)
    ]


def ruling_for(rules: Sequence[StudyRule], known: Facts, header: Header) -> Ruling | None:
    """Return what the first rule that fits decides."""
    return next((rule.ruling for rule in rules if rule.fits(known, header)), None)


def _rule(rule: Mapping[str, Any], where: str) -> StudyRule:
    name = rule["name"]
    entities, kind = schema.parse(name, where) if name else ("", None)
    volumes = tuple(rule.get("volumes", ()))
    if kind == "asl" and not volumes:
        raise InputError(
            where,
            "BIDS needs to know what each volume of asl is",
            "Add volumes, as in: volumes: [control, label]",
        )
    ruling = Ruling(kind, entities, where, exact=False, metadata=rule.get("metadata", {}),
                    volumes=volumes)  # fmt: skip
    return StudyRule(ruling, rule["when"])


def _meets(key: str, wanted: Any, known: Facts, header: Header) -> bool:
    if key in TEXTS:
        text = str(header[TEXTS[key]] or "").lower()
        return _any(wanted, lambda pattern: fnmatchcase(text, str(pattern).lower()))
    fact = getattr(known, key)
    if key in SETS:
        words = [wanted] if isinstance(wanted, str) else wanted
        return {str(word).upper() for word in words} <= {str(item).upper() for item in fact}
    if isinstance(wanted, Mapping):
        numbers = fact if isinstance(fact, list) else [fact]
        low, high = wanted.get("from", float("-inf")), wanted.get("to", float("inf"))
        return any(isinstance(number, int | float) and low <= number <= high for number in numbers)
    if isinstance(fact, list):
        return _any(wanted, lambda value: value in fact)
    if isinstance(fact, str):
        return _any(wanted, lambda value: str(value).upper() == fact.upper())
    return _any(wanted, lambda value: value == fact)


def _any(wanted: Any, fits: Callable[[Any], bool]) -> bool:
    return any(fits(value) for value in (wanted if isinstance(wanted, list) else [wanted]))
