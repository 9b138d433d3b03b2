"""The map from patient identifiers to labels that a person may give."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecdysis.errors import InputError
from ecdysis.files import read_tsv


@dataclass(frozen=True)
class Mapped:
    """What the map says of a patient.

    Parameters
    ----------
    participant : str
        The label.
    studies : dict
        StudyInstanceUID or StudyDate -> session label.
    """

    participant: str
    studies: Mapping[str, str]


People = dict[tuple[str, str], Mapped]
"""(IssuerOfPatientID, PatientID) -> what the map says; the issuer is mostly empty."""


def read_map(path: Path) -> People:
    """Read the map of patients to labels, a TSV.

    Its columns are ``patient_id`` and ``participant_label``, and if sessions are named,
    ``session_label`` with ``study_uid`` or ``study_date`` (YYYYMMDD or YYYY-MM-DD). Two
    patient identifiers may have one label: they are then one participant. Where several
    clinics have used the same identifiers, a column ``issuer`` (IssuerOfPatientID) tells
    them apart.

    Raises
    ------
    InputError
        A column is missing, a label has a character that BIDS forbids, or a patient or study
        has two labels. Rows are named by their number, never by an identifier.
    """
    table = read_tsv(path, "participants_map")
    names = table.columns
    needed = ["patient_id", "participant_label"]
    if "session_label" in names and not {"study_uid", "study_date"} & set(names):
        needed.append("study_uid (or study_date)")
    if absent := [name for name in needed if name not in names]:
        raise InputError(
            "participants_map",
            f"column {' and '.join(absent)} is missing; columns are separated by tabs",
            "Give the columns patient_id, participant_label and, if wanted, study_uid or "
            "study_date with session_label",
        )
    people: dict[tuple[str, str], str] = {}
    studies: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for number, row in zip(table.lines, table.rows, strict=True):
        if "patient_id" not in row:
            raise _row_error(number, "patient_id is empty")
        patient = row.get("issuer", ""), row["patient_id"]
        label = _label(row.get("participant_label"), "sub", number)
        if people.setdefault(patient, label) != label:
            raise _row_error(number, "this patient has another participant_label in a row above")
        study = row.get("study_uid") or row.get("study_date", "").replace("-", "")
        if "session_label" in row:
            session = _label(row["session_label"], "ses", number)
            if not study:
                raise _row_error(number, "session_label stands without study_uid or study_date")
            if studies[patient].setdefault(study, session) != session:
                raise _row_error(number, "this study has another session_label in a row above")
    _differ_by_case(people.values())
    return {patient: Mapped(label, studies[patient]) for patient, label in people.items()}


def find(people: People, patient: tuple[str, str]) -> Mapped | None:
    """Return what the map says of (IssuerOfPatientID, PatientID): by both, or by the latter."""
    return people.get(patient) or people.get(("", patient[1]))


def check_issuers(people: People, patients: Iterable[tuple[str, str]]) -> None:
    """Refuse a map in which one row would stand for patients of several clinics.

    Raises
    ------
    InputError
        A ``patient_id`` without issuer is that of patients with different issuers.
    """
    by_id = Counter(name for issuer, name in patients if (issuer, name) not in people)
    if any(count > 1 and ("", name) in people for name, count in by_id.items()):
        raise InputError(
            "participants_map",
            "a patient_id in it is used by several issuers (IssuerOfPatientID) in the scans",
            "Add the column issuer, with one row for each of them",
        )


def _label(text: str | None, prefix: str, row: int) -> str:
    label = (text or "").removeprefix(f"{prefix}-")
    if re.fullmatch("[0-9A-Za-z]+", label):
        return label
    name = {"sub": "participant_label", "ses": "session_label"}[prefix]
    raise _row_error(row, f"{name} must be letters and digits only")


def _row_error(row: int, problem: str) -> InputError:
    return InputError(f"participants_map, line {row}", problem, "Correct this line")


def _differ_by_case(labels: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for label in labels:
        if seen.setdefault(label.lower(), label) != label:
            raise InputError(
                "participants_map",
                f"the labels {seen[label.lower()]} and {label} differ by case only, which many "
                "file systems do not tell apart",
                "Rename one of them",
            )
