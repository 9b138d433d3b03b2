"""Facts by which a series is recognised and named; they do not identify anyone."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from ecdysis.dicom.header import Header
from ecdysis.dicom.index import Instance
from ecdysis.dicom.phase_direction import direction
from ecdysis.files import table_rows
from ecdysis.planning.entries import Facts
from ecdysis.planning.series import Series

T = TypeVar("T")

GAP = 1.5
"""If a step between slices exceeds the usual step by this factor, slices are missing."""

SAME_PLACE = 0.01
"""Slice positions that differ by at most this (mm) are equal, because headers are rounded."""

PARTS = {
    "phase": {"P", "PHASE", "PHASE_MAP", "PHASE MAP"},
    "real": {"R", "REAL"},
    "imag": {"I", "IMAGINARY"},
}
"""Entity ``part`` -> terms of ImageType, FrameType and ComplexImageComponent.

Images with other terms are magnitude images.
"""

FIELD_IN_HZ = {"FIELD_MAP", "B0"}
"""Terms of ImageType and FrameType in field maps of Philips."""

MOSAIC = {"MOSAIC", "VFRAME"}
"""Terms of ImageType in files with a whole volume (Siemens, UIH)."""

SEQUENCE_NAMES = ((r"epfid", "GR"), (r"epse|ep_b\d|ep2d_se", "SE"))
"""Sequence name of an echo-planar image (Siemens) -> gradient or spin echo."""

B_VALUE = re.compile(r"ep_b(\d+)")
"""The b-value in a sequence name (Siemens)."""

NO_AGENT = {"", "NO", "NONE", "N", "NA", "N/A", "UNKNOWN"}
"""Values of ContrastBolusAgent if no agent was given."""

CODES = {
    keyword: frozenset(terms.split())
    for keyword, terms in table_rows(Path(__file__).with_name("header_terms.tsv"))
}
"""Keyword -> terms that may be shown outside the private folder."""


def series_facts(series: Series) -> Facts:
    """Return the facts of a series."""
    header = series.header
    sequence = _sequence(series)
    image_type = _image_type(series)
    mosaic = bool(MOSAIC.intersection(image_type))
    slices, volumes, missing = geometry(series.instances)
    if mosaic:
        slices, volumes, missing = 1, float(len(series.instances)), 0
    spacing = header["PixelSpacing"] if isinstance(header["PixelSpacing"], list) else [None]
    field_map = bool(FIELD_IN_HZ.intersection(image_type))
    return Facts(
        series_number=_integer(header["SeriesNumber"]),
        modality=_first(_coded(series, "Modality")),
        vendor=_first(_coded(series, "Manufacturer")),
        body_part=_first(_coded(series, "BodyPartExamined")),
        image_type=image_type,
        sequence=sequence,
        variant=_coded(series, "SequenceVariant"),
        dimension=_first(_coded(series, "MRAcquisitionType")),
        phase_encoding=_first(_coded(series, "InPlanePhaseEncodingDirection")),
        echo_times=[time for time in _numbers(series, "EchoTime") if time or not field_map],
        repetition_time=_first(_numbers(series, "RepetitionTime")),
        inversion_time=_first(_numbers(series, "InversionTime")),
        flip_angle=_first(_numbers(series, "FlipAngle")),
        b_values=_b_values(series),
        files=len(series.instances),
        rows=_integer(header["Rows"]),
        columns=_integer(header["Columns"]),
        pixel_mm=_number(spacing[0]),
        slice_mm=_number(header["SliceThickness"]),
        slices=slices,
        volumes=volumes,
        missing_slices=missing,
        mosaic=mosaic,
        plane=_plane(header),
        planes=_planes(series.headers),
        parts=_parts(series.headers),
        field_map=field_map,
        direction=_direction(header),
        spin_echo="SE" in sequence,
        shapes=len({(head["Rows"], head["Columns"]) for head in series.headers}),
        contrast_agent=any(_has_agent(head) for head in series.headers),
        copies=series.copies,
        conflicts=series.conflicts,
        pieces=series.pieces,
    )


def geometry(instances: Iterable[Instance]) -> tuple[int, float, int]:
    """Count slices, volumes and missing slices from the positions of the frames.

    Slices are the different positions along the normal, 0 if the headers have no position. Volumes
    are the frames for each position, not a whole number if a volume is incomplete. Missing slices
    are those that would fit into the gaps between slices.
    """
    places = sorted(place for instance in instances for place in instance.own.positions)
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
    """Return the values of `keyword` in a series that may be shown, in order of appearance."""
    values = (value for header in series.headers for value in _listed(header[keyword]))
    return _allowed_terms(values, keyword)


def _allowed_terms(values: Iterable[object], keyword: str) -> list[str]:
    # Vendors put several terms into one value: 'CSA MPR', 'T1 MAP' or 'PROJECTION IMAGE'.
    terms = (term for value in values for term in str(value or "").upper().split())
    return list(dict.fromkeys(term for term in terms if term in CODES[keyword]))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _image_type(series: Series) -> list[str]:
    """Return the terms of ImageType and of the types of single frames."""
    values = [value for header in series.headers for value in _listed(header["ImageType"])]
    for header in series.headers:
        for frame_type in _listed(header.get("FrameTypes")):
            values += str(frame_type or "").split("\\")
    return _allowed_terms(values, "ImageType")


def _sequence(series: Series) -> list[str]:
    """Return the codes of ScanningSequence, also for enhanced objects, which lack it."""
    codes = _coded(series, "ScanningSequence")
    pulse = _coded(series, "EchoPulseSequence")
    codes += ["SE"] * ("SPIN" in pulse or "BOTH" in pulse)
    codes += ["GR"] * ("GRADIENT" in pulse or "BOTH" in pulse)
    codes += ["EP"] * ("YES" in _coded(series, "EchoPlanarPulseSequence"))
    codes += ["IR"] * ("YES" in _coded(series, "InversionRecovery"))
    options = {option for header in series.headers for option in _listed(header["ScanOptions"])}
    codes += ["EP"] * ("EPI_GEMS" in options)
    if "EP" in codes:
        name = " ".join(
            str(series.header[keyword] or "").lower()
            for keyword in ("SequenceName", "PulseSequenceName")
        )
        for pattern, echo in SEQUENCE_NAMES:
            if re.search(pattern, name):
                codes = [code for code in codes if code not in ("SE", "GR")] + [echo]
    return list(dict.fromkeys(codes))


def _b_values(series: Series) -> list[float]:
    values = set(_numbers(series, "DiffusionBValue"))
    for header in series.headers:
        for keyword in ("SequenceName", "PulseSequenceName"):
            if named := B_VALUE.search(str(header[keyword] or "").lower()):
                values.add(float(named[1]))
    return sorted(values)


def _parts(headers: Iterable[Header]) -> list[str]:
    """Return the parts of the complex signal in the images, in the terms of BIDS."""
    parts = set()
    for header in headers:
        component = str(header["ComplexImageComponent"] or "").upper()
        types = [str(frame).split("\\") for frame in _listed(header.get("FrameTypes")) if frame]
        if len(types) > 1:
            component = ""
        for terms in types or [_listed(header["ImageType"])]:
            words = {str(term).upper() for term in terms} | {component}
            if not words & FIELD_IN_HZ:
                parts.add(next((part for part, marks in PARTS.items() if words & marks), "mag"))
    return sorted(parts or {"mag"}, key=["mag", *PARTS].index)


def _has_agent(header: Header) -> bool:
    agent = str(header["ContrastBolusAgent"] or "").strip().upper()
    volume = header["ContrastBolusVolume"]
    return agent not in NO_AGENT or (isinstance(volume, int | float) and volume > 0)


def _direction(header: Header) -> str | None:
    axis = header["InPlanePhaseEncodingDirection"]
    axis = {"ROW": "ROW", "COL": "COL", "COLUMN": "COL"}.get(str(axis).upper())
    words = " ".join(
        str(header[keyword] or "") for keyword in ("SeriesDescription", "ProtocolName")
    )
    # Siemens shows the direction as A >> P.
    words = re.sub(r"\b([APLRIS])\s*>+\s*([APLRIS])\b", r"\1\2", words)
    return direction(header["ImageOrientationPatient"], axis, header.get("Polarity"), words)


def _planes(headers: Iterable[Header]) -> int:
    """Count the slice orientations, after rounding."""
    rounded = set()
    for header in headers:
        value = header["ImageOrientationPatient"]
        if isinstance(value, list):
            rounded.add(tuple(round(item or 0.0, 2) + 0.0 for item in value))
    return len(rounded)


def _plane(header: Header) -> str | None:
    """Return the anatomical plane that is nearest to the slices."""
    value = header["ImageOrientationPatient"]
    if not isinstance(value, list) or len(value) != 6 or None in value:
        return None
    (a, b, c), (d, e, f) = value[:3], value[3:]
    normal = {"sag": b * f - c * e, "cor": c * d - a * f, "tra": a * e - b * d}
    return max(normal, key=lambda plane: abs(normal[plane]))


def _numbers(series: Series, keyword: str) -> list[float]:
    values = [_number(value) for header in series.headers for value in _listed(header[keyword])]
    return sorted({value for value in values if value is not None})


def _number(value: object) -> float | None:
    return round(float(value), 3) if isinstance(value, int | float) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _first(values: Sequence[T]) -> T | None:
    return values[0] if values else None
