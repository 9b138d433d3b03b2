"""Series: the instances that belong together, in the order in which they were acquired.

A series is what has the same PatientID (and its issuer), day and SeriesInstanceUID, wherever
its files lie. Series that an archive or a scanner's export split are joined again.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ecdysis.dicom.header import Header
from ecdysis.dicom.index import Index, Instance
from ecdysis.key import Key

AT_ONCE = 1.0
"""Series that began within this many seconds of each other are of one acquisition."""

ALIKE = (
    *("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName", "ImageType"),
    *("ScanningSequence", "EchoTime", "RepetitionTime", "FlipAngle", "Rows", "Columns"),
    *("PixelSpacing", "SliceThickness", "ComplexImageComponent"),
)
"""Attributes in which the pieces of one series agree."""

SPLIT = 1000
"""Interoperability exports of Siemens XA number the volumes of series 7 as 7001, 7002..."""


@dataclass(frozen=True)
class Series:
    """One series of one study of one patient.

    Parameters
    ----------
    id : str
        ``ser-`` and eight digits made with the key from SeriesInstanceUID.
    patient : tuple of str
        IssuerOfPatientID and PatientID; without a PatientID the StudyInstanceUID stands in.
    study, uid : str
        StudyInstanceUID and SeriesInstanceUID; of a joined series, those of its first piece.
    headers : tuple of dict
        The different shared headers, the most frequent first.
    instances : tuple of Instance
        In the order of position, then number; a second copy of an instance is left out.
    copies : int
        How many second copies were left out.
    conflicts : int
        How many instances came twice with different content.
    pieces : int
        How many series of the export were joined to this one.
    """

    id: str
    patient: tuple[str, str]
    study: str
    uid: str
    headers: tuple[Header, ...] = field(repr=False)
    instances: tuple[Instance, ...] = field(repr=False)
    copies: int = 0
    conflicts: int = 0
    pieces: int = 1

    @property
    def header(self) -> Header:
        """The most frequent shared header."""
        return self.headers[0]

    @property
    def day(self) -> str:
        """The date of the study, as ``20200131``; empty when the header has none."""
        return str(self.header["StudyDate"] or "")

    def acquired(self) -> str | None:
        """Return date and time at which its first instance was acquired."""
        moments = (_moment(one.own.acquired, self.header) for one in self.instances)
        return min((moment for moment in moments if moment), default=None)

    def ended(self) -> str | None:
        """Return date and time at which its last instance was acquired."""
        moments = (_moment(one.own.acquired, self.header) for one in self.instances)
        return max((moment for moment in moments if moment), default=None)

    def began(self) -> str | None:
        """Return date and time at which it was acquired, else those of the series."""
        return self.acquired() or _moment(self.header["SeriesTime"], self.header)

    def content(self) -> str:
        """Return a text that changes when instances come, go or differ, not when they move."""
        return "\n".join(sorted(f"{one.own.uid} {one.size}" for one in self.instances))


def _moment(text: Any, header: Header) -> str | None:
    """Return a time as ``YYYYMMDDHHMMSS.f``, with the date of the series when it has none."""
    digits, _, fraction = str(text or "").replace(":", "").partition(".")
    if not digits.isdecimal():
        return None
    if len(digits) < 14:
        date = re.sub(r"\D", "", str(header["SeriesDate"] or header["StudyDate"] or ""))
        digits = date[:8].rjust(8, "0") + digits.ljust(6, "0")[:6]
    return f"{digits[:14]}.{fraction}" if fraction else digits[:14]


def seconds_between(before: str, after: str) -> float:
    """Return the seconds from one moment to another, as `Series.acquired` gives them.

    Infinite when one of them is no date and time.

    Examples
    --------
    >>> seconds_between("20200131235959.5", "20200201000001")
    1.5
    """
    try:
        first, second = (
            datetime.strptime(moment[:14], "%Y%m%d%H%M%S").timestamp()
            + float("0." + (moment.partition(".")[2] or "0"))
            for moment in (
                before.replace("00000000", "20000101", 1),
                after.replace("00000000", "20000101", 1),
            )
        )
    except ValueError:
        return math.inf
    return second - first


def at_once(one: Series, other: Series) -> bool:
    """Say whether two series are of one acquisition: echoes, parts or reconstructions of it."""
    first, second = one.acquired(), other.acquired()
    if first is None or second is None:
        return False
    return first == second or abs(seconds_between(first, second)) <= AT_ONCE


def group(index: Index, key: Key) -> list[Series]:
    """Put the instances of an index into series, in the order in which they were acquired."""
    issuers = {
        (header["StudyInstanceUID"], header["PatientID"]): header["IssuerOfPatientID"]
        for header in index.headers
        if header["IssuerOfPatientID"]
    }
    found: defaultdict[tuple[tuple[str, str], str, str], list[Instance]] = defaultdict(list)
    for instance in index.instances:
        header = index.headers[instance.header]
        study = str(header["StudyInstanceUID"])
        # A part of a study may lack the issuer; exports may lack every PatientID, and must not
        # become one patient.
        issuer = header["IssuerOfPatientID"] or issuers.get((study, header["PatientID"]), "")
        patient = (str(issuer), str(header["PatientID"] or study))
        day = str(header["StudyDate"] or study)
        found[patient, day, str(header["SeriesInstanceUID"])].append(instance)
    every = [
        _series(index, key, patient, uid, instances)
        for (patient, _, uid), instances in found.items()
    ]
    return sorted(_joined(sorted(every, key=_order)), key=_order)


def _series(
    index: Index, key: Key, patient: tuple[str, str], uid: str, instances: Iterable[Instance]
) -> Series:
    once: dict[str, Instance] = {}
    copies = conflicts = 0
    for instance in instances:
        first = once.setdefault(instance.own.uid, instance)
        if first is not instance:
            same = (first.header, first.size, first.own) == (
                instance.header,
                instance.size,
                instance.own,
            )
            copies, conflicts = copies + same, conflicts + (not same)
    kept = sorted(once.values(), key=_place)
    counts = Counter(instance.header for instance in kept)
    headers = tuple(index.headers[at] for at, _ in counts.most_common())
    study = min(str(header["StudyInstanceUID"]) for header in headers)
    name = "ser-" + key.token("series", uid)
    return Series(name, patient, study, uid, headers, tuple(kept), copies, conflicts)


def _place(instance: Instance) -> tuple[Any, ...]:
    return instance.own.positions, instance.own.number or 0, instance.path


def _order(series: Series) -> tuple[Any, ...]:
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


def _joined(every: Sequence[Series]) -> list[Series]:
    """Join the pieces of series that were split, each to the first that it continues."""
    whole: list[Series] = []
    last: dict[tuple[Any, ...], int] = {}
    for series in every:
        kind = (series.patient, series.day, *(str(series.header[word]) for word in ALIKE))
        at = last.get(kind)
        if at is not None and _continues(whole[at], series):
            whole[at] = _join(whole[at], series)
        else:
            last[kind] = len(whole)
            whole.append(series)
    return whole


def _continues(series: Series, piece: Series) -> bool:
    """Say whether a series that agrees in all of `ALIKE` is a further piece of another."""
    numbers = series.header["SeriesNumber"], piece.header["SeriesNumber"]
    if not all(isinstance(number, int) for number in numbers):
        return False
    known = {one.own.uid for one in series.instances}
    if any(one.own.uid in known for one in piece.instances):
        return False
    if series.study == piece.study and numbers[0] == numbers[1]:
        used = {one.own.number for one in series.instances}
        return not any(one.own.number in used for one in piece.instances)
    if not _one_volume(piece):
        return False
    if "MFSPLIT" in (series.header["ImageType"] or ()):
        return series.study == piece.study and numbers[0] // SPLIT == numbers[1] // SPLIT > 0
    repetition = series.header["RepetitionTime"]
    before, after = series.ended(), piece.acquired()
    if series.study == piece.study or not isinstance(repetition, int | float):
        return False
    if before is None or after is None or "EP" not in str(series.header["ScanningSequence"]):
        return False
    return 0 < seconds_between(before, after) <= 1.5 * repetition / 1000 + AT_ONCE


def _one_volume(series: Series) -> bool:
    places = [place for one in series.instances for place in one.own.positions]
    return len(places) == len(set(places))


def _join(series: Series, piece: Series) -> Series:
    instances = tuple(sorted((*series.instances, *piece.instances), key=_place))
    return Series(
        series.id,
        series.patient,
        series.study,
        series.uid,
        (*series.headers, *piece.headers),
        instances,
        series.copies + piece.copies,
        series.conflicts + piece.conflicts,
        series.pieces + piece.pieces,
    )


def paths(series: Series, root: Path) -> list[str]:
    """Return the absolute paths of the files of a series, links not resolved."""
    return [str((root / one.path).absolute()) for one in series.instances]
