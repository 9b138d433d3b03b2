"""Which planted errors of brain masks the self-check sees, and which good masks it doubts.

    python tests/bench/selfcheck.py KEPT [HEAD ...] [--data FOLDER] [--dicom FOLDER]

KEPT is the folder that ``masks.py --keep`` filled. Each mask there, and each stored mask of another
tool, is measured as it is, eroded by 2 mm, dilated by 3 mm, shifted by 3 mm along three axes and
without a half. Prints one row a mask: the verdicts, with the measures of the border in per cent.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to
from numpy.typing import NDArray
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from ecdysis.skullstrip import mask_check
from mask_measures import signed_distance
from masks import DATA, Head, find

Mask = NDArray[np.bool_]


def planted(mask: Mask, zooms: NDArray[np.float64]) -> Iterator[tuple[str, Mask]]:
    """Give the mask itself and masks with planted errors, each with its name."""
    distance = signed_distance(mask, zooms)
    yield "as it is", mask
    yield "eroded", distance < -2
    yield "dilated", distance < 3
    for axis, name in enumerate(("right", "front", "top")):
        for sign in (1, -1):
            shift = [sign * 3 / zooms[axis] if axis == one else 0.0 for one in range(3)]
            moved = ndimage.shift(mask.astype(np.float32), shift, order=1)
            yield f"{'+' if sign > 0 else '-'}3 mm {name}", moved > 0.5
    for axis, name in enumerate(("right", "front", "top")):
        half = mask.copy()
        middle = int(ndimage.center_of_mass(mask)[axis])
        np.moveaxis(half, axis, 0)[middle:] = False
        yield f"without {name}", half


def masks_of(head: Head, own: Path) -> Iterator[tuple[str, Mask]]:
    """Give the masks of a head, on its grid, each with the name of its tool."""
    image = nib.load(head.image)
    files = {"ours": own, **head.tools} if own.is_file() else head.tools
    for tool, path in files.items():
        stored = nib.load(path)
        values = nib.Nifti1Image(stored.get_fdata(dtype=np.float32), stored.affine)
        yield tool, resample_from_to(values, (image.shape, image.affine), 1).get_fdata() > 0.5


BORDER = (
    "tissue_outside", "tissue_outside_in_slices", "tissue_inside", "matter_outside", "bone_inside",
)  # fmt: skip


def cell(image: nib.Nifti1Image, mask: Mask) -> str:
    """Return the verdict, with the measures outside and inside the border in per cent."""
    measures = mask_check.measure_image(mask, image)
    border = [f"{100 * measures[key]:.0f}" for key in BORDER if key in measures]
    return f"{mask_check.judge(measures)['verdict']} {'/'.join(border)}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kept", type=Path)
    parser.add_argument("names", metavar="HEAD", nargs="*")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--dicom", type=Path)
    asked = parser.parse_args()
    names = asked.names or sorted(path.parent.name for path in asked.kept.glob("*/mask.nii.gz"))
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            head = find(name, asked.data, asked.dicom, Path(folder))
            if head is None:
                print(f"{name}: its files are absent")
                continue
            image = nib.as_closest_canonical(nib.load(head.image))
            nib.save(image, Path(folder) / "canonical.nii")
            canonical = Head(Path(folder) / "canonical.nii", head.is_t1w, None, [], head.tools)
            for tool, mask in masks_of(canonical, asked.kept / name / "mask.nii.gz"):
                zooms = np.linalg.norm(image.affine[:3, :3], axis=0)
                cells = [f"{error}: {cell(image, one)}" for error, one in planted(mask, zooms)]
                print(f"{name}, {tool} | {' | '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
