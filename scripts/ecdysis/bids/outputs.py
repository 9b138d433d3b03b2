"""The images of one series: one image, or one for each echo and part of the signal."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from ecdysis.bids import schema


@dataclass(frozen=True)
class Output:
    """An image that a series becomes: ``{folder}/{entities}_{suffix}.nii.gz`` in the dataset."""

    folder: str
    entities: str
    suffix: str
    echo: float | None = None
    """Its echo time (ms), if the series has several."""
    part: str | None = None
    """``mag``, ``phase``, ``real`` or ``imag``, if the series has several; ``fieldmap`` for a field
    map in Hz."""

    @property
    def path(self) -> str:
        """Its path in the dataset, without extension."""
        return f"{self.folder}/{self.entities}_{self.suffix}"

    @property
    def magnitude(self) -> bool:
        """Whether it is a magnitude image, not another part of the complex signal."""
        return schema.labels_of(self.entities).get("part", "mag") == "mag"

    def is_in(self, bids_dir: Path) -> bool:
        """Return whether the dataset has this image."""
        return (bids_dir / f"{self.path}.nii.gz").exists()


def outputs(
    session: str,
    kind: str,
    entities: str,
    echo_times: Sequence[float] = (),
    parts: Sequence[str] = ("mag",),
    volumes: float = 1,
) -> list[Output]:
    """Return the images that a series of this kind becomes.

    `session` is for example ``sub-01_ses-01``; the `entities` are those after the session. Its
    volumes have these echo times (ms) and parts of the complex signal. A field map in Hz with
    several `volumes` has its magnitude in the same series.
    """
    folder = f"{session.replace('_', '/')}/{schema.folder_of(kind)}"
    if kind == "fieldmap":
        stem = "_".join(filter(None, (session, entities)))
        suffixes = {"fieldmap": "fieldmap", "magnitude": "mag"} if volumes > 1 else {kind: kind}
        return [Output(folder, stem, suffix, None, part) for suffix, part in suffixes.items()]
    times: Sequence[float | None] = echo_times if len(echo_times) > 1 else [None]
    several: Sequence[str | None] = parts if len(parts) > 1 else [None]
    images = []
    for (number, time), part in product(enumerate(times, start=1), several):
        suffix = schema.suffix_of(kind)
        more: dict[str, str] = {}
        if time is not None:
            suffix, more = _suffix_of_echo(kind, number)
        if part is not None:
            more["part"] = part
        own = schema.with_entities(entities, **more) if more else entities
        images.append(Output(folder, "_".join(filter(None, (session, own))), suffix, time, part))
    return images


def _suffix_of_echo(kind: str, number: int) -> tuple[str, dict[str, str]]:
    """Return the suffix of an echo and its entities; field maps have the number in the suffix."""
    if kind == "PDT2":
        return ("PDw" if number == 1 else "T2w"), {}
    if kind == "phasediff":
        return f"phase{number}", {}
    if schema.folder_of(kind) == "fmap":
        return f"{kind.rstrip('12')}{number}", {}
    return schema.suffix_of(kind), {"echo": str(number)}
