"""The data dictionary of ``participants_qc.tsv``: all measures of an image.

``measures.tsv`` has their descriptions and sources.
"""

from dataclasses import dataclass
from pathlib import Path

from ecdysis.files import table_rows


@dataclass(frozen=True)
class Measure:
    """One column of the table: its key, a short name, and a description with the formula.

    `units` is ``1`` for a pure number, `source` is paper and DOI, `better` is ``higher``, ``lower``
    or None, when both directions are suspicious, and `digits` is the number of decimals to show;
    smaller differences are ignored.
    """

    key: str
    label: str
    units: str
    description: str
    source: str
    better: str | None
    digits: int

    @property
    def shown_units(self) -> str:
        """The units as pages show them; empty for a pure number."""
        return "" if self.units == "1" else self.units


MEASURES = tuple(
    Measure(key, label, units, description, source, None if better == "-" else better, int(digits))
    for key, label, units, better, digits, source, description in table_rows(
        Path(__file__).with_name("measures.tsv")
    )
)
BY_KEY = {measure.key: measure for measure in MEASURES}

OF_SKULLSTRIP = {
    "mask_similarity": "similarity",
    "mask_affine_overlap": "affine_overlap",
    "mask_left_right": "left_right_difference",
}
"""Measures that skull stripping computes, and their names in its status record."""


def markdown() -> str:
    """Write the dictionary as a table for ``docs/quality.md``."""
    table = "| column | what, with its formula | units | better | source |\n|---|---|---|---|---|\n"
    for measure in MEASURES:
        description = measure.description.replace("|", "\\|")
        units, better = measure.shown_units, measure.better or ""
        table += f"| `{measure.key}` | {description} | {units} | {better} | {measure.source} |\n"
    return table
