"""The tables that series are recognised with, read from the TSV files beside this module."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecdysis.files import table_rows

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


@dataclass(frozen=True)
class Between:
    """An interval of numbers that includes both ends."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Rule:
    """One rule of the table.

    Parameters
    ----------
    suffix : str or None
        The BIDS suffix; None for a series that is left out.
    why : str
        The reason in words.
    has, lacks : dict
        Fact -> values. In `has` the fact must be one of the values, in `lacks` it must not. A list
        is one of the values if any of its members is.
    by_words : bool
        Whether only the description shows the kind.
    """

    suffix: str | None
    why: str
    has: Mapping[str, Container[object]]
    lacks: Mapping[str, Container[object]]
    by_words: bool

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

WORDS = dict(table_rows(HERE / "description_words.tsv"))
"""Word for the kind of an image -> pattern in lower-case text with spaces."""

TASKS = dict(table_rows(HERE / "tasks.tsv"))
"""Label of a task -> pattern in lower-case text with spaces. The first match counts."""
