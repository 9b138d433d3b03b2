"""Check who the patients are: the user's map from patients to labels, and mixed identifiers."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecdysis.dicom.header import Header
from ecdysis.errors import InputError
from ecdysis.files import read_tsv
from ecdysis.ordering import grouped
from ecdysis.planning.series import Patient, Series


@dataclass(frozen=True)
class Mapped:
    """The labels of a patient in the map."""

    participant: str
    """The participant label."""
    studies: Mapping[str, str]
    """StudyInstanceUID or StudyDate -> session label."""

    def session(self, study: str, date: str) -> str | None:
        """Return the session label of a study, found by StudyInstanceUID or StudyDate."""
        return self.studies.get(study) or self.studies.get(date)


People = dict[Patient, Mapped]
"""Patient -> labels; most maps have no issuer, which is then empty."""


def read_map(path: Path) -> People:
    """Read the map of patients to labels, a TSV.

    Its columns are ``patient_id`` and ``participant_label``, and for sessions ``session_label``
    with ``study_uid`` or ``study_date`` (YYYYMMDD or YYYY-MM-DD). Two patient identifiers with one
    label are one participant. If several clinics use the same identifiers, a column ``issuer``
    (IssuerOfPatientID) distinguishes them.

    Raises
    ------
    InputError
        A column is missing, a label has a character that BIDS forbids, or a patient or study
        has two labels. The error gives the number of the row, never an identifier.
    """
    table = read_tsv(path, "participants_map")
    names = table.columns
    needed = ["patient_id", "participant_label"]
    if "session_label" in names and not {"study_uid", "study_date"} & set(names):
        needed.append("study_uid (or study_date)")
    table.require(
        needed,
        "participants_map",
        "Give the columns patient_id, participant_label and, if wanted, study_uid or study_date "
        "with session_label",
    )
    people: dict[Patient, str] = {}
    studies: defaultdict[Patient, dict[str, str]] = defaultdict(dict)
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
                raise _row_error(number, "session_label is given without study_uid or study_date")
            if studies[patient].setdefault(study, session) != session:
                raise _row_error(number, "this study has another session_label in a row above")
    _check_case(people.values())
    return {patient: Mapped(label, studies[patient]) for patient, label in people.items()}


def labels_in_map(people: People, patient: Patient) -> Mapped | None:
    """Return the labels of a patient, found by issuer and PatientID, or by PatientID alone."""
    return people.get(patient) or people.get(("", patient[1]))


def check_issuers(people: People, patients: Iterable[Patient]) -> None:
    """Check that no row of the map applies to patients of several clinics.

    Raises
    ------
    InputError
        A ``patient_id`` without issuer belongs to patients with different issuers.
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


def _check_case(labels: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for label in labels:
        if seen.setdefault(label.lower(), label) != label:
            raise InputError(
                "participants_map",
                f"the labels {seen[label.lower()]} and {label} differ by case only, which many "
                "file systems ignore",
                "Rename one of them",
            )


def mixed_patients(series: Sequence[Series], people: Mapping[Patient, str]) -> list[str]:
    """Return a notice for each participant whose files may be from several people.

    It is a sentence for each PatientID with different names, birth dates or sexes. `people` has the
    participant label of each patient.
    """
    headers = grouped((item.patient, header) for item in series for header in item.headers)
    notices = []
    for patient, label in people.items():
        counts = {
            "names": _count_names(headers[patient]),
            "birth dates": _count_values(headers[patient], "PatientBirthDate"),
            "sexes": _count_values(headers[patient], "PatientSex"),
        }
        several = [f"{count} {what}" for what, count in counts.items() if count > 1]
        if several:
            notices.append(
                f"sub-{label}: its DICOM files have {' and '.join(several)} under one PatientID. "
                "They may be from different people: compare them, and correct PatientID in the "
                "export or leave series out in plan.tsv"
            )
    return notices


def _count_values(headers: Sequence[Header], keyword: str) -> int:
    values = {str(header[keyword] or "").strip().upper() for header in headers}
    return len(values - {"", "U", "UNKNOWN"})


def _count_names(headers: Sequence[Header]) -> int:
    """Count different names; a name that only lacks words of another, is the same name."""
    parts = {
        frozenset(re.findall(r"[^\W_]+", str(header["PatientName"] or "").lower()))
        for header in headers
    } - {frozenset()}
    return sum(not any(name < other for other in parts) for name in parts)
