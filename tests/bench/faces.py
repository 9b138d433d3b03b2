"""What the residual-face score says of real heads, with their faces and after defacing.

    python tests/bench/faces.py [--data DIR] [--dicom DIR] [--keep DIR] [--tools PYTHON] [HEAD...]

The brain mask of a head is that of its labels, of another tool, or DIR/HEAD/mask.nii.gz, as
``masks.py --keep DIR`` leaves it.

Defacers: that of this workflow; `quickshear` (Schimke & Hale 2011) and the template and face mask
of `pydeface` from PyPI, in an environment of your own whose Python is given by --tools. pydeface
calls FSL's flirt; here ANTs registers its template. Half-defaced images: only the right half of the
face removed; only the nose; everything but the ears.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from ecdysis.deface.face import BRAIN_MARGIN_MM, away_from, face_region, landmarks
from ecdysis.deface.residual import PARTS, Score, align_to_template, residual_face
from ecdysis.template import embedded
from label_heads import BRAIN_BELOW
from masks import DATA, Head, find
from nibabel.processing import resample_from_to

USUAL = (
    "asl_t1", "colin27", "s1", "studyforrest", "ms01_T1w", *(f"label{n}_T1w" for n in range(1, 9)),
    *(f"label{n}_FLAIR" for n in range(1, 5)), *(f"label{n}_T2w" for n in range(5, 9)),
)  # fmt: skip
WITHOUT_FACE = ("studyforrest", "ms01_T1w", "ms01_T2w", "ms01_FLAIR")
"""Heads that were defaced before they were published."""
UNTOUCHED_MM = 4.0
Image = nib.Nifti1Image


def brain_of(head: Head, image: Image, kept: Path | None) -> Image | None:
    """Return the brain mask of a head: from its labels, by another tool, or the kept one."""
    if head.labels:
        labels = nib.load(head.labels)
        values = np.asanyarray(labels.dataobj)
        return Image(((values > 0) & (values < BRAIN_BELOW)).astype(np.uint8), labels.affine)
    file = head.tools.get("deepbet", kept)
    if file is None or not file.is_file():
        return None
    mask = nib.load(file)
    values = (np.asanyarray(mask.dataobj) > 0).astype(np.uint8)
    return resample_from_to(Image(values, mask.affine), (image.shape, image.affine), order=0)


def halved(image: Image) -> Image:
    """Return every second voxel of an image of 1 mm or finer; the score works at 2 mm."""
    steps = tuple(slice(None, None, 1 + (zoom < 1.5)) for zoom in image.header.get_zooms()[:3])
    return image.slicer[steps]


def without(image: Image, region: np.ndarray) -> Image:
    """Return an image with 0 in a region."""
    return Image(np.where(region, 0, np.asanyarray(image.dataobj)), image.affine)


def variants(image: Image, mask: Image, tools: Path | None) -> Iterator[tuple[str, Image]]:
    """Yield an image as it is, and as defacers leave it."""
    yield "as it is", image
    to_template = np.linalg.inv(align_to_template(mask)[0])
    marks = landmarks(nib.load(embedded(2).brain_mask))
    brain = np.asanyarray(mask.dataobj) > 0
    region = face_region(image.shape, to_template @ image.affine, marks)
    region &= away_from(brain, image.affine, BRAIN_MARGIN_MM)
    yield "this workflow", without(image, region)
    grid = np.moveaxis(np.indices(image.shape), 0, -1)
    x, y, _ = np.moveaxis(nib.affines.apply_affine(to_template @ image.affine, grid), -1, 0)
    yield "right half only", without(image, region & (x > 0))
    yield "nose only", without(image, region & (np.abs(x) < 14) & (y > 60))
    yield "all but the ears", without(image, region & (np.abs(x) < 70))
    if tools:
        yield from _by_tools(image, mask, tools)


def _by_tools(image: Image, mask: Image, tools: Path) -> Iterator[tuple[str, Image]]:
    with tempfile.TemporaryDirectory() as folder:
        head, brain, made = (Path(folder, f"{name}.nii.gz") for name in ("head", "brain", "made"))
        nib.save(image, head)
        nib.save(mask, brain)
        program = tools.with_name("quickshear")
        subprocess.run([program, head, brain, made], check=True, capture_output=True)
        yield "quickshear", nib.load(made)
        data = next(tools.parent.parent.glob("lib/python*/site-packages/pydeface/data"))
        yield "pydeface", _pydeface(head, data)


def _pydeface(head: Path, data: Path) -> Image:
    """Apply pydeface's face mask (0 on the face), registered by ANTs with 12 parameters."""
    import ants

    fixed, moving = ants.image_read(str(head)), ants.image_read(str(data / "mean_reg2mean.nii.gz"))
    found = ants.registration(fixed, moving, "Affine", random_seed=1)
    face = ants.apply_transforms(
        fixed,
        ants.image_read(str(data / "facemask.nii.gz")),
        found["fwdtransforms"],
        "nearestNeighbor",
    )
    image = nib.load(head)
    return without(image, face.numpy() < 0.5)


def line(name: str, kind: str, score: Score) -> str:
    """Return a row of the table."""
    cells = (
        "-" if value is None else f"{min(value, 99):.0f}" for value in score.distances_mm.values()
    )
    return f"| {name} | {kind} | {' | '.join(cells)} | {score.verdict} |"


def expected(name: str, kind: str, score: Score, before: Score) -> tuple[str, ...]:
    """Return the right verdicts.

    Of another defacer: nose or eyes are left if their surface moved by less than `UNTOUCHED_MM`.
    """
    if name in WITHOUT_FACE:
        return ("none",) if kind == "this workflow" else ("none", "ears")
    if kind in ("as it is", "right half only", "nose only"):
        return ("face",)
    if kind == "this workflow":
        return ("none",)
    parts = [part for part in PARTS if not part.endswith("ear")]
    moved = [(score.distances_mm[part] or 0) - (before.distances_mm[part] or 0) for part in parts]
    return ("face",) if min(moved) < UNTOUCHED_MM else ("none", "ears")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("heads", nargs="*", default=USUAL)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--dicom", type=Path)
    parser.add_argument("--keep", type=Path, help="filled by masks.py --keep")
    parser.add_argument("--tools", type=Path)
    given = parser.parse_args()
    print("| head | defaced by | nose | right eye | left eye | right ear | left ear | verdict |")
    print("|---|---|---|---|---|---|---|---|")
    wrong = total = 0
    for name in given.heads:
        with tempfile.TemporaryDirectory() as folder:
            head = find(name, given.data, given.dicom, Path(folder))
            if head is None:
                print(f"| {name} | absent | | | | | | |")
                continue
            image = nib.load(head.image)
            image = Image(np.squeeze(np.asanyarray(image.dataobj)), image.affine)
            brain = brain_of(head, image, given.keep and given.keep / name / "mask.nii.gz")
            if brain is None:
                print(f"| {name} | no brain mask | | | | | | |")
                continue
            image, mask = halved(image), halved(brain)
            aligned = align_to_template(mask)
            before = Score({}, 1)
            for kind, made in variants(image, mask, given.tools):
                score = residual_face(made, mask, aligned)
                before = score if kind == "as it is" else before
                right = score.verdict in expected(name, kind, score, before)
                total, wrong = total + 1, wrong + (not right)
                print(line(name, kind, score) + ("" if right else " WRONG"), flush=True)
    print(f"\n{wrong} of {total} wrong")


if __name__ == "__main__":
    main()
