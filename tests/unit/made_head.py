"""A made-up head whose tissues, noise and bias field are known, with the files of its measures."""

import nibabel as nib
import numpy as np
from ecdysis.image.volume import read_anatomical
from ecdysis.quality.maps import Tissues
from ecdysis.quality.measured_image import Inputs
from ecdysis.skullstrip.byproducts import Byproducts
from scipy.io import savemat

SHAPE, SPACING = (96, 100, 92), 2.0
RADII = {"CSF": 30.0, "WM": 48.0, "GM": 60.0, "scalp": 75.0}
LEVELS = {"CSF": 200.0, "WM": 800.0, "GM": 500.0, "scalp": 900.0}
SIGMA = 20.0


class Made:
    """The files of a head: a ball in shells under a bias field, in Rician noise."""

    def __init__(self, folder, shift=0):
        self.folder = folder
        self.affine = np.diag([SPACING] * 3 + [1.0])
        self.affine[:3, 3] = -SPACING * np.array(SHAPE) / 2
        grid = (np.indices(SHAPE) - (np.array(SHAPE)[:, None, None, None] - 1) / 2) * SPACING
        grid[0] -= shift
        radius = np.sqrt((grid**2).sum(axis=0))
        self.maps, inner = {}, 0.0
        signal = np.zeros(SHAPE)
        for name, outer in RADII.items():
            self.maps[name] = (radius >= inner) & (radius < outer)
            signal[self.maps[name]] = LEVELS[name]
            inner = outer
        self.brain = radius < RADII["GM"]
        self.field = np.exp(0.2 * grid[0] / RADII["GM"])
        noise = np.random.default_rng(0).normal(0, SIGMA, (2, *SHAPE))
        self.image = np.rint(np.hypot(signal * self.field + noise[0], noise[1])).astype(np.int16)

    def save(self, name, voxels, affine=None):
        path = self.folder / name
        image = nib.Nifti1Image(voxels, self.affine if affine is None else affine)
        image.set_sform(image.affine, 1)
        image.set_qform(image.affine, 1)
        image.header.set_xyzt_units("mm")
        nib.save(image, path)
        return path

    def inputs(self, **more):
        """The image alone, and what is given more."""
        raw = self.save("raw.nii.gz", self.image)
        return Inputs(read_anatomical(raw).volume, "none", **more)

    def mask(self):
        return self.save("mask.nii", self.brain.astype(np.uint8))

    def tissues(self):
        """Maps on a box of the grid, as after cropping."""
        window = (slice(10, 90), slice(12, 94), slice(8, 88))
        affine = self.affine.copy()
        affine[:3, 3] += SPACING * np.array([one.start for one in window])
        return tuple(
            self.save(f"{name}.nii.gz", self.maps[name][window].astype(np.float32), affine)
            for name in ("CSF", "GM", "WM")
        )

    def whole(self):
        """All that the recipe leaves; the working grid is that of the image."""
        posteriors = np.stack([self.maps[name] for name in ("CSF", "GM", "WM")], axis=-1)
        maps = tuple(
            self.save(f"template_{name}.nii", self.maps[name].astype(np.float32))
            for name in ("CSF", "GM", "WM")
        )
        names = ("posteriors.nii.gz", "bias_field.nii.gz", "affine.mat")
        left = Byproducts(*(self.folder / name for name in names))
        values = np.append(np.eye(3), np.zeros(3))[:, None]
        savemat(
            left.affine,
            {"AffineTransform_double_3_3": values, "fixed": np.zeros((3, 1))},
            format="4",
        )
        self.save(left.bias_field.name, (0.5 * self.field).astype(np.float32))
        self.save(left.posteriors.name, posteriors.astype(np.float32))
        return self.inputs(
            mask=self.mask(),
            tissues=Tissues(self.tissues()),
            byproducts=left,
            template_tissues=maps,
        )
