"""The files that the method ``ants`` writes besides the mask, for later steps."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Byproducts:
    """Files of one image; images are on the 2 mm grid of the working image.

    Attributes
    ----------
    posteriors : Path
        Probabilities of `ecdysis.skullstrip.tissues.TISSUES`, 4-D.
    bias_field : Path
        The image is divided by it.
    affine : Path
        Affine part of the transform from the template to the head (ITK).
    template : Path, optional
        The head of the template, warped to the image.
    """

    posteriors: Path
    bias_field: Path
    affine: Path
    template: Path | None = None
