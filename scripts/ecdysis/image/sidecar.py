"""The sidecars of images: where they lie, and what in them holds for all images on one grid."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

OWN_KEYS = {"Description", "Sources", "SkullStripped", "Warnings"}
"""Keys that describe the image itself."""


def sidecar_of(image: Path) -> Path:
    """Return the sidecar of an image or a transform; a name of BIDS has no dot but its ending's.

    Examples
    --------
    >>> sidecar_of(Path("sub-01_T1w.nii.gz")).name
    'sub-01_T1w.json'
    >>> sidecar_of(Path("sub-01_from-T1w_to-T2w_mode-image_xfm.txt")).name
    'sub-01_from-T1w_to-T2w_mode-image_xfm.json'
    """
    return image.with_name(image.name.partition(".")[0] + ".json")


def grid_facts(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sidecar says of the grid of its image.

    Examples
    --------
    >>> grid_facts({"Description": "Cropped", "CropBox": [[0, 2], [0, 3], [1, 4]]})
    {'CropBox': [[0, 2], [0, 3], [1, 4]]}
    """
    return {key: value for key, value in sidecar.items() if key not in OWN_KEYS}
