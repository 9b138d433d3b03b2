"""The entries of a plan, which is part of the manifest and does not identify anyone.

This module imports no DICOM library, because every process of a run reads the manifest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from ecdysis.bids.image_name import ImageName
from ecdysis.bids.outputs import Output

Json = dict[str, Any]
Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Facts:
    """Properties of a series that do not identify anyone.

    Times are in ms, lengths in mm, angles in degrees. A list has the different values in the
    series. A value that is not in the header is None.
    """

    series_number: int | None
    modality: str | None
    vendor: str | None
    body_part: str | None
    image_type: list[str]
    sequence: list[str]
    variant: list[str]
    dimension: str | None
    phase_encoding: str | None
    echo_times: list[float]
    repetition_time: float | None
    inversion_time: float | None
    flip_angle: float | None
    b_values: list[float]
    files: int
    rows: int | None
    columns: int | None
    pixel_mm: float | None
    slice_mm: float | None
    slices: int
    volumes: float
    missing_slices: int
    mosaic: bool
    plane: str | None
    planes: int
    parts: list[str]
    field_map: bool
    direction: str | None
    spin_echo: bool
    shapes: int
    contrast_agent: bool
    copies: int
    conflicts: int
    pieces: int


@dataclass(frozen=True)
class Protocol:
    """Series of one name with the same parameters."""

    name: str
    parameters: dict[str, str]
    """Parameter -> value as text."""
    sessions: list[str] = field(default_factory=list)
    """Sorted, without repetition."""
    largest: bool = False
    """Whether it is the usual protocol of this name."""


@dataclass(frozen=True)
class Deviation:
    """A parameter in which a session differs from the usual protocol, with both values as texts."""

    session: str
    name: str
    parameter: str
    value: str
    usual: str


@dataclass(frozen=True)
class PlannedSession:
    """A session that has an image; ``files`` is the path of the list of its DICOM files."""

    session: str
    subject: str
    label: str | None
    files: str


@dataclass(frozen=True)
class PlannedImage(ImageName):
    """An image that is processed in its own job.

    ``session`` is the session label, ``dicom_session`` the name of the session.
    """

    subject: str
    session: str | None
    series: str
    dicom_session: str


@dataclass(frozen=True)
class OtherSeries:
    """A series that is converted together with its session."""

    dicom_session: str
    subject: str
    session: str | None
    series: str
    kind: str
    number: int
    """Place in the order of acquisition."""
    files: int
    direction: str | None
    outputs: list[Output]
    """The images that are converted with the session."""
    apart: list[Output]
    """The images that are converted in their own jobs."""
    metadata: Json
    volumes: list[str]
    zero_b: bool = False
    """Whether all its b-values are zero."""
    keep: bool = False
    """Whether the user wants it although it is incomplete."""


@dataclass(frozen=True)
class PlannedSeries:
    """A series with the kind that was recognised, the reason, and its images.

    ``description`` has only words that may be disclosed. ``image`` is the name of the first image.
    ``metadata`` are fields for its sidecar.
    """

    session: str
    series: str
    description: str
    suffix: str | None
    confidence: str
    reason: str
    facts: Facts
    image: str | None = None
    outputs: list[Output] = field(default_factory=list)
    metadata: Json = field(default_factory=dict)
    keep: bool = False


@dataclass(frozen=True)
class Exclusion:
    """Files, or a session, that cannot be used; ``files`` is their number."""

    files: int
    reason: str
    session: str | None = None
    subject: str | None = None
    series: str | None = None


@dataclass
class Plan:
    """What the files of a DICOM folder become."""

    sessions: list[PlannedSession] = field(default_factory=list)
    """Sessions that have an image."""
    images: list[PlannedImage] = field(default_factory=list)
    """Images to convert."""
    present: list[PlannedImage] = field(default_factory=list)
    """Images that are in the dataset already and are not changed."""
    others: list[OtherSeries] = field(default_factory=list)
    """Series that are converted with their session, also if they were converted before."""
    mapped: list[PlannedSeries] = field(default_factory=list)
    """Series that become images."""
    unmapped: list[PlannedSeries] = field(default_factory=list)
    """Series that do not become images."""
    excluded: list[Exclusion] = field(default_factory=list)
    protocols: list[Protocol] = field(default_factory=list)
    """Series of one name with the same parameters."""
    deviations: list[Deviation] = field(default_factory=list)
    """Sessions that were acquired with another protocol than most."""
    notices: list[str] = field(default_factory=list)
    """Messages for the user."""
    counts: dict[str, int] = field(default_factory=dict)
    """Number of files: ``dicom``, and other files by kind."""


def read_entry(entry: type[Entry], content: Mapping[str, Any]) -> Entry:
    """Return the plan, or an entry of it, that `dataclasses.asdict` turned into JSON."""
    values = dict(content)
    known: object = entry
    for name, kind in _entries_in(known).items():
        value = values.get(name)
        if isinstance(value, list):
            values[name] = [read_entry(kind, item) for item in value]
        elif value is not None:
            values[name] = read_entry(kind, value)
    return entry(**values)


@cache
def _entries_in(entry: object) -> dict[str, type[Any]]:
    """Return the fields of an entry that are entries, or lists of entries, with their classes."""
    kinds = {name: (get_args(kind) or (kind,))[0] for name, kind in get_type_hints(entry).items()}
    return {
        name: kind for name, kind in kinds.items() if isinstance(kind, type) and is_dataclass(kind)
    }
