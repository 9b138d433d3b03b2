"""The names of an image and of everything that is made of it, relative to the output directory.

Intermediate files lie in a hidden folder, which pybids and the BIDS validator ignore.
"""

from dataclasses import dataclass
from pathlib import Path

from ecdysis.places import FULL_GRID, HIDDEN, figures_folder, record_file


@dataclass(frozen=True)
class ImageName:
    """An image of the dataset; its parts may be wildcards of Snakemake.

    Such as ``sub-01/ses-1/anat``, ``sub-01_ses-1_run-2`` and ``T1w``.

    Examples
    --------
    >>> ImageName("sub-01/anat", "sub-01", "T2w").mask
    'sub-01/anat/sub-01_space-T2w_desc-brain_mask.nii.gz'
    """

    folder: str
    entities: str
    suffix: str

    @property
    def file(self) -> str:
        """File name without extension."""
        return f"{self.entities}_{self.suffix}"

    @property
    def name(self) -> str:
        """Path within the dataset without extension."""
        return f"{self.folder}/{self.file}"

    def record(self, stage: str) -> Path:
        """Status record of a stage."""
        return record_file(self.name, stage)

    # Intermediate files

    @property
    def reoriented(self) -> str:
        """The image after reorientation, uncompressed; removed when nothing reads it any more."""
        return self._hidden(f"desc-reoriented_{self.suffix}.nii")

    @property
    def uncropped_mask(self) -> str:
        """Brain mask on the grid of the reoriented image."""
        return self._hidden(f"desc-reorientedBrain_{self.suffix}_mask.nii.gz")

    @property
    def transferred_mask(self) -> str:
        """Brain mask of the T1w of the same session, on the grid of the reoriented image."""
        return self._hidden(f"desc-transferredBrain_{self.suffix}_mask.nii.gz")

    @property
    def posteriors(self) -> str:
        """Tissue probabilities on the working grid of skull stripping, 4-D."""
        return self._hidden(f"desc-posteriors_{self.suffix}.nii.gz")

    @property
    def bias_field(self) -> str:
        """Bias field on the working grid of skull stripping."""
        return self._hidden(f"desc-biasfield_{self.suffix}.nii.gz")

    @property
    def affine(self) -> str:
        """Affine part of the transform from the template to the image (ITK)."""
        return self._hidden(f"desc-affine_{self.suffix}.mat")

    @property
    def warped_template(self) -> str:
        """The head of the template, warped to the image, on the working grid."""
        return self._hidden(f"desc-template_{self.suffix}.nii.gz")

    @property
    def undefaced(self) -> str:
        """The cropped image with its face, where only the defaced image is a result."""
        return self._hidden(f"desc-preproc_{self.suffix}.nii.gz")

    @property
    def quality(self) -> str:
        """Quality measures."""
        return self._hidden(f"desc-quality_{self.suffix}.json")

    # Results

    @property
    def preproc(self) -> str:
        """The reoriented and cropped image."""
        return self._result(f"desc-preproc_{self.suffix}.nii.gz")

    @property
    def defaced(self) -> str:
        """The reoriented, cropped and defaced image."""
        return self._result(f"desc-defaced_{self.suffix}.nii.gz")

    @property
    def defacemask(self) -> str:
        """What was removed from the defaced image."""
        return self._result(f"mod-{self.suffix}_defacemask.nii.gz")

    @property
    def brain(self) -> str:
        """The skull-stripped image."""
        return self._result(f"desc-brain_{self.suffix}.nii.gz")

    @property
    def corrected(self) -> str:
        """The cropped image without its bias field."""
        return self._result(f"desc-biascorrected_{self.suffix}.nii.gz")

    @property
    def mask(self) -> str:
        """Brain mask on the cropped grid."""
        return self._in_space("desc-brain_mask.nii.gz")

    @property
    def dseg(self) -> str:
        """Tissue labels on the cropped grid."""
        return self._in_space("dseg.nii.gz")

    def probseg(self, label: str) -> str:
        """Probability of a tissue on the cropped grid."""
        return self._in_space(f"label-{label}_probseg.nii.gz")

    def transform(self, start: str, end: str, extension: str) -> str:
        """Transform that resamples an image from one space to another.

        Examples
        --------
        >>> ImageName("sub-01/anat", "sub-01", "T2w").transform("T2w", "T1w", "txt")
        'sub-01/anat/sub-01_from-T2w_to-T1w_mode-image_xfm.txt'
        """
        return self._result(f"from-{start}_to-{end}_mode-image_xfm.{extension}")

    @property
    def to_t1w(self) -> str:
        """Rigid transform that resamples the image to the T1w of its session."""
        return self.transform(self.suffix, "T1w", "txt")

    @property
    def from_t1w(self) -> str:
        """Rigid transform that resamples the T1w of its session to the image."""
        return self.transform("T1w", self.suffix, "txt")

    @property
    def on_full_grid(self) -> "ImageName":
        """Names of the uncropped files, in a derivative dataset of their own.

        Examples
        --------
        >>> ImageName("sub-01/anat", "sub-01", "T1w").on_full_grid.dseg
        'derivatives/full-grid/sub-01/anat/sub-01_dseg.nii.gz'
        """
        return ImageName(f"{FULL_GRID}/{self.folder}", self.entities, self.suffix)

    def in_template(self, space: str) -> "ImageName":
        """Names of the files that are resampled to a template.

        Examples
        --------
        >>> ImageName("sub-01/anat", "sub-01", "T1w").in_template("MNI152NLin6Asym").dseg
        'sub-01/anat/sub-01_space-MNI152NLin6Asym_dseg.nii.gz'
        """
        return ImageName(self.folder, f"{self.entities}_space-{space}", self.suffix)

    @property
    def figures(self) -> str:
        """Folder of the figures and of the viewer."""
        return figures_folder(self.file)

    def figure(self, kind: str, extension: str = "jpg") -> str:
        """File name of a figure."""
        return f"{self.entities}_desc-{kind}_{self.suffix}.{extension}"

    def _result(self, ending: str) -> str:
        return f"{self.folder}/{self.entities}_{ending}"

    def _hidden(self, ending: str) -> str:
        return f"{HIDDEN}/{self._result(ending)}"

    def _in_space(self, ending: str) -> str:
        """Name a mask or segmentation; unless it is of a T1w, the name has the image's space."""
        space = "" if self.suffix == "T1w" else f"space-{self.suffix}_"
        return self._result(f"{space}{ending}")
