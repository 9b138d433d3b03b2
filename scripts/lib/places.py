"""Where a run keeps its files, relative to the output directory.

What is no result lies in a hidden folder, which pybids and the BIDS validator pass over.
Records do not have plain ``.json`` names, since pybids would take them for sidecars of the
logs beside them.
"""

from pathlib import Path

HIDDEN = Path(".ecdysis")
MANIFEST = HIDDEN / "manifest.json"
DISCOVERED = HIDDEN / "discovered.json"
TEMPLATE = HIDDEN / "template" / "template.json"


def record_file(unit: str | Path, stage: str) -> Path:
    """Return the status record of a stage; `unit` is an image, a session or a subject.

    Examples
    --------
    >>> record_file("sub-01/anat/sub-01_T1w", "crop").as_posix()
    'logs/sub-01/anat/sub-01_T1w/crop.status.json'
    """
    return Path("logs", unit, f"{stage}.status.json")


def preproc_file(folder: str, entities: str, suffix: str) -> str:
    """Return the reoriented and cropped image."""
    return f"{folder}/{entities}_desc-preproc_{suffix}.nii.gz"


def brain_file(folder: str, entities: str, suffix: str) -> str:
    """Return the skull-stripped image."""
    return f"{folder}/{entities}_desc-brain_{suffix}.nii.gz"


def mask_file(folder: str, entities: str, suffix: str) -> str:
    """Return the brain mask; one that is not of a T1w names the image whose space it is in.

    Examples
    --------
    >>> mask_file("sub-01/anat", "sub-01", "T2w")
    'sub-01/anat/sub-01_space-T2w_desc-brain_mask.nii.gz'
    """
    space = "" if suffix == "T1w" else f"_space-{suffix}"
    return f"{folder}/{entities}{space}_desc-brain_mask.nii.gz"
