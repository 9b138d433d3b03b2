"""Percentiles of the measures of T1w images in open studies.

MRIQC's values (Esteban et al. 2017, doi:10.1371/journal.pone.0184661) of 1,366 images: ABIDE I
(17 sites, ages 6 to 64; Di Martino et al. 2014, doi:10.1038/mp.2013.78) and ds000030 of UCLA (two
scanners, ages 21 to 50; Poldrack et al. 2016, doi:10.1038/sdata.2016.110), all at 3 T, from the
tables of mriqc-learn 0.0.3. ``tests/bench/open_norms.py`` makes the table. It has only measures
that Ecdysis and the version of MRIQC that made these tables define equally.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ecdysis.files import read_tsv

TABLE = Path(__file__).with_name("open_norms.tsv")
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
SUFFIX = "T1w"
"""The only kind of image in the table."""
SOURCE = "ABIDE and ds000030, 3 T"


@dataclass(frozen=True)
class OpenNorm:
    """The distribution of one measure over `n` images; `points` are its values at `PERCENTILES`."""

    n: int
    points: tuple[float, ...]

    @property
    def middle(self) -> tuple[float, float, float, float, float]:
        """Percentiles 5, 25, 50, 75 and 95."""
        low, lower, median, upper, high = (
            self.points[PERCENTILES.index(percentile)] for percentile in (5, 25, 50, 75, 95)
        )
        return low, lower, median, upper, high

    def percentile(self, value: float) -> float:
        """Return the percentile of a value, interpolated; at least 1 and at most 99."""
        return float(np.interp(value, self.points, PERCENTILES))

    def words(self, value: float) -> str:
        """Return for example ``percentile 37 of 1366 images (ABIDE and ds000030, 3 T)``."""
        if value < self.points[0]:
            place = "below percentile 1"
        elif value > self.points[-1]:
            place = "above percentile 99"
        else:
            place = f"percentile {round(self.percentile(value))}"
        return f"{place} of {self.n} images ({SOURCE})"


@cache
def open_norms() -> dict[str, OpenNorm]:
    """Return the norm of each measure that has one, by its key."""
    rows = read_tsv(TABLE, TABLE.name).rows
    names = [f"p{percentile:02d}" for percentile in PERCENTILES]
    return {
        row["key"]: OpenNorm(int(row["n"]), tuple(float(row[name]) for name in names))
        for row in rows
    }


def norms_of(key: str) -> dict[str, OpenNorm]:
    """Return the norms of a measure, by the suffix of the images."""
    norm = open_norms().get(key)
    return {SUFFIX: norm} if norm else {}


def norm_of(key: str, suffix: str) -> OpenNorm | None:
    """Return the norm of a measure of a kind of image, or None."""
    return norms_of(key).get(suffix)
