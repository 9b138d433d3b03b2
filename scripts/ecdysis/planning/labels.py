"""Participant and session labels, from the user's map or counted, and kept in the private folder.

The private folder has the labels under digests of the identifiers, so that later patients never
change the labels of earlier ones.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ecdysis.errors import InputError
from ecdysis.files import read_tsv
from ecdysis.key import Key
from ecdysis.ordering import grouped
from ecdysis.planning.participants_map import (
    People,
    check_issuers,
    labels_in_map,
    mixed_patients,
    read_map,
)
from ecdysis.planning.series import Patient, Series, Study, visits
from ecdysis.private_files import write_private_table

COLUMNS = ("key", "patient", "study", "participant_label", "session_label")


@dataclass(frozen=True)
class Session:
    """One visit of one participant."""

    subject: str
    """Label without ``sub-``."""
    label: str | None
    """Label without ``ses-``; None if the participant has no sessions."""

    @property
    def name(self) -> str:
        """The beginning of its file names, for example ``sub-01_ses-01``."""
        return f"sub-{self.subject}" + (f"_ses-{self.label}" if self.label else "")

    @property
    def folder(self) -> str:
        """Its folder in the dataset, for example ``sub-01/ses-01``."""
        return self.name.replace("_", "/")


@dataclass(frozen=True)
class Refusal:
    """A series that cannot be used, with its session if it has one."""

    session: Session | None
    series: Series
    reason: str


@dataclass(frozen=True)
class Labels:
    """The label of each patient and study."""

    sessions: Mapping[Study, tuple[str, str | None]]
    """(patient, StudyInstanceUID) -> (participant label, session label or None)."""
    unlisted: Mapping[Study, str]
    """(patient, StudyInstanceUID) that is not in the map -> reason."""
    notices: tuple[str, ...]
    """Messages for the user."""


def assign(
    series: Sequence[Series],
    key: Key,
    memory: Path,
    bids_dir: Path,
    participants_map: Path | None = None,
) -> Labels:
    """Give every study of the series a participant label and, if needed, a session label.

    The map decides if there is one. Without a map, patients are counted ``01``, ``02``... in an
    order that depends on the key, so that labels do not show the order of the identifiers. Labels
    that exist in `bids_dir` are not used again.

    Studies of one visit (`ecdysis.planning.series.visits`) are one session. A patient's only visit
    gets no session label; several visits get ``01``, ``02``... by date. If a second visit appears
    after the first was named without a session, the second becomes ``02`` and the first keeps its
    name.

    The series are sorted by study date. `key` is that of the digests, and `memory` is
    ``labels.tsv`` of the private folder, which is updated. For the map see
    `ecdysis.planning.participants_map.read_map`.

    Raises
    ------
    InputError
        `memory` was written with another key, the map is malformed, or the map renames a patient
        who is in the dataset.
    """
    known_labels = _KnownLabels(key, memory)
    mapped = read_map(participants_map) if participants_map else None
    dates = {(item.patient, item.study): str(item.header["StudyDate"] or "") for item in series}
    studies = list(dates)
    unlisted = {} if mapped is None else _unlisted(studies, mapped, dates)
    listed = [study for study in studies if study not in unlisted]
    people = _participants(listed, known_labels, bids_dir, mapped, key)
    notices = mixed_patients(series, people)
    visit_of = visits(series)
    sessions: dict[Study, tuple[str, str | None]] = {}
    for person, own in grouped((people[study[0]], study) for study in listed).items():
        given = {} if mapped is None else _mapped_sessions(own, mapped, dates)
        for study, label in _sessions(own, visit_of, given, known_labels, person, notices).items():
            sessions[study] = (person, label)
        notices += _notices_of_joined_visits(own, visit_of, given, person)
    for (patient, uid), labels in sessions.items():
        known_labels.keep(patient, uid, *labels)
    known_labels.write()
    return Labels(sessions, unlisted, tuple(notices))


def _unlisted(
    studies: Iterable[Study], mapped: People, dates: Mapping[Study, str]
) -> dict[Study, str]:
    """Return the studies that are not in the map, with the reason."""
    check_issuers(mapped, {patient for patient, _ in studies})
    reasons = {}
    for patient, uid in studies:
        labels = labels_in_map(mapped, patient)
        if labels is None:
            reasons[patient, uid] = "this patient is not in participants_map"
        elif labels.studies and not labels.session(uid, dates[patient, uid]):
            reason = "participants_map has sessions of this patient, but not this one"
            reasons[patient, uid] = reason
    return reasons


def _mapped_sessions(
    studies: Iterable[Study], mapped: People, dates: Mapping[Study, str]
) -> dict[Study, str]:
    return {
        (patient, uid): label
        for patient, uid in studies
        if (labels := labels_in_map(mapped, patient))
        and (label := labels.session(uid, dates[patient, uid]))
    }


def _participants(
    studies: list[Study],
    known_labels: "_KnownLabels",
    bids_dir: Path,
    mapped: People | None,
    key: Key,
) -> dict[Patient, str]:
    """Return the participant label of each patient: from the map, an earlier run, or counted."""
    patients = sorted(
        {patient for patient, _ in studies},
        key=lambda patient: key.digest("order of labels", "\n".join(patient)),
    )
    labels: dict[Patient, str] = {}
    for patient in patients:
        known = known_labels.participant(patient)
        entry = labels_in_map(mapped, patient) if mapped else None
        if entry is None:
            if known:
                labels[patient] = known
            continue
        label = labels[patient] = entry.participant
        if known and known != label and (bids_dir / f"sub-{known}").is_dir():
            raise InputError(
                "participants_map",
                f"it gives the label sub-{label} to a patient who is sub-{known} in the dataset",
                f"Keep the label {known}, or first rename sub-{known} in the dataset",
            )
    taken = {path.name.removeprefix("sub-") for path in bids_dir.glob("sub-*")}
    taken |= known_labels.participants()
    numbers = [int(label) for label in known_labels.participants() if label.isdigit()]
    free = _free_labels(max(numbers, default=0) + 1, taken)
    return labels | {patient: next(free) for patient in patients if patient not in labels}


def _free_labels(first: int, taken: Container[str | None]) -> Iterator[str]:
    """Yield the numbers from `first` as labels, except those that are taken."""
    return (label for label in (f"{number:02d}" for number in count(first)) if label not in taken)


def _sessions(
    studies: list[Study],
    visit_of: Mapping[Study, Study],
    given: Mapping[Study, str],
    known_labels: "_KnownLabels",
    person: str,
    notices: list[str],
) -> dict[Study, str | None]:
    """Return the session label of each study of a participant; `given` are those of the map."""
    labels: dict[Study, str | None] = dict(given)
    old = {study: known_labels.session(*study) for study in studies if study not in given}
    labels |= {study: label for study, (known, label) in old.items() if known == person}
    by_visit = {visit_of[study]: label for study, label in labels.items() if study not in given}
    new = [study for study in studies if study not in labels]
    earlier = known_labels.studies(person)
    if not labels and not earlier and len({visit_of[study] for study in new}) == 1:
        return dict.fromkeys(new)
    taken = {label for label in labels.values() if label} | set(earlier.values())
    free = _free_labels(sum(label is None for label in earlier.values()) + 1, taken)
    counted = []
    for study in new:
        visit = visit_of[study]
        if visit not in by_visit:
            counted.append(next(free))
            by_visit[visit] = counted[-1]
        labels[study] = by_visit[visit]
    if counted and None in earlier.values():
        notices.append(
            f"sub-{person} was named without a session when it had one study. The first study "
            f"keeps its name; the new studies become ses-{', ses-'.join(counted)}"
        )
    return labels


def _notices_of_joined_visits(
    studies: list[Study],
    visit_of: Mapping[Study, Study],
    given: Mapping[Study, str],
    person: str,
) -> list[str]:
    """Return a notice for each visit with several studies whose sessions are not in the map."""
    counts = Counter(visit_of[study] for study in studies if study not in given)
    return [
        f"sub-{person}: {number} studies (StudyInstanceUID) of one day and scanner, at most an "
        "hour apart, are one session. To make them separate sessions, set participants_map to a "
        "table with the columns study_uid and session_label"
        for number in counts.values()
        if number > 1
    ]


def by_session(
    all_series: Sequence[Series], labels: Labels
) -> tuple[dict[Session, list[Series]], list[Refusal]]:
    """Group series by session. Sessions are sorted by name; series keep their order.

    A series is refused if its patient or study is not in the map, if its files belong to several
    participants, or if it is a second copy under another patient identifier.
    """
    owners = defaultdict(set)
    for series in all_series:
        if (series.patient, series.study) in labels.sessions:
            owners[series.uid].add(labels.sessions[series.patient, series.study][0])
    sessions: defaultdict[Session, list[Series]] = defaultdict(list)
    refused = []
    for series in all_series:
        if reason := labels.unlisted.get((series.patient, series.study)):
            refused.append(Refusal(None, series, reason))
            continue
        session = Session(*labels.sessions[series.patient, series.study])
        if len(owners[series.uid]) > 1:
            reason = "files of different patients have its SeriesInstanceUID"
            refused.append(Refusal(session, series, reason))
        elif any(series.id == other.id for other in sessions[session]):
            reason = "a second copy of a series of this session"
            refused.append(Refusal(session, series, reason))
        else:
            sessions[session].append(series)
    filled = [session for session, members in sessions.items() if members]
    return {
        session: sessions[session] for session in sorted(filled, key=lambda session: session.name)
    }, refused


class _KnownLabels:
    """The labels of earlier runs, under digests of the identifiers."""

    def __init__(self, key: Key, path: Path) -> None:
        self._key, self._path = key, path
        self._rows: dict[tuple[str, str], tuple[str, str | None]] = {}
        for row in read_tsv(path).rows if path.exists() else []:
            if row.get("key") != key.fingerprint:
                raise InputError(
                    path,
                    "its labels were made with another key, so patients cannot be recognised",
                    "Restore the study's key, or remove this file to begin a new dataset",
                )
            identity = row["patient"], row["study"]
            self._rows[identity] = row["participant_label"], row.get("session_label")

    def _patient(self, patient: Patient) -> str:
        return self._key.token("patient", "\n".join(patient), 16)

    def _study(self, study: str) -> str:
        return self._key.token("study", study, 16)

    def participant(self, patient: Patient) -> str | None:
        """Return the label of a patient; None for a new patient."""
        digest = self._patient(patient)
        return next((row[0] for (who, _), row in self._rows.items() if who == digest), None)

    def participants(self) -> set[str]:
        """Return every participant label."""
        return {label for label, _ in self._rows.values()}

    def session(self, patient: Patient, study: str) -> tuple[str | None, str | None]:
        """Return participant and session label of a study; (None, None) for a new study."""
        return self._rows.get((self._patient(patient), self._study(study)), (None, None))

    def studies(self, person: str) -> dict[str, str | None]:
        """Return the studies of a participant: digest -> session label."""
        return {
            study: label
            for (_, study), (label_of, label) in self._rows.items()
            if label_of == person
        }

    def keep(self, patient: Patient, study: str, person: str, label: str | None) -> None:
        """Add the labels of a study."""
        self._rows[self._patient(patient), self._study(study)] = (person, label)

    def write(self) -> None:
        """Write the labels if they changed."""
        rows = [
            (self._key.fingerprint, *identity, *labels) for identity, labels in self._rows.items()
        ]
        write_private_table(self._path, COLUMNS, rows)
