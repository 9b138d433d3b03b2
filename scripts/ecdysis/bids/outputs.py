"""The images that come of one series: one, or one for each echo and part of the signal."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from ecdysis.bids import schema


@dataclass(frozen=True)
class Output:
    """An image that is to be made.

    Parameters
    ----------
    folder, entities, suffix : str
        Its place: ``{folder}/{entities}_{suffix}.nii.gz`` in the dataset.
    echo : float or None
        Its echo time (ms), where the series has several.
    part : str or None
        ``mag``, ``phase``, ``real`` or ``imag``, where the series has several; ``fieldmap`` for
        a field map in Hz.
    """

    folder: str
    entities: str
    suffix: str
    echo: float | None = None
    part: str | None = None

    @property
    def path(self) -> str:
        """Its path in the dataset, without extension."""
        return f"{self.folder}/{self.entities}_{self.suffix}"

    @property
    def magnitude(self) -> bool:
        """Whether it shows the head as other parts of the complex signal do not."""
        return schema.labels_of(self.entities).get("part", "mag") == "mag"

    def to_json(self) -> dict[str, Any]:
        """Return its fields."""
        return asdict(self)


def outputs(
    session: str,
    kind: str,
    entities: str,
    echo_times: Sequence[float] = (),
    parts: Sequence[str] = ("mag",),
    volumes: float = 1,
) -> list[Output]:
    """Return the images of a series of a kind.

    Parameters
    ----------
    session : str
        As ``sub-01_ses-01``.
    kind, entities : str
        Of the series; its entities are those after the session.
    echo_times : sequence of float
        Those of its volumes, ms.
    parts : sequence of str
        The parts of the complex signal that its volumes are.
    volumes : float
        A field map in Hz with several has its magnitude beside it.
    """
    folder = f"{session.replace('_', '/')}/{schema.folder_of(kind)}"
    if kind == "fieldmap":
        stem = "_".join(filter(None, (session, entities)))
        suffixes = {"fieldmap": "fieldmap", "magnitude": "mag"} if volumes > 1 else {kind: kind}
        return [Output(folder, stem, suffix, None, part) for suffix, part in suffixes.items()]
    times: Sequence[float | None] = echo_times if len(echo_times) > 1 else [None]
    several: Sequence[str | None] = parts if len(parts) > 1 else [None]
    made = []
    for (number, time), part in product(enumerate(times, start=1), several):
        suffix = schema.suffix_of(kind)
        more: dict[str, str] = {}
        if time is not None:
            suffix, more = _of_echo(kind, number)
        if part is not None:
            more["part"] = part
        own = schema.with_entities(entities, **more) if more else entities
        made.append(Output(folder, "_".join(filter(None, (session, own))), suffix, time, part))
    return made


def _of_echo(kind: str, number: int) -> tuple[str, dict[str, str]]:
    """Return suffix and further entities: field maps number their suffix."""
    if kind == "PDT2":
        return ("PDw" if number == 1 else "T2w"), {}
    if kind == "phasediff":
        return f"phase{number}", {}
    if schema.folder_of(kind) == "fmap":
        return f"{kind.rstrip('12')}{number}", {}
    return schema.suffix_of(kind), {"echo": str(number)}
