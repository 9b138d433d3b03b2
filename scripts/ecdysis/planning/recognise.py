"""Recognise the kind of a series from its header, and read words and labels of its description.

The acquisition decides: sequence, dimension, echo, repetition and inversion times. The description
confirms it. The description decides alone only if an export has lost the acquisition parameters.
"""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecdysis.dicom.header import Header
from ecdysis.files import table_rows
from ecdysis.planning.entries import Facts

HERE = Path(__file__).parent

CONTRASTS = ("T1w", "T2w", "FLAIR", "PDw", "T2starw", "bold", "dwi", "asl")
"""Words that contradict each other; the first five may occur together."""

ANATOMICAL = CONTRASTS[:5]

WORDS_OF = {"PDT2": ("PDw", "T2w"), "MEGRE": ("T2starw", "megre"), "MP2RAGE": ("mp2rage", "T1w")}
"""Kind -> words that confirm it, if they differ from its name."""

HEAD = ("HEAD", "BRAIN", "SKULL", "HEADNECK", "NECK", "PHANTOM", "WHOLEBODY")

FOLDERS = {
    **dict.fromkeys(("T1w", "T2w", "FLAIR", "PDw", "T2starw", "PDT2", "MEGRE"), "anat"),
    **dict.fromkeys(("MP2RAGE", "UNIT1", "T1map", "inplaneT1", "inplaneT2"), "anat"),
    **dict.fromkeys(("bold", "sbref"), "func"),
    "dwi": "dwi",
    **dict.fromkeys(("asl", "m0scan"), "perf"),
    **dict.fromkeys(("epi", "phasediff", "magnitude", "fieldmap"), "fmap"),
}
"""Recognised kind -> BIDS folder.

``magnitude`` may have several echoes; ``PDT2`` is a spin echo with a PDw and a T2w echo;
``fieldmap`` is a map in Hz with its magnitude.
"""

FEWEST_SLICES = 10
"""Head images have at least this many slices. Localizers and test images have fewer."""

FEW_VOLUMES = 9
"""Functional series usually have more volumes. Echo-planar field maps do not."""

WORDS = dict(table_rows(HERE / "description_words.tsv"))
"""Word for the kind of an image -> pattern in lower-case text with spaces."""

TASKS = dict(table_rows(HERE / "tasks.tsv"))
"""Label of a task -> pattern in lower-case text with spaces. The first match counts."""

EXPLICIT = re.compile(r"(?<![A-Za-z0-9])(task|acq|dir|ce|rec)-([A-Za-z0-9]{1,24})(?![A-Za-z0-9])")
"""A BIDS entity in a description, as in the naming convention ReproIn."""

LONG_NUMBER = re.compile(r"\d{5}")
"""Numbers of five or more digits may be dates or patient numbers."""

SHORTEST_NAME_PART = 3
"""Shorter parts of a patient's name also occur in ordinary words, so they are not compared."""


@dataclass(frozen=True)
class Between:
    """An interval of numbers that includes both ends."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Rule:
    """One rule of the table."""

    suffix: str | None
    """The BIDS suffix; None for a series that is left out."""
    why: str
    """The reason in words."""
    has: Mapping[str, Container[object]]
    """Fact -> values, of which the fact must be one. A list is one of the values if any of its
    members is."""
    lacks: Mapping[str, Container[object]]
    """Fact -> values, of which the fact must not be one."""
    by_words: bool
    """Whether only the description shows the kind."""

    def fits(self, facts: Mapping[str, object]) -> bool:
        """Return whether the facts of a series meet this rule."""
        return all(any_of(facts[fact], values) for fact, values in self.has.items()) and not any(
            any_of(facts[fact], values) for fact, values in self.lacks.items()
        )


BY_NAME = {
    "T1w": Between(0.5, 50),
    "FLAIR": Between(60, 1000),
    "T2w": Between(50, 1000),
    "PDw": Between(1, 50),
    "bold": Between(10, 80),
}
"""Kind that a description alone may show -> echo times (ms) that agree with it."""


def any_of(fact: object, values: Container[object]) -> bool:
    """Return whether a fact, or any member of a list, is one of the values."""
    if isinstance(fact, list | set):
        return any(item in values for item in fact)
    return fact in values


def _rules(step: str) -> list[Rule]:
    """Return the rules of ``recognition.tsv`` for a step, in order."""
    return [
        Rule(
            None if suffix == "-" else suffix,
            why,
            _conditions(has),
            _conditions(lacks),
            by_words == "yes",
        )
        for of, suffix, by_words, has, lacks, why in table_rows(HERE / "recognition.tsv")
        if of == step
    ]


def _conditions(text: str) -> dict[str, Container[object]]:
    pairs = (condition.partition("=") for condition in text.split("; ") if condition != "-")
    return {fact: _values(values) for fact, _, values in pairs}


def _values(text: str) -> Container[object]:
    low, dots, high = text.partition("..")
    if dots:
        return Between(float(low), float(high or "inf"))
    named = {"yes": True, "none": None}
    return [int(word) if word.isdigit() else named.get(word, word) for word in text.split()]


LEFT_OUT = _rules("leave_out")
"""Series that are not raw images, or whose header names their kind directly."""

KINDS = _rules("kind")
"""Kinds of images, recognised by the parameters of their sequence."""


@dataclass(frozen=True)
class Guess:
    """The probable kind of a series."""

    suffix: str | None
    """BIDS suffix, ``localizer``, or None."""
    confidence: str
    """high: acquisition and description agree; medium: only one of them gives a kind; low: they
    disagree."""
    why: str
    """The reason in words; it contains no text of the header."""

    def with_doubt(self, why: str) -> "Guess":
        """Return this guess with a lower confidence and the reason for it."""
        confidence = "low" if self.confidence == "low" else "medium"
        return Guess(self.suffix, confidence, f"{self.why}; {why}")


def description_words(header: Header) -> set[str]:
    """Return the keys of `WORDS` whose patterns occur in the texts of a header.

    The first text with a match is used: series description, protocol name, sequence name. One
    protocol name often covers a whole session, so it comes second.
    """
    named: set[str] = set()
    for keyword in ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName"):
        text = _plain(header[keyword])
        matches = {word for word, pattern in WORDS.items() if re.search(pattern, text)}
        if matches and not named:
            named = matches
        if keyword == "ProtocolName" and "mp2rage" in matches:
            # Descriptions of MP2RAGE images often name the inversion only.
            named |= {"mp2rage"}
    return named


def entity_labels(header: Header) -> dict[str, str]:
    """Return the BIDS entities in a description, for example ``task-faces``, if safe to disclose.

    A label that is part of the patient's name or number, or has a long number, is not returned.
    """
    return {
        entity: label
        for keyword in ("ProtocolName", "SeriesDescription")
        for entity, label in EXPLICIT.findall(str(header[keyword] or ""))
        if not LONG_NUMBER.search(label) and not _names_patient(label, header)
    }


def task_label(header: Header) -> str | None:
    """Return the task that the description or the protocol names.

    It is an entity (see `entity_labels`) or a common task (`TASKS`), because any other word may be
    a person's name.
    """
    if label := entity_labels(header).get("task"):
        return label
    for keyword in ("SeriesDescription", "ProtocolName"):
        text = _plain(header[keyword])
        for label, pattern in TASKS.items():
            if re.search(rf"\b({pattern})\d*\b", text):
                return label
    return None


def _plain(text: object) -> str:
    """Return a text in lower case, with a space for everything but letters and digits."""
    return re.sub(r"[^a-z0-9]+", " ", str(text or "").lower()).strip()


def _names_patient(label: str, header: Header) -> bool:
    identity = f"{header['PatientName'] or ''} {header['PatientID'] or ''}".lower()
    parts = re.findall(r"[^\W_]+", identity)
    return any(
        part in label.lower() or label.lower() in part
        for part in parts
        if len(part) >= SHORTEST_NAME_PART
    )


def recognise(facts: Facts, named: set[str]) -> Guess:
    """Return the kind of the first rule in the recognition table that a series meets.

    For `named` see `description_words`.
    """
    properties = _properties(facts, named)
    for rule in LEFT_OUT:
        if rule.fits(properties):
            if rule.by_words:
                return _left_out_by_words(rule, facts, properties)
            return Guess(rule.suffix, "high", rule.why)
    contrasts = named.intersection(CONTRASTS)
    for rule in KINDS:
        if rule.fits(properties):
            return _compared_with_words(rule, named, contrasts)
    suffixes = [suffix for suffix in BY_NAME if suffix in contrasts]
    if not suffixes:
        return Guess(None, "low", "neither its sequence nor its description is known")
    first = suffixes[0]
    if not properties["no_sequence"]:
        return Guess(first, "low", f"described as {first}, but its timing does not fit")
    for suffix in suffixes:
        if suffix == "bold" and facts.volumes <= FEW_VOLUMES:
            continue
        if all(time in BY_NAME[suffix] for time in facts.echo_times):
            return Guess(suffix, "medium", f"described as {suffix}; its header names no sequence")
    return Guess(first, "low", f"described as {first}, but its echo time or volumes do not fit")


def _properties(facts: Facts, named: set[str]) -> dict[str, object]:
    """Return the facts, and properties that are computed from several of them."""
    types = set(facts.image_type)
    times = facts.echo_times
    return {
        **vars(facts),
        "words": named,
        "echoes": len(times),
        "prepared": any_of(facts.sequence, ("IR",))
        or any_of(facts.variant, ("MP",))
        or facts.inversion_time in Between(200, 1e5),
        "no_sequence": set(facts.sequence) <= {"RM"},
        "other_body_part": facts.body_part is not None and facts.body_part not in HEAD,
        # The third value of an enhanced ImageType names the contrast, not a map.
        "computed_map": bool(types & {"MAP", "T1_MAP", "T2_MAP"})
        or ("DERIVED" in types and bool(types & {"T1", "T2", "T2_STAR"})),
        "asl": "asl" in named or bool(types & {"ASL", "PERFUSION"}),
        "dual_spin_echo": len(times) == 2
        and facts.spin_echo
        and times[0] <= 45
        and times[1] >= 60
        and facts.repetition_time in Between(1500, 2e4),
    }


def _left_out_by_words(rule: Rule, facts: Facts, properties: dict[str, object]) -> Guess:
    """Return the guess for a series that is left out only because of its description."""
    few_slices = facts.slices < FEWEST_SLICES and not facts.mosaic
    if few_slices or properties["no_sequence"]:
        return Guess(rule.suffix, "high" if few_slices else "medium", rule.why)
    without_words: dict[str, object] = {**properties, "words": set()}
    kind = next((kind for kind in KINDS if kind.suffix and kind.fits(without_words)), None)
    if kind is None:
        return Guess(rule.suffix, "medium", rule.why)
    why = f"{rule.why}, but its acquisition is that of {kind.suffix}: {kind.why}"
    return Guess(rule.suffix, "low", why)


def _compared_with_words(rule: Rule, named: set[str], contrasts: set[str]) -> Guess:
    """Return the kind of a rule, with a confidence from the comparison with the description."""
    suffix = rule.suffix
    if suffix is None:
        return Guess(None, "high", rule.why)
    confirming = {suffix, *WORDS_OF.get(suffix, ())}
    if suffix not in CONTRASTS and suffix not in WORDS_OF:
        return Guess(suffix, "high", rule.why)
    related = set(ANATOMICAL) if suffix in ANATOMICAL or suffix in WORDS_OF else confirming
    others = sorted(contrasts - confirming - (related if named & confirming else set()))
    if rule.by_words:
        why = f"{rule.why}, but its description also names {' and '.join(others)}"
        return Guess(suffix, "low", why) if others else Guess(suffix, "medium", rule.why)
    if named & confirming:
        if others:
            why = f"{rule.why}; its description also names {' and '.join(others)}"
            return Guess(suffix, "medium", why)
        return Guess(suffix, "high", rule.why)
    if not contrasts:
        return Guess(suffix, "medium", f"{rule.why}; its description names no kind of image")
    why = f"{rule.why}, but its description names {' and '.join(others)}"
    return Guess(suffix, "low", why)
