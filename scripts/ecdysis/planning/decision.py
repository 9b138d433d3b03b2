"""What becomes of one series."""

from dataclasses import dataclass
from typing import Any

from ecdysis.planning.facts import Facts
from ecdysis.planning.recognise import Guess
from ecdysis.planning.rulings import Ruling
from ecdysis.planning.series import Series


@dataclass(frozen=True)
class Decision:
    """What becomes of a series.

    Parameters
    ----------
    series : Series
    facts : Facts
    guess : Guess
        What it seems to be, or what a person said it is.
    objection : str or None
        Why it becomes no image; None when it does.
    ruling : Ruling or None
        What a person decided.
    partner : str or None
        For a companion, as a reference image or the magnitude of a field map, the series whose
        name it takes.
    zero_b : bool
        A diffusion image without diffusion weighting, of which all b-values are zero.
    """

    series: Series
    facts: Facts
    guess: Guess
    objection: str | None
    ruling: Ruling | None = None
    partner: str | None = None
    zero_b: bool = False

    @property
    def kind(self) -> str | None:
        """The kind of image that it becomes; None when it becomes none."""
        return None if self.objection else self.guess.suffix

    @property
    def grid(self) -> tuple[Any, ...]:
        """Orientation, number and thickness of its slices."""
        orientation = self.series.header["ImageOrientationPatient"]
        turned = tuple(round(item or 0.0, 2) for item in orientation) if orientation else ()
        return turned, self.facts.slices, self.facts.slice_mm
