"""What the workflow's own skull stripping leaves beside a mask, for the stages after it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Byproducts:
    """A folder for one image; all grids are the working image's, of 2 mm."""

    folder: Path

    @property
    def posteriors(self) -> Path:
        """Probabilities of `ecdysis.skullstrip.tissues.TISSUES`, 4-D."""
        return self.folder / "posteriors.nii.gz"

    @property
    def bias_field(self) -> Path:
        """Divides the image."""
        return self.folder / "bias_field.nii.gz"

    @property
    def affine(self) -> Path:
        """Affine part of the transform from the template to the head, by ITK."""
        return self.folder / "affine.mat"
