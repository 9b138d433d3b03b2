"""Find the lesion mask of an image by the entities of its name.

Names are those of BIDS derivatives, ``sub-01_space-T2w_label-lesion_mask.nii.gz``, and those of
earlier BIDS and fMRIPrep, ``sub-01_T1w_label-lesion_roi.nii.gz`` and ``sub-01_roi.nii.gz``.
Without a suffix or space in its name, a mask belongs to the T1w.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from ecdysis.bids.image_name import ImageName
from ecdysis.errors import InputError

ENDINGS = (".nii.gz", ".nii")
FREE = ("label", "desc", "res")
"""Entities in which the name of a mask may differ from the name of its image."""


def require(settings: Mapping[str, Any]) -> None:
    """Check that the setting ``skullstrip.lesions`` can be used.

    Raises
    ------
    InputError
        The method does not use lesion masks, or the folder does not exist or holds none.
    """
    section = settings["skullstrip"]
    if not section["lesions"]:
        return
    if section["method"] != "ants":
        raise InputError(
            "skullstrip.lesions",
            f"skullstrip.method is {section['method']}, but only ants leaves lesions out",
            "Set skullstrip: {method: ants}, or lesions: null",
        )
    folder = Path(section["lesions"])
    if not any(map(_of_image, chain(folder.glob("sub-*"), folder.glob("sub-*/**/*")))):
        raise InputError(
            "skullstrip.lesions",
            f"{folder} has no masks sub-<label>/[ses-<label>/]anat/..._label-lesion_roi.nii.gz",
            "Give a BIDS folder with lesion masks on the grids of the raw images",
        )


def lesion_mask(folder: Path, image: ImageName) -> Path | None:
    """Return the lesion mask of an image; None unless there is exactly one."""
    own = _of(folder, image)
    return own[0] if len(own) == 1 else None


def lesion_fault(folder: Path, image: ImageName, session: Sequence[ImageName]) -> str | None:
    """Return why the lesion masks of a session cannot be used for an image, or None.

    `session` are all images of the session, with `image`.
    """
    own = _of(folder, image)
    if len(own) > 1:
        return f"the image has more than one lesion mask: {', '.join(path.name for path in own)}"
    known = {(other.entities, other.suffix) for other in session}
    strange = [path.name for path in _beside(folder, image) if _of_image(path) not in known]
    if strange and not own:
        return f"no image of the session has the entities of {', '.join(strange)}"
    return None


def checked(lesion: Path | None, fault: str | None, image: Path) -> Path | None:
    """Return a lesion mask; raise an InputError for a fault."""
    if fault:
        raise InputError(
            image, fault, "Name each lesion mask after its image, as in sub-01_label-lesion_roi"
        )
    return lesion


def _of(folder: Path, image: ImageName) -> list[Path]:
    wanted = image.entities, image.suffix
    return [path for path in _beside(folder, image) if _of_image(path) == wanted]


def _beside(folder: Path, image: ImageName) -> list[Path]:
    """Return the lesion masks of the subject in the folder of the image, and in `folder` itself."""
    subject = image.entities.partition("_")[0]
    paths = [*(folder / image.folder).glob("*"), *folder.glob(f"{subject}_*")]
    return sorted(path for path in paths if _of_image(path))


def _of_image(path: Path) -> tuple[str, str] | None:
    """Return entities and suffix of the image that a lesion mask belongs to; None for other files.

    Examples
    --------
    >>> _of_image(Path("sub-01_run-2_space-T2w_label-lesion_mask.nii.gz"))
    ('sub-01_run-2', 'T2w')
    >>> _of_image(Path("sub-01_T1w_label-lesion_roi.nii"))
    ('sub-01', 'T1w')
    >>> _of_image(Path("sub-01_label-hippocampus_roi.nii.gz")) is None
    True
    """
    ending = next((ending for ending in ENDINGS if path.name.endswith(ending)), None)
    if ending is None:
        return None
    *parts, kind = path.name.removesuffix(ending).split("_")
    entities = dict(part.split("-", 1) for part in parts if "-" in part)
    label = entities.get("label")
    if not (label == "lesion" and kind in ("roi", "mask")) and (kind, label) != ("roi", None):
        return None
    suffixes = [part for part in parts if "-" not in part]
    suffix = suffixes[0] if suffixes else entities.get("space", "T1w")
    kept = [f"{key}-{value}" for key, value in entities.items() if key not in (*FREE, "space")]
    return "_".join(kept), suffix
