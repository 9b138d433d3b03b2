"""What a person decided on series, in a table that overrides recognition.

The table is ``plan.tsv``, as the target ``plan`` writes it. Of its columns only ``series``,
``uid``, ``name`` and ``keep`` are read; a series without a row is named automatically.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecdysis.bids import schema
from ecdysis.errors import InputError
from ecdysis.files import read_tsv

TABLE = "plan.tsv"


@dataclass(frozen=True)
class Ruling:
    """A person's decision.

    Parameters
    ----------
    kind : str or None
        BIDS suffix, see `ecdysis.bids.schema`; None when the series is to be left out.
    entities : str
        Those after subject and session, as ``acq-x_run-1``.
    where : str
        The table or file that says so.
    exact : bool
        The entities are the whole name; else repeats get a ``run``.
    metadata : dict
        Fields for the sidecar.
    volumes : tuple of str
        The types of the volumes of arterial spin labelling, in turn.
    keep : bool
        The series is converted although it is incomplete or came in different copies.
    """

    kind: str | None
    entities: str = ""
    where: str = TABLE
    exact: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    keep: bool = False

    @property
    def decides(self) -> bool:
        """Whether it says what the series is; a line with ``keep`` alone leaves that open."""
        return self.kind is not None or not self.keep


Rulings = dict[str, Ruling]
"""Series identifier, or SeriesInstanceUID -> ruling."""


def read_rulings(path: Path) -> Rulings:
    """Read ``plan.tsv``; nothing when there is no such file.

    Raises
    ------
    InputError
        A column is missing, a name is no BIDS name, or a series has two.
    """
    if not path.exists():
        return {}
    table = read_tsv(path, path.name)
    if absent := {"series", "name"} - set(table.columns):
        raise InputError(
            path.name,
            f"column {' and '.join(sorted(absent))} is missing; columns are separated by tabs",
            "Begin with what `snakemake plan` writes",
        )
    rulings: Rulings = {}
    for number, row in zip(table.lines, table.rows, strict=True):
        where = f"{path.name}, line {number}"
        series = row.get("series", "")
        entities, kind = schema.parse(row["name"], where) if "name" in row else ("", None)
        ruling = Ruling(kind, entities, keep=_keep(row.get("keep"), where))
        # Patients whose files are mixed in one series each have a line of it.
        if not series or rulings.setdefault(series, ruling) != ruling:
            raise InputError(
                where,
                "its series is empty, or has another name in a line above",
                "Correct this line",
            )
        if "uid" in row:
            # A table that was made before the study had its key names series by other numbers.
            rulings[row["uid"]] = ruling
    return rulings


def _keep(text: str | None, where: str) -> bool:
    """Return what the column ``keep`` says."""
    word = (text or "no").strip().lower()
    if word not in ("yes", "keep", "no"):
        raise InputError(where, "the column keep must be yes, or n/a", "Correct this line")
    return word != "no"
