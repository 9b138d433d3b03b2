"""Series: the instances that belong together, their faults, and their facts.

A series is what has the same PatientID (and its issuer), StudyInstanceUID and
SeriesInstanceUID, wherever its files lie.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from ecdysis.dicom.header import Header
from ecdysis.dicom.index import Index, Instance
from ecdysis.dicom.phase_direction import direction
from ecdysis.key import Key
from ecdysis.planning.terms import CODES

GAP = 1.5
"""A step between slices above this many times the usual step means that slices are missing."""

SAME_PLACE = 0.01
"""Slice positions closer than this (mm) are one position; headers round to a few digits."""

PARTS = {
    "phase": {"P", "PHASE", "PHASE_MAP", "PHASE MAP"},
    "real": {"R", "REAL"},
    "imag": {"I", "IMAGINARY"},
}
"""Entity ``part`` -> terms of ImageType and ComplexImageComponent; else the magnitude."""


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
        StudyInstanceUID and SeriesInstanceUID.
    headers : tuple of dict
        The different shared headers, the most frequent first.
    instances : tuple of Instance
        In the order of position, then number; a second copy of an instance is left out.
    copies : int
        How many second copies were left out.
    conflicts : int
        How many instances came twice with different content.
    """

    id: str
    patient: tuple[str, str]
    study: str
    uid: str
    headers: tuple[Header, ...] = field(repr=False)
    instances: tuple[Instance, ...] = field(repr=False)
    copies: int = 0
    conflicts: int = 0

    @property
    def header(self) -> Header:
        """The most frequent shared header."""
        return self.headers[0]

    def acquired(self) -> str | None:
        """Return when its first instance was acquired, as the header says it."""
        return min((one.own.acquired for one in self.instances if one.own.acquired), default=None)

    def content(self) -> str:
        """Return a text that changes when instances come, go or differ, not when they move."""
        return "\n".join(sorted(f"{one.own.uid} {one.size}" for one in self.instances))


def group(index: Index, key: Key) -> list[Series]:
    """Put the instances of an index into series, in the order of their numbers and times."""
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
        found[patient, study, str(header["SeriesInstanceUID"])].append(instance)
    every = [_series(index, key, *identity, instances) for identity, instances in found.items()]
    return sorted(every, key=_order)


def _series(
    index: Index,
    key: Key,
    patient: tuple[str, str],
    study: str,
    uid: str,
    instances: list[Instance],
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
    kept = sorted(once.values(), key=lambda one: (one.own.positions, one.own.number or 0, one.path))
    counts = Counter(instance.header for instance in kept)
    headers = tuple(index.headers[at] for at, _ in counts.most_common())
    name = "ser-" + key.token("series", uid)
    return Series(name, patient, study, uid, headers, tuple(kept), copies, conflicts)


def _order(series: Series) -> tuple[Any, ...]:
    header = series.header
    number = header["SeriesNumber"]
    return (
        str(header["StudyDate"] or "9"),
        str(header["StudyTime"] or "9"),
        series.study,
        number if isinstance(number, int) else math.inf,
        str(header["SeriesTime"] or "9"),
        series.uid,
    )


def facts(series: Series) -> dict[str, Any]:
    """Return what can be told of a series without identifying anyone.

    Times are in ms, lengths in mm, angles in degrees. A list holds the different values in
    the series; a value that the header does not give is None.
    """
    header = series.header
    sequence = _sequence(series)
    slices, volumes, missing = geometry(series.instances)
    spacing = header["PixelSpacing"] if isinstance(header["PixelSpacing"], list) else [None]
    return {
        "series_number": _integer(header["SeriesNumber"]),
        "modality": _first(_coded(series, "Modality")),
        "vendor": _first(_coded(series, "Manufacturer")),
        "body_part": _first(_coded(series, "BodyPartExamined")),
        "image_type": _coded(series, "ImageType"),
        "sequence": sequence,
        "variant": _coded(series, "SequenceVariant"),
        "dimension": _first(_coded(series, "MRAcquisitionType")),
        "phase_encoding": _first(_coded(series, "InPlanePhaseEncodingDirection")),
        "echo_times": _numbers(series, "EchoTime"),
        "repetition_time": _first(_numbers(series, "RepetitionTime")),
        "inversion_time": _first(_numbers(series, "InversionTime")),
        "flip_angle": _first(_numbers(series, "FlipAngle")),
        "b_values": _numbers(series, "DiffusionBValue"),
        "files": len(series.instances),
        "rows": _integer(header["Rows"]),
        "columns": _integer(header["Columns"]),
        "pixel_mm": _number(spacing[0]),
        "slice_mm": _number(header["SliceThickness"]),
        "slices": slices,
        "volumes": volumes,
        "missing_slices": missing,
        "plane": _plane(header),
        "planes": _planes(series.headers),
        "parts": _parts(series.headers),
        "direction": _direction(header),
        "spin_echo": "SE" in sequence,
        "shapes": len({(one["Rows"], one["Columns"]) for one in series.headers}),
        "contrast_agent": any(one["ContrastBolusAgent"] for one in series.headers),
        "copies": series.copies,
        "conflicts": series.conflicts,
    }


def geometry(instances: Iterable[Instance]) -> tuple[int, float, int]:
    """Count slices, volumes and missing slices from the positions of the frames.

    Returns
    -------
    slices : int
        Different positions along the normal; 0 when the headers hold no position.
    volumes : float
        Frames for each position; not a whole number when a volume is incomplete.
    missing : int
        Slices for which there is room between their neighbours.
    """
    places = sorted(place for one in instances for place in one.own.positions)
    if not places:
        return 0, 0.0, 0
    different = [places[0]]
    for place in places:
        if place - different[-1] > SAME_PLACE:
            different.append(place)
    steps = [after - before for before, after in pairwise(different)]
    usual = median(steps) if steps else 0.0
    missing = sum(round(step / usual) - 1 for step in steps if step > GAP * usual)
    return len(different), len(places) / len(different), missing


def _coded(series: Series, keyword: str) -> list[str]:
    """Return the codes of `keyword` in the series that may be told, in order of appearance."""
    found = []
    for header in series.headers:
        value = header[keyword]
        for item in value if isinstance(value, list) else [value]:
            # Vendors write 'CSA MPR', 'T1 MAP' or 'PROJECTION IMAGE' in one value.
            words = str(item or "").upper().split()
            found += [word for word in words if word in CODES[keyword]]
    return list(dict.fromkeys(found))


def _sequence(series: Series) -> list[str]:
    """Return the ScanningSequence codes; those of enhanced objects are translated to them."""
    codes = _coded(series, "ScanningSequence")
    pulse = _coded(series, "EchoPulseSequence")
    codes += ["SE"] * ("SPIN" in pulse or "BOTH" in pulse)
    codes += ["GR"] * ("GRADIENT" in pulse or "BOTH" in pulse)
    codes += ["EP"] * ("YES" in _coded(series, "EchoPlanarPulseSequence"))
    codes += ["IR"] * ("YES" in _coded(series, "InversionRecovery"))
    return list(dict.fromkeys(codes))


def _parts(headers: Iterable[Header]) -> list[str]:
    """Return which parts of the complex signal the images are, as BIDS names them."""
    found = set()
    for header in headers:
        value = header["ImageType"]
        words = {str(item).upper() for item in (value if isinstance(value, list) else [value])}
        words.add(str(header["ComplexImageComponent"] or "").upper())
        found.add(next((part for part, terms in PARTS.items() if words & terms), "mag"))
    return sorted(found, key=["mag", *PARTS].index)


def _direction(header: Header) -> str | None:
    axis = header["InPlanePhaseEncodingDirection"]
    axis = {"ROW": "ROW", "COL": "COL", "COLUMN": "COL"}.get(str(axis).upper())
    words = " ".join(str(header[one] or "") for one in ("SeriesDescription", "ProtocolName"))
    return direction(header["ImageOrientationPatient"], axis, header.get("Polarity"), words)


def _planes(headers: Iterable[Header]) -> int:
    """Count the slice orientations that differ by more than rounding."""
    rounded = set()
    for header in headers:
        value = header["ImageOrientationPatient"]
        if isinstance(value, list):
            rounded.add(tuple(round(item or 0.0, 2) + 0.0 for item in value))
    return len(rounded)


def _plane(header: Header) -> str | None:
    """Return the anatomical plane nearest to the slices."""
    value = header["ImageOrientationPatient"]
    if not isinstance(value, list) or len(value) != 6 or None in value:
        return None
    (a, b, c), (d, e, f) = value[:3], value[3:]
    normal = {"sag": b * f - c * e, "cor": c * d - a * f, "tra": a * e - b * d}
    return max(normal, key=lambda plane: abs(normal[plane]))


def _numbers(series: Series, keyword: str) -> list[float]:
    values = [_number(header[keyword]) for header in series.headers]
    return sorted({value for value in values if value is not None})


def _number(value: Any) -> float | None:
    return round(float(value), 3) if isinstance(value, int | float) else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _first(values: list[Any]) -> Any:
    return values[0] if values else None


def paths(series: Series, root: Path) -> list[str]:
    """Return the absolute paths of the files of a series, links not resolved."""
    return [str((root / one.path).absolute()) for one in series.instances]
