"""Which studies are one visit, and whether the files of a patient are of one person.

Scanners and archives may give every series, or every volume, a StudyInstanceUID of its own, and
a console that restarts begins a second study. Such studies become one session.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ecdysis.dicom.header import Header
from ecdysis.planning.series import Series, seconds_between

Patient = tuple[str, str]
Study = tuple[Patient, str]

PAUSE_S = 3600.0
"""Studies of one day and scanner that follow each other within this time are one visit."""


def visits(series: Sequence[Series]) -> dict[Study, Study]:
    """Return the first study of the visit to which each study belongs.

    Studies are one visit when patient, person, day and scanner are the same, and the time
    between the last image of one and the first of the other is at most `PAUSE_S`.
    """
    spans: dict[Study, tuple[str, str]] = {}
    scanners: defaultdict[tuple[str, ...], list[Study]] = defaultdict(list)
    for one in series:
        study = one.patient, one.study
        begin = one.began()
        if begin is None or not one.day:
            spans.setdefault(study, ("", ""))
            continue
        end = one.ended() or begin
        known = spans.get(study) or ("", "")
        if not known[0]:
            scanners[(*one.patient, one.day, *_person_and_scanner(one.header))].append(study)
            spans[study] = begin, end
        else:
            spans[study] = min(known[0], begin), max(known[1], end)
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


def doubts(series: Sequence[Series], people: Mapping[Patient, str]) -> list[str]:
    """Name the participants whose files may be of several people.

    Parameters
    ----------
    series : sequence of Series
    people : dict
        Patient -> participant label.

    Returns
    -------
    list of str
        A sentence for each PatientID with different names, birth dates or sexes.
    """
    headers: defaultdict[Patient, list[Header]] = defaultdict(list)
    for one in series:
        headers[one.patient] += one.headers
    sentences = []
    for patient, label in people.items():
        counts = {
            "names": _different_names(headers[patient]),
            "birth dates": _different(headers[patient], "PatientBirthDate"),
            "sexes": _different(headers[patient], "PatientSex"),
        }
        several = [f"{count} {what}" for what, count in counts.items() if count > 1]
        if several:
            sentences.append(
                f"sub-{label}: its DICOM files have {' and '.join(several)} under one PatientID. "
                "They may be of different people: compare them, and correct PatientID in the "
                "export or leave series out in plan.tsv"
            )
    return sentences


def _different(headers: Sequence[Header], keyword: str) -> int:
    values = {str(header[keyword] or "").strip().upper() for header in headers}
    return len(values - {"", "U", "UNKNOWN"})


def _different_names(headers: Sequence[Header]) -> int:
    """Count names; one whose words are all in another, as without a middle name, is the same."""
    parts = {
        frozenset(re.findall(r"[^\W_]+", str(header["PatientName"] or "").lower()))
        for header in headers
    } - {frozenset()}
    return sum(not any(name < other for other in parts) for name in parts)
