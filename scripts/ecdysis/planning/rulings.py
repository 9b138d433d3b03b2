"""The user's decisions on series, which override recognition: ``plan.tsv`` and the study's rules.

``plan.tsv`` decides on single series. The target ``plan`` writes it. Only its columns ``series``,
``uid``, ``name`` and ``keep`` are read; a series without a row is named automatically.

The rules of a study are a YAML file (see ``config/study.yaml``). Each rule names the series that
meet its conditions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ecdysis.bids import schema
from ecdysis.dicom.header import Header
from ecdysis.errors import InputError
from ecdysis.files import read_tsv
from ecdysis.planning.entries import Facts

TABLE = "plan.tsv"
SCHEMA = Path(__file__).parents[3] / "config" / "study_schema.yaml"

TEXTS = {
    "description": "SeriesDescription",
    "protocol": "ProtocolName",
    "sequence_name": "SequenceName",
}
"""Conditions on a text of the header: a shell pattern, without regard to case."""

SETS = ("image_type", "sequence", "variant", "parts")
"""Conditions on a list of facts: the list contains all these words."""


@dataclass(frozen=True)
class Ruling:
    """The user's decision on a series."""

    kind: str | None
    """BIDS suffix, see `ecdysis.bids.schema`; None if the series is left out."""
    entities: str = ""
    """Entities after subject and session, for example ``acq-x_run-1``."""
    where: str = TABLE
    """The table or file that has the decision."""
    exact: bool = True
    """Whether `entities` are the whole name; otherwise repeats get a ``run``."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Fields for the sidecar."""
    volumes: tuple[str, ...] = ()
    """The volume types of arterial spin labelling, in order."""
    keep: bool = False
    """Whether the series is converted although it is incomplete or has different copies."""

    @property
    def decides(self) -> bool:
        """Whether it sets the kind or leaves the series out; with ``keep`` alone it does not."""
        return self.kind is not None or not self.keep


Rulings = dict[str, Ruling]
"""Series identifier, or SeriesInstanceUID -> ruling."""


def read_rulings(path: Path) -> Rulings:
    """Read ``plan.tsv``; return an empty dict if the file does not exist.

    Raises
    ------
    InputError
        A column is missing, a name is not a BIDS name, or a series has two names.
    """
    if not path.exists():
        return {}
    table = read_tsv(path, path.name)
    remedy = "Begin with the table that `snakemake plan` writes"
    table.require(("name", "series"), path.name, remedy)
    rulings: Rulings = {}
    for number, row in zip(table.lines, table.rows, strict=True):
        where = f"{path.name}, line {number}"
        series = row.get("series", "")
        entities, kind = schema.parse(row["name"], where) if "name" in row else ("", None)
        ruling = Ruling(kind, entities, keep=_keep(row.get("keep"), where))
        # If files of several patients share a series, each patient has a line for it.
        if not series or rulings.setdefault(series, ruling) != ruling:
            raise InputError(
                where,
                "its series is empty, or has another name in a line above",
                "Correct this line",
            )
        if "uid" in row:
            # Identifiers of series differ in a table that was made before the study had its key.
            rulings[row["uid"]] = ruling
    return rulings


def _keep(text: str | None, where: str) -> bool:
    word = (text or "no").strip().lower()
    if word not in ("yes", "keep", "no"):
        raise InputError(where, "the column keep must be yes, no or n/a", "Correct this line")
    return word != "no"


@dataclass(frozen=True)
class StudyRule:
    """A rule of a study: conditions on a series, and the decision."""

    ruling: Ruling
    when: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, facts: Facts, header: Header) -> bool:
        """Return whether a series meets every condition."""
        return all(_meets(key, wanted, facts, header) for key, wanted in self.when.items())


def read_study_rules(path: Path) -> list[StudyRule]:
    """Read and check the rules of a study; the first rule that fits a series decides.

    Raises
    ------
    InputError
        The file cannot be read, a key is unknown, a value is invalid or a name is not a BIDS name.
    """
    from ecdysis.settings import check
    from ecdysis.yaml_files import read_yaml

    content, rules_schema = read_yaml(path, "study_rules"), read_yaml(SCHEMA)
    if not isinstance(content, Mapping):
        raise InputError("study_rules", "it has no keys", "Begin with config/study.yaml")
    check(content, rules_schema, path.name, example="config/study.yaml")
    return [
        _rule(rule, f"{path.name}, rule {number}")
        for number, rule in enumerate(content["rules"], start=1)
    ]


def ruling_for(rules: Sequence[StudyRule], facts: Facts, header: Header) -> Ruling | None:
    """Return the decision of the first rule that fits a series."""
    return next((rule.ruling for rule in rules if rule.fits(facts, header)), None)


def _rule(rule: Mapping[str, Any], where: str) -> StudyRule:
    name = rule["name"]
    entities, kind = schema.parse(name, where) if name else ("", None)
    volumes = tuple(rule.get("volumes", ()))
    if kind == "asl" and not volumes:
        raise InputError(
            where,
            "BIDS requires the type of each volume of asl",
            "Add volumes, for example volumes: [control, label]",
        )
    metadata = rule.get("metadata", {})
    ruling = Ruling(kind, entities, where, exact=False, metadata=metadata, volumes=volumes)
    return StudyRule(ruling, rule["when"])


def _meets(key: str, wanted: Any, facts: Facts, header: Header) -> bool:
    if key in TEXTS:
        text = str(header[TEXTS[key]] or "").lower()
        return _any(wanted, lambda pattern: fnmatchcase(text, str(pattern).lower()))
    fact = getattr(facts, key)
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
