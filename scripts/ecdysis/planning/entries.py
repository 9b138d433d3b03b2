"""What a plan consists of. It is written to the manifest as JSON and names nobody."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ecdysis.bids.outputs import Output
from ecdysis.planning.facts import Facts
from ecdysis.planning.labels import Session
from ecdysis.planning.protocol import Deviation, Protocol

Json = dict[str, Any]


@dataclass(frozen=True)
class PlannedSession:
    """A session with an image; ``files`` is the list of its DICOM files."""

    session: str
    subject: str
    label: str | None
    files: str

    @classmethod
    def of(cls, session: Session, files: Path) -> "PlannedSession":
        """Return the entry of a session."""
        return cls(session.name, session.subject, session.label, str(files))


@dataclass(frozen=True)
class PlannedImage:
    """An image that is processed by a job of its own.

    ``session`` is its label, ``dicom_session`` the name of its session.
    """

    folder: str
    entities: str
    suffix: str
    subject: str
    session: str | None
    series: str
    dicom_session: str


@dataclass(frozen=True)
class OtherSeries:
    """A series that is converted with its session.

    Parameters
    ----------
    number : int
        Its place in the order of acquisition.
    outputs, apart : list of Output
        Its images, and those that are converted by jobs of their own.
    zero_b : bool
        All its b-values are zero.
    keep : bool
        A person wants it although it is incomplete.
    """

    dicom_session: str
    subject: str
    session: str | None
    series: str
    kind: str
    number: int
    files: int
    direction: str | None
    outputs: list[Output]
    apart: list[Output]
    metadata: Json
    volumes: list[str]
    zero_b: bool = False
    keep: bool = False

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "OtherSeries":
        """Return the entry that `dataclasses.asdict` wrote."""
        images = {key: [Output(**output) for output in fields[key]] for key in ("outputs", "apart")}
        return cls(**{**fields, **images})


@dataclass(frozen=True)
class PlannedSeries:
    """A series: what it is, why, and of one that becomes an image, which.

    ``description`` holds known words only; ``image`` is its name, of several that of the
    first; ``metadata`` is for its sidecar.
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

    def to_json(self) -> Json:
        """Return its fields, its facts among them."""
        fields = asdict(self)
        known = fields.pop("facts")
        if self.image is None:
            for key in ("image", "outputs", "metadata", "keep"):
                fields.pop(key)
        return {**fields, **known}


@dataclass(frozen=True)
class Exclusion:
    """Files, or a session, that cannot be used; ``files`` is a count."""

    files: int
    reason: str
    session: str | None = None
    subject: str | None = None
    series: str | None = None


@dataclass
class Plan:
    """What will become of a folder of scanner files.

    Parameters
    ----------
    sessions : list of PlannedSession
        Sessions with an image.
    images, present : list of PlannedImage
        Images to be made, and those that the dataset already has and that stay as they are.
    others : list of OtherSeries
        Series that are converted with their session, also those that are done.
    mapped, unmapped : list of PlannedSeries
        Series that become an image, and those that do not.
    excluded : list of Exclusion
    protocols : list of Protocol
        Series of one name with the same parameters.
    deviations : list of Deviation
        Sessions that were acquired with another protocol than most.
    notices : list of str
        What a person should know.
    counts : dict
        Files: ``dicom``, and those that are no DICOM, by kind.
    """

    sessions: list[PlannedSession] = field(default_factory=list)
    images: list[PlannedImage] = field(default_factory=list)
    present: list[PlannedImage] = field(default_factory=list)
    others: list[OtherSeries] = field(default_factory=list)
    mapped: list[PlannedSeries] = field(default_factory=list)
    unmapped: list[PlannedSeries] = field(default_factory=list)
    excluded: list[Exclusion] = field(default_factory=list)
    protocols: list[Protocol] = field(default_factory=list)
    deviations: list[Deviation] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> Json:
        """Return the plan as it stands in the manifest."""
        content = asdict(self)
        content["mapped"] = [series.to_json() for series in self.mapped]
        content["unmapped"] = [series.to_json() for series in self.unmapped]
        return content
