"""Results of earlier runs in an output directory, compared with the settings of this run.

The report covers every image with results, not only those that this run selects.
Results that show a face are removed when faces are to be removed. Results of subjects that the
dataset no longer has are listed with a command that removes them.
"""

import os
import re
import shlex
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.bids.discovery import Exclusion, Image
from ecdysis.image.sidecar import sidecar_of
from ecdysis.places import FULL_GRID, HIDDEN

WITH_FACE = ("desc-preproc", "desc-biascorrected")
"""Descriptions of the images of the whole head, which show the face unless they are defaced."""
DEFACED = re.compile(r"_desc-defaced_|_defacemask\.")
IN_TEMPLATE = re.compile(r"_space-(?!T1w_|T2w_|FLAIR_|PDw_)")
"""Names of the files in the space of a template; other spaces are those of images."""
OF_SUBJECT = (
    *("{}", "{}.html", "logs/{}", "benchmarks/{}"),
    *(f"{HIDDEN}/{{}}", f"{FULL_GRID}/{{}}"),
)
"""Files and folders of a subject in an output directory."""
LISTED = 5


def kept_images(
    before: Iterable[Mapping[str, Any]], images: Sequence[Image], finished: Callable[[Image], bool]
) -> list[Image]:
    """Return the images of earlier runs that this run does not select and whose results stay.

    `before` are those of the existing manifest, `images` those of this run; `finished` says whether
    an image has results.
    """
    selected = {image.name for image in images}
    earlier = [Image(**item) for item in before if item["source"] == "bids"]
    return [
        image
        for image in earlier
        if image.name not in selected and os.path.lexists(image.path) and finished(image)
    ]


def without_finished(
    exclusions: Iterable[Exclusion], kept: Collection[Image]
) -> tuple[list[Exclusion], list[str]]:
    """Drop the exclusions of images that were processed before and whose file is a broken link.

    Such a file, for example in git-annex, is temporarily absent; the results stay valid. The result
    has the other exclusions, and the names of these images.
    """
    paths = {image.name: Path(image.path) for image in kept}
    away = [
        str(item.image)
        for item in exclusions
        if item.image in paths and not paths[str(item.image)].exists()
    ]
    return [item for item in exclusions if item.image not in away], away


def is_finished(output_dir: Path, image: Image, *, deface: bool) -> bool:
    """Return whether the main result of an image exists, defaced if faces are removed."""
    return (output_dir / (image.defaced if deface else image.preproc)).is_file()


def remove_faces(output_dir: Path) -> list[str]:
    """Remove the images with faces of a run without ``deface``; return their names.

    Links are removed too, but not the files that they point to.
    """
    removed = []
    shutil.rmtree(output_dir / FULL_GRID, ignore_errors=True)
    for shown in sorted(output_dir.glob(f"sub-*/**/anat/*_{WITH_FACE[0]}_*.nii.gz")):
        stem, suffix = shown.name.split(f"_{WITH_FACE[0]}_")
        corrected = f"{WITH_FACE[1]}_{suffix}"
        images = [shown, shown.with_name(f"{stem}_{corrected}")]
        images += shown.parent.glob(f"{stem}_space-*_{corrected}")
        for image in images:
            image.unlink(missing_ok=True)
            sidecar_of(image).unlink(missing_ok=True)
        removed.append(f"{stem}_{suffix}".removesuffix(".nii.gz"))
    return removed


def leftovers(
    output_dir: Path,
    subjects: Collection[str],
    *,
    deface: bool,
    outputs: Collection[str] = (),
) -> list[Path]:
    """Return the results that a run with the present dataset and settings would not make.

    `subjects` are the labels of the subjects of the dataset, and of those who will come from DICOM;
    `outputs` are the results for other programs that are asked for.
    """
    gone = [name for name in _subjects_in(output_dir) if name.removeprefix("sub-") not in subjects]
    paths = [output_dir / place.format(name) for name in gone for place in OF_SUBJECT]
    if "fmriprep" not in outputs:
        paths = [path for path in paths if not path.is_relative_to(output_dir / FULL_GRID)]
        paths.append(output_dir / FULL_GRID)
    left = [path for path in paths if path.exists()]
    unasked = [] if deface else [DEFACED]
    unasked += [] if "template" in outputs else [IN_TEMPLATE]
    for name in sorted(set(_subjects_in(output_dir)) - set(gone)):
        files = sorted((output_dir / name).glob("**/anat/*"))
        left += [file for file in files if any(kind.search(file.name) for kind in unasked)]
    return left


def removal_notice(output_dir: Path, left: Sequence[Path]) -> str:
    """Return a sentence that lists results, and the command that removes them.

    Examples
    --------
    >>> removal_notice(Path("/out"), [Path("/out/sub-9"), Path("/out/sub-9.html")])
    'The dataset and settings of this run would not make: sub-9, sub-9.html. Remove them with: \
cd /out && rm -r sub-9 sub-9.html'
    """
    names = [str(path.relative_to(output_dir)) for path in left]
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    command = f"cd {shlex.quote(str(output_dir))} && rm -r {shlex.join(names)}"
    return (
        f"The dataset and settings of this run would not make: {', '.join(names[:LISTED])}{more}. "
        f"Remove them with: {command}"
    )


def _subjects_in(output_dir: Path) -> Iterator[str]:
    return (path.name for path in sorted(output_dir.glob("sub-*")) if path.is_dir())
