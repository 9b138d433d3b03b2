"""A study in which some subjects fail, each in another stage."""

from pathlib import Path

import numpy as np
from ecdysis.files import write_json

from tests.hostile.nifti_cases import head, image, written
from tests.unit.nifti_images import AFFINE, save

GRID = AFFINE * [[8], [8], [8], [1]]
MASKS = Path("derivatives") / "masks"
CROP = "crop={modes: slices, slices: {x: [0, 16]}}"


def _cut_short(root: Path, label: str) -> None:
    path = image(root, label)
    path.write_bytes(path.read_bytes()[:-300])


def _wrong_checksum(root: Path, label: str) -> None:
    path = image(root, label)
    data = path.read_bytes()
    path.write_bytes(data[:-8] + bytes(4) + data[-4:])


def _equal_voxels(root: Path, label: str) -> None:
    written(voxels=np.full((16,) * 3, 7, "int16"))(root, label)


def _no_mask(root: Path, label: str) -> None:
    mask_of(root, label).unlink()


def _other_grid(root: Path, label: str) -> None:
    save(mask_of(root, label), np.ones((4, 4, 4), "uint8"))


def _broken_mask(root: Path, label: str) -> None:
    path = mask_of(root, label)
    path.write_bytes(path.read_bytes()[:60])


FAULTS = {
    "preflight": _cut_short,
    "skullstrip": _no_mask,
    "skullstrip of a wrong checksum": _wrong_checksum,
    "skullstrip of equal voxels": _equal_voxels,
    "skullstrip on another grid": _other_grid,
    "skullstrip by a broken mask": _broken_mask,
}


def mask_of(root: Path, label: str) -> Path:
    """The place of a subject's mask."""
    return root / MASKS / f"sub-{label}/anat/sub-{label}_desc-brain_mask.nii.gz"


def write_study(root: Path, sound: int, failing: int) -> dict[str, str]:
    """Write a dataset with masks; return the stage in which each of the last subjects fails."""
    labels = [f"{number:03d}" for number in range(sound + failing)]
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_text('{"Name": "n", "BIDSVersion": "1.10.0"}')
    for label in labels:
        written(sform=GRID, qform=GRID)(root, label)
        mask_of(root, label).parent.mkdir(parents=True)
        save(mask_of(root, label), (head() > 100).astype("uint8"), sform=GRID, qform=GRID)
    write_json(root / MASKS / "dataset_description.json", {"Name": "m"})
    faults = list(FAULTS.items())
    expected = {}
    for number, label in enumerate(labels[sound:]):
        stage, spoil = faults[number % len(faults)]
        spoil(root, label)
        expected[label] = stage.split()[0]
    return expected


def repair(root: Path, label: str) -> None:
    """Make a subject of the study sound."""
    written(sform=GRID, qform=GRID)(root, label)
    save(mask_of(root, label), (head() > 100).astype("uint8"), sform=GRID, qform=GRID)
