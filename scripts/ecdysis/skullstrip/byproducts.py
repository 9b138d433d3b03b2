"""The files that the method ``ants`` writes besides the mask, for later steps."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Byproducts:
    """Files of one image; images are on the 2 mm grid of the working image."""

    posteriors: Path
    """Values of `ecdysis.skullstrip.tissues.TISSUES`, 4-D."""
    bias_field: Path
    """The image is divided by it."""
    affine: Path
    """Affine part of the transform from the template to the head (ITK)."""
    template: Path | None = None
    """The head of the template, warped to the image."""
