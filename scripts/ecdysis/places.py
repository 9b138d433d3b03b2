"""Paths of the files of a run, relative to the output directory.

Files that are not results are in a hidden folder, which pybids and the BIDS validator ignore.
Status records have no plain ``.json`` names, because pybids would read them as sidecars of the
logs next to them. The files of an image are named by `ecdysis.bids.image_name`.
"""

from pathlib import Path

HIDDEN = Path(".ecdysis")
MANIFEST = HIDDEN / "manifest.json"
DISCOVERED = HIDDEN / "discovered.json"
VALIDATION = HIDDEN / "validation.json"
SETTLED = HIDDEN / "settled"
TEMPLATE_FOLDER = HIDDEN / "template"
TEMPLATE = TEMPLATE_FOLDER / "template.json"
DICOM = HIDDEN / "dicom"
REPORT_RUN = HIDDEN / "report"
FULL_GRID = Path("derivatives") / "full-grid"
QUALITY_TABLE = "participants_qc.tsv"


def converted_file(session: str) -> str:
    """Return the record of the conversion of a DICOM session."""
    return f"{HIDDEN}/converted/{session}.json"


def nifti_folder(session: str) -> str:
    """Return the temporary folder with the NIfTI images of a DICOM session."""
    return f"{HIDDEN}/nifti/{session}"


def audited_file(session: str) -> str:
    """Return the record that the results of a DICOM session passed their audit."""
    return f"{HIDDEN}/audited/{session}"


def refused_file(token: str) -> str:
    """Return the output of the job that fails for an image refused before the run."""
    return f"{HIDDEN}/refused/{token}.accepted"


def statmaps_file(unit: str) -> str:
    """Return the record that the statistical maps of a subject or the group were drawn."""
    return f"{HIDDEN}/statmaps/{unit}.json"


def figures_folder(image: str, subject: str = "") -> str:
    """Return the folder of the figures of an image; its name begins with its subject.

    If the name is a wildcard of Snakemake, give the subject too.

    Examples
    --------
    >>> figures_folder("sub-01_ses-1_T1w")
    'sub-01/figures/sub-01_ses-1_T1w'
    """
    return f"{subject or image.partition('_')[0]}/figures/{image}"


def record_file(unit: str | Path, stage: str) -> Path:
    """Return the status record of a stage; `unit` is an image, a session or a subject.

    Examples
    --------
    >>> record_file("sub-01/anat/sub-01_T1w", "crop").as_posix()
    'logs/sub-01/anat/sub-01_T1w/crop.status.json'
    """
    return Path("logs", unit, f"{stage}.status.json")
