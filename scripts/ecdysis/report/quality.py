"""The measures of image quality as the pages show them: values, flags, and a place among others."""

import hashlib
import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ecdysis.quality.dictionary import MEASURES, Measure
from ecdysis.quality.open_norms import OpenNorm, norm_of
from ecdysis.quality.outliers import Flag
from ecdysis.report.model import Run
from ecdysis.report.quality_table import flags_of, reasons_of, values_of

DOTS = 80
"""Largest number of images that are drawn as dots; more are drawn as bars."""
BARS = 48
FEWEST = 10
"""With fewer images no percentage is given."""
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
    """All values of a measure, from `low` to `high`, drawn as one path (SVG 2, section 9.3).

    `dots` are segments without length, which round caps make visible; either they or `bars` are
    empty. `norm` is the distribution in open studies, where the measure has one.
    """

    low: float
    high: float
    dots: str = ""
    bars: str = ""
    norm: OpenNorm | None = None

    def place(self, value: float) -> float:
        """Where a value stands on the line."""
        return round(EDGE + (value - self.low) / (self.high - self.low) * (WIDTH - 2 * EDGE), 1)


@dataclass(frozen=True)
class Place:
    """One measure of one image.

    `below` is the percentage of the `n` images of this kind with a lower value; equal values count
    half. It is None with fewer than `FEWEST` images. `strip` is None where there is nothing to
    compare with.
    """

    measure: Measure
    value: float | None
    reason: str | None
    flag: Flag | None
    n: int
    below: int | None
    strip: Strip | None

    @property
    def words(self) -> list[str]:
        """Sentences that compare the value with the other images and with open studies."""
        sentences = []
        if self.below is not None:
            sentences.append(f"{self.below} % of {self.n} images have lower values")
        if self.strip and self.strip.norm and self.value is not None:
            sentences.append(self.strip.norm.words(self.value))
        return sentences


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
        self._strips: dict[tuple[str, str], Strip | None] = {}

    @property
    def measures(self) -> list[Measure]:
        """The measures that any image has, in the order of the dictionary."""
        had = {key for _, key in self._values}
        return [measure for measure in MEASURES if measure.key in had]

    def digest(self) -> str:
        """Hash all values."""
        content = json.dumps([[*key, values] for key, values in self._values.items()])
        return hashlib.sha256(content.encode()).hexdigest()

    def places(self, name: str) -> list[Place]:
        """Return the measures of an image, those that could not be computed included."""
        image = self.images[name]
        return [
            self._place(measure, self._suffix[name], image)
            for measure in MEASURES
            if measure.key in image.values or measure.key in image.not_computable
        ]

    def _place(self, measure: Measure, suffix: str, image: ImageQuality) -> Place:
        others = self._values.get((suffix, measure.key), [])
        value, reason = image.values.get(measure.key), image.not_computable.get(measure.key)
        flag = next((flag for flag in image.flags if flag.key == measure.key), None)
        below = strip = None
        if value is not None:
            strip = self._strip(suffix, measure.key)
            if len(others) >= FEWEST:
                rank = (bisect_left(others, value) + bisect_right(others, value)) / 2
                below = round(100 * rank / len(others))
        return Place(measure, value, reason, flag, len(others), below, strip)

    def _strip(self, suffix: str, key: str) -> Strip | None:
        """Draw a measure once for all pages; once for each page would cost too much."""
        if (suffix, key) not in self._strips:
            self._strips[suffix, key] = strip_of(self._values[suffix, key], norm_of(key, suffix))
        return self._strips[suffix, key]


def strip_of(values: Sequence[float], norm: OpenNorm | None = None) -> Strip | None:
    """Draw sorted values on a line, with the norm; None where nothing differs."""
    middle = norm.middle if norm else ()
    line = Strip(min([values[0], *middle]), max([values[-1], *middle]), norm=norm)
    if not line.low < line.high:
        return None
    if len(values) <= DOTS:
        return replace(line, dots="".join(f"M{line.place(value):g} 18h0" for value in values))
    counts = [0] * BARS
    for value in values:
        share = (value - line.low) / (line.high - line.low)
        counts[min(int(share * BARS), BARS - 1)] += 1
    wide = (WIDTH - 2 * EDGE) / BARS
    bars = "".join(
        f"M{EDGE + index * wide:.1f} {HEIGHT:g}v-{tall:.1f}h3.6v{tall:.1f}z"
        for index, count in enumerate(counts)
        if count and (tall := max(1.0, count / max(counts) * (HEIGHT - 2)))
    )
    return replace(line, bars=bars)


def _numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    """Leave out what has no value, or none that can be drawn."""
    return {
        key: float(value)
        for key, value in values.items()
        if value is not None and math.isfinite(value)
    }
