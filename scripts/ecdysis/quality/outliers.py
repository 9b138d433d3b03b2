"""Flag images that are outliers of the dataset or outside the norms given by the user.

Outliers have a modified z-score (Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers, ASQC
Quality Press) beyond 3.5: 0.6745 (x - median) / MAD, which is robust against a few bad images. If
more than half of the values are equal, the MAD is 0, and the mean absolute deviation is used:
(x - median) / (1.2533 · mean |x - median|).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from ecdysis.ordering import grouped
from ecdysis.quality.dictionary import BY_KEY, Measure
from ecdysis.quality.norms import Norm

THRESHOLD = 3.5
LEAST = 10
"""Minimum number of values of a measure for outliers."""
MAD_FACTOR = 0.6745
MEAN_FACTOR = 1.2533

RULE = (
    "Each value is compared with those of the other images of the same suffix. It is flagged if its"
    f" modified z-score 0.6745 (x - median) / MAD exceeds {THRESHOLD} (Iglewicz and Hoaglin 1993)"
    " in the bad direction, or in any direction if none is bad, and if the difference is visible in"
    f" the decimals given. Nothing is flagged below n = {LEAST}. With a norms file, values outside"
    " its bounds are flagged too, at any n."
)

Values = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Flag:
    """One flagged value of an image.

    `z` is the modified z-score, None for a flag by norms; `n` is the number of images of the suffix
    that have a value; `rule` names the images or norms that the value was compared with.
    """

    key: str
    value: float
    z: float | None
    n: int
    rule: str

    def sentence(self) -> str:
        """Return the flag as a sentence.

        Examples
        --------
        >>> Flag("cjv", 0.9, 5.13, 31, "31 T1w images").sentence()
        'CJV is 0.900, unusually high among 31 T1w images (robust z 5.1)'
        """
        measure = BY_KEY[self.key]
        value = f"{self.value:.{measure.digits}f} {measure.shown_units}".rstrip()
        start = f"{measure.label} is {value}"
        if self.z is None:
            return f"{start}, outside {self.rule}"
        side = "high" if self.z > 0 else "low"
        return f"{start}, unusually {side} among {self.rule} (robust z {self.z:.1f})"


def flags(values: Values, norms: Iterable[Norm] = ()) -> dict[str, list[Flag]]:
    """Return the flags of all images, by name, in the order of the dictionary; flags by norms last.

    `values` are by name of the image, which ends in its suffix, and key of the measure.
    """
    flagged: dict[str, list[Flag]] = {name: [] for name in values}
    bounds = {(norm.key, norm.suffix): norm for norm in norms}
    by_suffix = grouped((name.rpartition("_")[2], name) for name in values)
    for suffix, names in by_suffix.items():
        for key, measure in BY_KEY.items():
            column = {name: values[name].get(key) for name in names}
            known = {name: value for name, value in column.items() if value is not None}
            for name, z in _standing_out(known, measure).items():
                rule = f"{len(known)} {suffix} images"
                flagged[name].append(Flag(key, known[name], round(z, 2), len(known), rule))
    for name, measures in values.items():
        suffix = name.rpartition("_")[2]
        for key in BY_KEY:
            norm, value = bounds.get((key, suffix)), measures.get(key)
            if norm and value is not None and not norm.allows(value):
                n = sum(values[image].get(key) is not None for image in by_suffix[suffix])
                rule = f"the norm for {suffix} of your norms file, {norm.words}"
                flagged[name].append(Flag(key, value, None, n, rule))
    return flagged


def robust_z(values: Sequence[float]) -> list[float]:
    """Return the modified z-score of each value; all 0 if all values are equal."""
    middle = median(values)
    distances = [abs(value - middle) for value in values]
    scale = median(distances) / MAD_FACTOR or MEAN_FACTOR * fmean(distances)
    return [(value - middle) / scale if scale else 0.0 for value in values]


def _standing_out(known: Mapping[str, float], measure: Measure) -> dict[str, float]:
    """Return the z-scores of the images that are outliers of a measure."""
    if len(known) < LEAST:
        return {}
    middle = median(known.values())
    scores = zip(known, robust_z(list(known.values())), strict=True)
    return {
        name: z
        for name, z in scores
        if abs(z) > THRESHOLD
        and abs(known[name] - middle) >= 10**-measure.digits
        and measure.better != ("higher" if z > 0 else "lower")
    }
