"""What a person decided on series, in a table that rules over recognition.

The table is a copy of ``series.tsv``, edited: of its columns only ``series`` and ``name`` are
read, and rows that are deleted leave the decision to the workflow.
"""

from dataclasses import dataclass
from pathlib import Path

from lib.dicom.entities import parse
from lib.dicom.private import read_table
from lib.dicom.rules import FOLDERS
from lib.errors import InputError

SUFFIXES = tuple(suffix for suffix, folder in FOLDERS.items() if folder == "anat")


@dataclass(frozen=True)
class Ruling:
    """A person's decision.

    Parameters
    ----------
    suffix : str or None
        BIDS suffix; None when the series is to be left out.
    entities : str
        Those after subject and session, as ``acq-x_run-1``.
    """

    suffix: str | None
    entities: str = ""


def read_rulings(path: Path) -> dict[str, Ruling]:
    """Read ``plan.tsv``: series identifier -> ruling; nothing when there is no such file.

    Raises
    ------
    InputError
        A column is missing, a name is no BIDS name, or a series stands twice.
    """
    if not path.exists():
        return {}
    try:
        rows = read_table(path)
        columns = path.read_text(encoding="utf-8-sig").partition("\n")[0].strip().split("\t")
    except (OSError, UnicodeError) as error:
        raise InputError(path.name, "it cannot be read as UTF-8 text", "Save it as TSV") from error
    if absent := {"series", "name"} - set(columns):
        raise InputError(
            path.name,
            f"column {' and '.join(sorted(absent))} is missing; columns are separated by tabs",
            "Begin with a copy of series.tsv",
        )
    rulings: dict[str, Ruling] = {}
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        where = f"{path.name}, line {number}"
        series = row.get("series", "")
        if not series or series in rulings:
            raise InputError(
                where, "its series is empty or stands in a line above", "Correct this line"
            )
        if "name" in row:
            entities, suffix = parse(row["name"], where, SUFFIXES)
            rulings[series] = Ruling(suffix, entities)
        else:
            rulings[series] = Ruling(None)
    return rulings
