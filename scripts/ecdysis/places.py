"""Where a run keeps its files, relative to the output directory.

What is no result lies in a hidden folder, which pybids and the BIDS validator pass over.
Records do not have plain ``.json`` names, since pybids would take them for sidecars of the
logs beside them.
"""

from pathlib import Path

HIDDEN = Path(".ecdysis")
MANIFEST = HIDDEN / "manifest.json"
DISCOVERED = HIDDEN / "discovered.json"
VALIDATION = HIDDEN / "validation.json"
SETTLED = HIDDEN / "settled"
TEMPLATE = HIDDEN / "template" / "template.json"
QUALITY_TABLE = "participants_qc.tsv"


def converted_file(session: str) -> str:
    """Return the record of what a session was converted to."""
    return f"{HIDDEN}/converted/{session}.json"


def record_file(unit: str | Path, stage: str) -> Path:
    """Return the status record of a stage; `unit` is an image, a session or a subject.

    Examples
    --------
    >>> record_file("sub-01/anat/sub-01_T1w", "crop").as_posix()
    'logs/sub-01/anat/sub-01_T1w/crop.status.json'
    """
    return Path("logs", unit, f"{stage}.status.json")


def preproc_file(folder: str, entities: str, suffix: str, *, hidden: bool = False) -> str:
    """Return the reoriented and cropped image; hidden where only the defaced one is a result."""
    place = f"{HIDDEN}/" if hidden else ""
    return f"{place}{folder}/{entities}_desc-preproc_{suffix}.nii.gz"


def defaced_file(folder: str, entities: str, suffix: str) -> str:
    """Return the reoriented, cropped and defaced image."""
    return f"{folder}/{entities}_desc-defaced_{suffix}.nii.gz"


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
    return derived_file(folder, entities, suffix, "desc-brain_mask")


def derived_file(folder: str, entities: str, suffix: str, kind: str) -> str:
    """Return a mask or a segmentation of an image; one not of a T1w names the image's space.

    Examples
    --------
    >>> derived_file("sub-01/anat", "sub-01", "T1w", "label-GM_probseg")
    'sub-01/anat/sub-01_label-GM_probseg.nii.gz'
    """
    space = "" if suffix == "T1w" else f"_space-{suffix}"
    return f"{folder}/{entities}{space}_{kind}.nii.gz"


def byproducts_folder(folder: str, entities: str, suffix: str) -> str:
    """Return where the workflow's own skull stripping leaves what is no result.

    Examples
    --------
    >>> byproducts_folder("sub-01/anat", "sub-01", "T1w")
    '.ecdysis/sub-01/anat/sub-01_desc-byproducts_T1w'
    """
    return f"{HIDDEN}/{folder}/{entities}_desc-byproducts_{suffix}"
