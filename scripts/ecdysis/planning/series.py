"""Group instances to series, and studies to visits.

The instances of a series have the same PatientID (with issuer), day and SeriesInstanceUID, in any
folder. Series that an archive or an export split into pieces are joined. Scanners and archives may
give every series, or even every volume, its own StudyInstanceUID, and a restarted console begins
a second study; such studies are one visit.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from ecdysis.dicom.header import Header
from ecdysis.dicom.index import Index, Instance
from ecdysis.key import Key

AT_ONCE = 1.0
"""Series that start within this time (s) belong to one acquisition."""

EQUAL_IN_PIECES = (
    *("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName", "ImageType"),
    *("ScanningSequence", "EchoTime", "RepetitionTime", "FlipAngle", "Rows", "Columns"),
    *("PixelSpacing", "SliceThickness", "ComplexImageComponent"),
)
"""Attributes that are equal in all pieces of a series."""

XA_FACTOR = 1000
"""Interoperability exports of Siemens XA number the volumes of series 7 as 7001, 7002..."""

PAUSE_S = 3600.0
"""Studies of one day and scanner are one visit if the pause between them is at most this long."""

Patient = tuple[str, str]
"""IssuerOfPatientID and PatientID. Without a PatientID, the StudyInstanceUID replaces it."""

Study = tuple[Patient, str]
"""Patient and StudyInstanceUID."""


@dataclass(frozen=True)
class Series:
    """One series of one study of one patient."""

    id: str
    """``ser-`` and eight digits, computed from the SeriesInstanceUID with the study's key."""
    patient: Patient
    study: str
    """StudyInstanceUID; that of the first piece of a joined series."""
    uid: str
    """SeriesInstanceUID; that of the first piece of a joined series."""
    headers: tuple[Header, ...] = field(repr=False)
    """The different shared headers, the most frequent first."""
    instances: tuple[Instance, ...] = field(repr=False)
    """Sorted by position, then number; each instance once."""
    copies: int = 0
    """Number of identical copies of instances, which were left out."""
    conflicts: int = 0
    """Number of instances that exist twice with different content."""
    pieces: int = 1
    """Number of series in the export that were joined to this one."""

    @property
    def header(self) -> Header:
        """The most frequent shared header."""
        return self.headers[0]

    @property
    def day(self) -> str:
        """The date of the study in the format ``20200131``; empty if the header has none."""
        return str(self.header["StudyDate"] or "")

    def acquired(self) -> str | None:
        """Return the date and time of the first instance; see `seconds_between`."""
        return min(self._moments(), default=None)

    def ended(self) -> str | None:
        """Return the date and time of the last instance."""
        return max(self._moments(), default=None)

    def _moments(self) -> Iterable[str]:
        moments = (_moment(instance.own.acquired, self.header) for instance in self.instances)
        return (moment for moment in moments if moment)

    def began(self) -> str | None:
        """Return the date and time of the first instance, or else of the series."""
        return self.acquired() or _moment(self.header["SeriesTime"], self.header)

    def content(self) -> str:
        """Return a text that changes if instances are added, removed or changed, not if moved."""
        return "\n".join(sorted(f"{item.own.uid} {item.size}" for item in self.instances))


def _moment(text: object, header: Header) -> str | None:
    """Return a time as ``YYYYMMDDHHMMSS.f``; a time without a date gets the date of the series."""
    digits, _, fraction = str(text or "").strip().replace(":", "").partition(".")
    if not digits.isdecimal():
        return None
    if len(digits) < 14:
        date = re.sub(r"\D", "", str(header["SeriesDate"] or header["StudyDate"] or ""))
        digits = date[:8].rjust(8, "0") + digits.ljust(6, "0")[:6]
    return f"{digits[:14]}.{fraction}" if fraction else digits[:14]


def seconds_between(before: str, after: str) -> float:
    """Return the seconds from one moment to another, both in the format of `Series.acquired`.

    The result is infinite if one of them is not a date and time.

    Examples
    --------
    >>> seconds_between("20200131235959.5", "20200201000001")
    1.5
    """
    try:
        return (_time_of(after) - _time_of(before)).total_seconds()
    except ValueError:
        return math.inf


def _time_of(moment: str) -> datetime:
    whole, _, fraction = moment.replace("00000000", "20000101", 1).partition(".")
    return datetime.strptime(f"{whole}.{fraction[:6] or 0}", "%Y%m%d%H%M%S.%f")


def same_acquisition(first_series: Series, second_series: Series) -> bool:
    """Return whether two series are echoes, parts or reconstructions of one acquisition."""
    first, second = first_series.acquired(), second_series.acquired()
    if first is None or second is None:
        return False
    return first == second or abs(seconds_between(first, second)) <= AT_ONCE


def group_series(index: Index, key: Key) -> list[Series]:
    """Group the instances of an index to series, in the order of acquisition."""
    issuers = {
        (header["StudyInstanceUID"], header["PatientID"]): header["IssuerOfPatientID"]
        for header in index.headers
        if header["IssuerOfPatientID"]
    }
    groups: defaultdict[tuple[Patient, str, str], list[Instance]] = defaultdict(list)
    for instance in index.instances:
        header = index.headers[instance.header]
        study = str(header["StudyInstanceUID"])
        # The issuer may be missing in a part of a study. If an export has no PatientID at all, its
        # studies must not become one patient.
        issuer = header["IssuerOfPatientID"] or issuers.get((study, header["PatientID"]), "")
        patient = (str(issuer), str(header["PatientID"] or study))
        day = str(header["StudyDate"] or study)
        groups[patient, day, str(header["SeriesInstanceUID"])].append(instance)
    all_series = [
        _series(index, key, patient, uid, instances)
        for (patient, _, uid), instances in groups.items()
    ]
    return sorted(_join_pieces(sorted(all_series, key=_order)), key=_order)


def _series(
    index: Index, key: Key, patient: Patient, uid: str, instances: Iterable[Instance]
) -> Series:
    once: dict[str, Instance] = {}
    copies = conflicts = 0
    for instance in instances:
        first = once.setdefault(instance.own.uid, instance)
        if first is not instance:
            # Copies differ in path and time of modification only.
            same = first == replace(instance, path=first.path, mtime_ns=first.mtime_ns)
            copies, conflicts = copies + same, conflicts + (not same)
    kept = sorted(once.values(), key=_place)
    counts = Counter(instance.header for instance in kept)
    headers = tuple(index.headers[at] for at, _ in counts.most_common())
    study = min(str(header["StudyInstanceUID"]) for header in headers)
    name = "ser-" + key.token("series", uid)
    return Series(name, patient, study, uid, headers, tuple(kept), copies, conflicts)


def _place(instance: Instance) -> tuple[tuple[float, ...], int, str]:
    return instance.own.positions, instance.own.number or 0, instance.path


def _order(series: Series) -> tuple[str, str, str, float, str, str]:
    header = series.header
    number = header["SeriesNumber"]
    return (
        series.day or "9",
        series.began() or str(header["StudyTime"] or "9"),
        series.study if series.began() is None else "",
        number if isinstance(number, int) else math.inf,
        str(header["SeriesTime"] or "9"),
        series.uid,
    )


def _join_pieces(all_series: Sequence[Series]) -> list[Series]:
    """Join the pieces of split series, each to the last series with equal attributes."""
    whole: list[Series] = []
    last: dict[tuple[object, ...], int] = {}
    for series in all_series:
        attributes = (str(series.header[word]) for word in EQUAL_IN_PIECES)
        kind = (series.patient, series.day, *attributes)
        at = last.get(kind)
        if at is not None and _continues(whole[at], series):
            whole[at] = _join(whole[at], series)
        else:
            last[kind] = len(whole)
            whole.append(series)
    return whole


def _continues(series: Series, piece: Series) -> bool:
    """Return whether a series with equal attributes is the next piece of another."""
    numbers = series.header["SeriesNumber"], piece.header["SeriesNumber"]
    if not all(isinstance(number, int) for number in numbers):
        return False
    uids = {instance.own.uid for instance in series.instances}
    if any(instance.own.uid in uids for instance in piece.instances):
        return False
    if series.study == piece.study and numbers[0] == numbers[1]:
        used = {instance.own.number for instance in series.instances}
        return not any(instance.own.number in used for instance in piece.instances)
    if not _one_volume(piece):
        return False
    if "MFSPLIT" in (series.header["ImageType"] or ()):
        return (
            series.study == piece.study and numbers[0] // XA_FACTOR == numbers[1] // XA_FACTOR > 0
        )
    repetition = series.header["RepetitionTime"]
    before, after = series.ended(), piece.acquired()
    if series.study == piece.study or not isinstance(repetition, int | float):
        return False
    if before is None or after is None or "EP" not in str(series.header["ScanningSequence"]):
        return False
    return 0 < seconds_between(before, after) <= 1.5 * repetition / 1000 + AT_ONCE


def _one_volume(series: Series) -> bool:
    places = [place for instance in series.instances for place in instance.own.positions]
    return len(places) == len(set(places))


def _join(series: Series, piece: Series) -> Series:
    return replace(
        series,
        headers=(*series.headers, *piece.headers),
        instances=tuple(sorted((*series.instances, *piece.instances), key=_place)),
        copies=series.copies + piece.copies,
        conflicts=series.conflicts + piece.conflicts,
        pieces=series.pieces + piece.pieces,
    )


def paths(series: Series, root: Path) -> list[str]:
    """Return the absolute paths of the files of a series, without resolving links."""
    return [str((root / instance.path).absolute()) for instance in series.instances]


def visits(series: Sequence[Series]) -> dict[Study, Study]:
    """Return the first study of the visit of each study.

    Studies are one visit if patient, name, birth date, sex, day and scanner are equal, and the time
    between the last image of one and the first image of the next is at most `PAUSE_S`.
    """
    spans: dict[Study, tuple[str, str]] = {}
    scanners: defaultdict[tuple[str, ...], list[Study]] = defaultdict(list)
    for item in series:
        study = item.patient, item.study
        begin = item.began()
        if begin is None or not item.day:
            spans.setdefault(study, ("", ""))
            continue
        end = item.ended() or begin
        span = spans.get(study) or ("", "")
        if not span[0]:
            scanners[(*item.patient, item.day, *_person_and_scanner(item.header))].append(study)
            spans[study] = begin, end
        else:
            spans[study] = min(span[0], begin), max(span[1], end)
    first = {study: study for study in spans}
    for studies in scanners.values():
        ordered = sorted(studies, key=lambda study: spans[study])
        until = ""
        for number, study in enumerate(ordered):
            begin, end = spans[study]
            if number and (begin <= until or seconds_between(until, begin) <= PAUSE_S):
                first[study] = first[ordered[number - 1]]
            until = max(until, end)
    return first


def _person_and_scanner(header: Header) -> tuple[str, ...]:
    words = (
        *("PatientName", "PatientBirthDate", "PatientSex"),
        "Manufacturer",
        "ManufacturerModelName",
        "DeviceSerialNumber",
        "StationName",
    )
    return tuple(str(header[word] or "") for word in words)
