"""The measures of image quality as the pages show them: values, flags, and a place among others."""

import hashlib
import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lib.quality.dictionary import MEASURES, Measure
from lib.quality.outliers import Flag
from lib.quality.table import flags_of, reasons_of, values_of
from lib.report.model import Image, Run

DOTS = 80
"""Up to so many images are drawn as dots, more as bars."""
BARS = 48
WIDTH, HEIGHT, EDGE = 220.0, 26.0, 5.0
"""Of a strip, in units of its drawing."""


@dataclass(frozen=True)
class ImageQuality:
    """What was measured of an image: values, reasons where there is none, what stands out."""

    values: Mapping[str, float]
    not_computable: Mapping[str, str]
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class Strip:
    """All values of a measure, drawn as one path (SVG 2, section 9.3), and the marker of one.

    `dots` are segments without length, which round caps make visible; either they or `bars` are
    empty.
    """

    dots: str
    bars: str
    marker: float
    low: float
    high: float


@dataclass(frozen=True)
class Place:
    """One measure of one image.

    `below` is the percentage of the `n` images of this kind with a lower value; equal values count
    half. `strip` is None where there is nothing to compare with.
    """

    measure: Measure
    value: float | None
    reason: str | None
    flag: Flag | None
    n: int
    below: int | None
    strip: Strip | None

    @property
    def units(self) -> str:
        """The units as they are written; nothing for a pure number."""
        return units(self.measure)


class Comparison:
    """The measures of all images of a run, and each image's place among those of its kind."""

    def __init__(self, run: Run) -> None:
        values = {name: _numbers(found) for name, found in values_of(run).items()}
        reasons, outliers = reasons_of(run), flags_of(run)
        self.images = {
            name: ImageQuality(found, reasons[name], tuple(outliers[name]))
            for name, found in values.items()
        }
        self._suffix = {image.name: image.suffix for _, image in run.images}
        self._values: dict[tuple[str, str], list[float]] = {}
        for name, found in values.items():
            for key, value in found.items():
                self._values.setdefault((self._suffix[name], key), []).append(value)
        for known in self._values.values():
            known.sort()

    @property
    def measures(self) -> list[Measure]:
        """The measures that any image has, in the order of the dictionary."""
        had = {key for _, key in self._values}
        return [measure for measure in MEASURES if measure.key in had]

    def digest(self) -> str:
        """Hash all values."""
        said = json.dumps([[*key, values] for key, values in self._values.items()])
        return hashlib.sha256(said.encode()).hexdigest()

    def places(self, name: str) -> list[Place]:
        """Return the measures of an image, those that could not be computed included."""
        image = self.images[name]
        flagged = {flag.key: flag for flag in image.flags}
        return [
            self._place(
                measure,
                self._values.get((self._suffix[name], measure.key), []),
                image.values.get(measure.key),
                image.not_computable.get(measure.key),
                flagged.get(measure.key),
            )
            for measure in MEASURES
            if measure.key in image.values or measure.key in image.not_computable
        ]

    @staticmethod
    def _place(
        measure: Measure,
        others: Sequence[float],
        value: float | None,
        reason: str | None,
        flag: Flag | None,
    ) -> Place:
        if value is None or len(others) < 2:
            return Place(measure, value, reason, flag, len(others), None, None)
        rank = (bisect_left(others, value) + bisect_right(others, value)) / 2
        below = round(100 * rank / len(others))
        return Place(measure, value, reason, flag, len(others), below, strip_of(others, value))


def units(measure: Measure) -> str:
    """Return the units of a measure as they are written; nothing for a pure number."""
    return "" if measure.units == "1" else measure.units


def strip_of(values: Sequence[float], value: float) -> Strip | None:
    """Draw sorted values on a line; None when all are one."""
    low, high = values[0], values[-1]
    if not low < high:
        return None

    def place(number: float) -> float:
        return round(EDGE + (number - low) / (high - low) * (WIDTH - 2 * EDGE), 1)

    if len(values) <= DOTS:
        return Strip(
            "".join(f"M{place(one):g} 18h0" for one in values), "", place(value), low, high
        )
    counts = [0] * BARS
    for number in values:
        counts[min(int((number - low) / (high - low) * BARS), BARS - 1)] += 1
    wide = (WIDTH - 2 * EDGE) / BARS
    bars = "".join(
        f"M{EDGE + index * wide:.1f} {HEIGHT:g}v-{tall:.1f}h3.6v{tall:.1f}z"
        for index, count in enumerate(counts)
        if count and (tall := max(1.0, count / max(counts) * (HEIGHT - 2)))
    )
    return Strip("", bars, place(value), low, high)


def check_of(image: Image) -> tuple[str, list[str]]:
    """Return what skull stripping says of its own mask: ok, look or fail, and why."""
    stage = image.stage("skullstrip")
    check = ((stage.details if stage else None) or {}).get("check", {})
    return str(check.get("verdict", "ok")), [str(reason) for reason in check.get("reasons", [])]


def _numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    """Leave out what has no value, or none that can be drawn."""
    return {
        key: float(value)
        for key, value in values.items()
        if value is not None and math.isfinite(value)
    }
