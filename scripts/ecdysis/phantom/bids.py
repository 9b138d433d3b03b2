"""Write phantoms as a BIDS dataset, and their true masks as a BIDS derivative."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import nibabel as nib

from ecdysis.files import atomic, write_json
from ecdysis.image.sidecar import sidecar_of
from ecdysis.phantom.head import Head, HeadSettings, build_head
from ecdysis.version import BIDS_VERSION

TRUTH = Path("derivatives") / "truth"
ACQUISITION: dict[str, dict[str, Any]] = {
    "T1w": {"RepetitionTime": 2.3, "EchoTime": 0.00298, "InversionTime": 0.9, "FlipAngle": 9},
    "T2w": {"RepetitionTime": 5.0, "EchoTime": 0.1, "FlipAngle": 150},
    "FLAIR": {"RepetitionTime": 9.0, "EchoTime": 0.09, "InversionTime": 2.5, "FlipAngle": 150},
    "PDw": {"RepetitionTime": 3.0, "EchoTime": 0.015, "FlipAngle": 90},
}
README = """# Phantom heads

Made from a head template by known deformations; no person was scanned. The true brain masks
are in `derivatives/truth`, with the settings of each head in the sidecars.
"""


def write_bids(
    root: Path,
    subjects: int | Sequence[str] = 2,
    sessions: int | Sequence[str] = 0,
    settings: HeadSettings | None = None,
    suffixes: Sequence[str] = ("T1w",),
) -> list[Path]:
    """Write a BIDS dataset of phantoms; return its images.

    Numbers of subjects and sessions give the labels 01, 02... and 1, 2...; with 0 sessions, there
    is no session level. The number of the subject (from 0) is added to the `seed` of the settings,
    and that of the image to `scan`; a suffix other than T1w (T2w, FLAIR, PDw) sets `contrast`.
    """
    base = settings or HeadSettings()
    people = _labels(subjects, "{:02d}")
    visits: list[str | None] = [*_labels(sessions, "{}")] or [None]
    describe_dataset(root, people)
    images = []
    for person, subject in enumerate(people):
        for visit, session in enumerate(visits):
            for kind, suffix in enumerate(suffixes):
                contrast = base.contrast if suffix == "T1w" else suffix
                scan = base.scan + (person * len(visits) + visit) * len(suffixes) + kind
                head = build_head(
                    replace(base, seed=base.seed + person, scan=scan, contrast=contrast)
                )
                images.append(write_bids_image(root, head, subject, session, suffix))
    return images


def write_bids_image(
    root: Path, head: Head, subject: str, session: str | None = None, suffix: str = "T1w"
) -> Path:
    """Write one head and its true mask into the dataset at `root`; return the image's path.

    The mask of a T1w is ``desc-brain_mask`` in the derivative ``truth``; those of other
    suffixes have the suffix as ``space``.
    """
    entities = f"sub-{subject}" + (f"_ses-{session}" if session else "")
    folder = Path(*entities.split("_")) / "anat"
    image = root / folder / f"{entities}_{suffix}.nii.gz"
    _save(head.image, image)
    scanner = {"Manufacturer": "Phantom", "MagneticFieldStrength": 3}
    write_json(sidecar_of(image), {**scanner, **ACQUISITION[suffix]})
    space = "" if suffix == "T1w" else f"_space-{suffix}"
    mask = root / TRUTH / folder / f"{entities}{space}_desc-brain_mask.nii.gz"
    _save(head.mask, mask)
    facts = {
        "Type": "Brain",
        "Sources": [f"bids:raw:{image.relative_to(root).as_posix()}"],
        "SpatialReference": f"bids:raw:{image.relative_to(root).as_posix()}",
        "Phantom": {
            **asdict(head.settings),
            "max_displacement_mm": head.deformation.max_displacement_mm,
            "min_jacobian": head.deformation.min_jacobian,
            "template_to_world": head.affine.tolist(),
        },
    }
    write_json(sidecar_of(mask), facts)
    return image


def describe_dataset(root: Path, subjects: Sequence[str]) -> None:
    """Write the files at the top of the raw dataset and of its derivative `truth`."""
    raw = {"Name": "Phantom heads", "BIDSVersion": BIDS_VERSION, "DatasetType": "raw"}
    truth = {
        "Name": "True brain masks of phantom heads",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "ecdysis-phantom"}],
        "DatasetLinks": {"raw": "../.."},
    }
    license_and_authors = {"License": "CC0", "Authors": ["Ecdysis"]}
    write_json(root / "dataset_description.json", raw | license_and_authors)
    write_json(root / TRUTH / "dataset_description.json", truth)
    for folder in (root, root / TRUTH):
        (folder / "README.md").write_text(README, encoding="utf-8")
    rows = "".join(f"sub-{subject}\n" for subject in subjects)
    (root / "participants.tsv").write_text(f"participant_id\n{rows}", encoding="utf-8")


def _labels(given: int | Sequence[str], pattern: str) -> list[str]:
    if isinstance(given, int):
        return [pattern.format(number) for number in range(1, given + 1)]
    return list(given)


def _save(image: nib.Nifti1Image, path: Path) -> None:
    with atomic(path) as partial:
        nib.save(image, partial)
