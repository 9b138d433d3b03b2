"""How near brain masks come to the truth on real heads, and on heads made from real label maps.

    python tests/bench/masks.py [HEAD ...] [--data FOLDER] [--dicom FOLDER] [--keep FOLDER]

Prints one row a head, and one a stored mask of another tool. The truth is what deepbet and ROBEX
have in common, a label map, or pial surfaces; a head without a truth has only verdict and seconds.
The rows of deepbet and ROBEX flatter them, since the truth is made of both. `mask_measures` defines
the columns: per cent but for Dice and HD95 (mm). Heads whose files are absent are left out.
"""

import argparse
import contextlib
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import mask_measures
import template as template_script
from ecdysis.image.resampling import resample
from ecdysis.skullstrip import ants_recipe
from ecdysis.skullstrip.byproducts import Byproducts
from ecdysis.template import Prepared
from label_heads import BRAIN_BELOW, CORTEX, FLUID, Scan, build

DATA = Path(__file__).parents[3] / "shared" / "data" / "heads"
FILES = {
    "s1": "s1/T1w.nii.gz",
    "ms01_T1w": "ms01/T1W.nii.gz",
    "ms01_T2w": "ms01/T2W.nii.gz",
    "ms01_FLAIR": "ms01/FLAIR.nii.gz",
    "colin27": "/usr/share/mricron/templates/ch2.nii.gz",
}
"""Stored images: relative to the data folder, or of Debian's package mricron-data."""
SERIES = {"asl_t1": "dcm_qa_asl/In/T1", "studyforrest": "dicoms"}
"""Series to convert, relative to the folder of unpacked DICOM."""
SURFACES = {"s1": ("s1/pia_lh.gii", "s1/pia_rh.gii")}
SCANS = {
    "T1w": Scan(),
    "T2w": Scan("T2w"),
    "FLAIR": Scan("FLAIR", slice_mm=4),
    "PDw": Scan("PDw", slice_mm=3),
    "T1wGd": Scan("T1wGd"),
    "child": Scan(scale=(0.93, 0.85, 0.92), layers=0.55, noise=4),
}
LABEL_HEADS = {f"label{number}_{kind}": (number, kind) for number in range(1, 9) for kind in SCANS}
"""Any label map in any contrast; without names, a run takes the six in `USUAL`."""
USUAL = (
    "s1", "asl_t1", "studyforrest", "colin27", "ms01_T1w", "ms01_T2w", "ms01_FLAIR",
    "label1_T1w", "label2_T2w", "label3_FLAIR", "label4_PDw", "label5_child", "label6_T1wGd",
)  # fmt: skip
TRUTH_TOOLS = ("deepbet", "robex")
COLUMNS = {
    "dice": ("Dice", 3),
    "with_fluid": ("Dice with fluid", 3),
    "hd95": ("HD95, mm", 1),
    "missing": ("missing", 2),
    "tissue": ("of it tissue", 2),
    "extra": ("extra", 2),
    "pial": ("pial vertices outside by > 1 mm", 2),
    "cortex": ("cortex missed", 2),
    "other": ("other tissue missed", 2),
}
"""Heading and decimals of each measure."""


@dataclass(frozen=True)
class Head:
    """An image and what is known of its brain; absent parts are empty.

    Attributes
    ----------
    image : path
    is_t1w : bool
    labels : path, optional
        Label map on the grid of the image.
    surfaces : paths
        Pial surfaces (GIFTI), world coordinates of the image.
    tools : dict
        Masks of other tools, by their name.
    """

    image: Path
    is_t1w: bool
    labels: Path | None
    surfaces: list[Path]
    tools: dict[str, Path]


@dataclass(frozen=True)
class Made:
    """A mask of this workflow, the head without bias field, and what the making of it was like."""

    mask: nib.Nifti1Image
    flattened: nib.Nifti1Image
    verdict: str
    cpu_s: float


def find(name: str, data: Path, dicom: Path | None, folder: Path) -> Head | None:
    """Return a head, made or converted in `folder`; None where its files are absent."""
    if name in LABEL_HEADS:
        return _from_labels(name, data, folder)
    image: Path | None = data / FILES[name] if name in FILES else None
    if name in SERIES and dicom is not None:
        image = _converted(dicom / SERIES[name], folder)
    if image is None or not image.is_file():
        return None
    start = f"{name}_"
    references = sorted((data / "references").glob(f"{start}*.nii.gz"))
    return Head(
        image,
        is_t1w=not name.startswith("ms01") or name.endswith("T1w"),
        labels=None,
        surfaces=[data / path for path in SURFACES.get(name, ())],
        tools={path.name.removeprefix(start).split(".")[0]: path for path in references},
    )


def _from_labels(name: str, data: Path, folder: Path) -> Head | None:
    number, kind = LABEL_HEADS[name]
    source = data / f"synthseg/training_seg_{number:02d}.nii.gz"
    if not source.is_file():
        return None
    scan = replace(SCANS[kind], seed=number)
    image, labels = build(source, scan)
    nib.save(image, folder / "head.nii")
    nib.save(labels, folder / "labels.nii")
    is_t1w = scan.contrast.startswith("T1w")
    return Head(folder / "head.nii", is_t1w, folder / "labels.nii", [], {})


def _converted(series: Path, folder: Path) -> Path | None:
    """Convert a series with the dcm2niix beside this Python."""
    if not series.is_dir():
        return None
    program = Path(sys.executable).with_name("dcm2niix")
    command = [str(program), "-f", "head", "-z", "n", "-o", str(folder), str(series)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "head.nii"


def strip(head: Head, template: Prepared, folder: Path, threads: int) -> Made:
    """Make the mask as the workflow does for an image that is alone in its session."""
    used = cpu_seconds()
    field = folder / "field.nii.gz"
    # nipype writes its messages to what is the standard output when it is imported.
    with contextlib.redirect_stdout(sys.stderr):
        details = ants_recipe.skullstrip(
            head.image,
            template,
            folder / "mask.nii.gz",
            byproducts=Byproducts(folder / "posteriors.nii.gz", field, folder / "affine.mat"),
            priors=not head.is_t1w,
            provider="embedded",
            threads=threads,
        )
    cpu = cpu_seconds() - used
    image, bias = nib.load(head.image), nib.load(field)
    zooms, coarse = (np.linalg.norm(one.affine[:3, :3], axis=0) for one in (image, bias))
    values = resample(bias.get_fdata(dtype=np.float32), coarse, image.shape, zooms)
    flat = image.get_fdata(dtype=np.float32) / np.maximum(values, 1e-3)
    return Made(
        nib.load(folder / "mask.nii.gz"),
        nib.Nifti1Image(flat, image.affine),
        details["check"]["verdict"],
        cpu,
    )


def measure(head: Head, mask: nib.Nifti1Image, flattened: nib.Nifti1Image) -> dict[str, float]:
    """Take the measures for which the head has a truth."""
    inside = np.asanyarray(mask.dataobj) > 0.5
    zooms = np.linalg.norm(mask.affine[:3, :3], axis=0)
    measures: dict[str, float] = {}
    if head.labels:
        labels = np.asanyarray(nib.load(head.labels).dataobj)
        brain = (labels > 0) & (labels < BRAIN_BELOW)
        tissue, cortex = brain & ~np.isin(labels, FLUID), np.isin(labels, CORTEX)
        measures |= mask_measures.against_labels(inside, brain, tissue, cortex, zooms)
    if head.surfaces:
        points = np.concatenate([nib.load(path).darrays[0].data for path in head.surfaces])
        measures |= mask_measures.against_surfaces(inside, mask.affine, points)
    if all(tool in head.tools for tool in TRUTH_TOOLS):
        grid = nib.load(head.tools[TRUTH_TOOLS[0]])
        tools = [_on_grid(nib.load(head.tools[tool]), grid) > 0.5 for tool in TRUTH_TOOLS]
        measures |= mask_measures.against_tools(
            _on_grid(mask, grid) > 0.5,
            tools,
            _on_grid(flattened, grid),
            np.linalg.norm(grid.affine[:3, :3], axis=0),
        )
    return measures


def _on_grid(image: nib.Nifti1Image, grid: nib.Nifti1Image) -> NDArray[np.float32]:
    """Return the values of an image on the grid of another, linear between voxels."""
    values = nib.Nifti1Image(image.get_fdata(dtype=np.float32), image.affine)
    if image.shape != grid.shape or not np.allclose(image.affine, grid.affine, atol=1e-3):
        values = resample_from_to(values, (grid.shape, grid.affine), order=1)
    return values.get_fdata(dtype=np.float32)


def row(name: str, measures: dict[str, float], verdict: str = "–", cpu: str = "–") -> str:
    """Return one line of the table."""
    cells = [
        f"{measures[key]:.{decimals}f}" if key in measures else "–"
        for key, (_, decimals) in COLUMNS.items()
    ]
    return f"| {' | '.join([name, *cells, verdict, cpu])} |"


def cpu_seconds() -> float:
    """CPU time of this process and its children so far."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the heads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = {*FILES, *SERIES, *LABEL_HEADS}
    parser.add_argument("names", metavar="HEAD", nargs="*", help=f"of {', '.join(USUAL)}")
    parser.add_argument("--data", type=Path, default=DATA, help="heads and references")
    parser.add_argument("--dicom", type=Path, help=f"holds {' and '.join(SERIES.values())}")
    parser.add_argument("--keep", type=Path, help="gets heads and masks; default is temporary")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.names) - names):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(sorted(names))}")
    headings = ["head", *(heading for heading, _ in COLUMNS.values()), "verdict", "CPU, s"]
    print(f"| {' | '.join(headings)} |\n|---|{'---:|' * len(COLUMNS)}---|---:|", flush=True)
    absent = []
    with contextlib.ExitStack() as stack:
        root = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        template = Prepared(root / "template")
        (root / "template").mkdir(parents=True, exist_ok=True)
        template_script.write({}, template)
        for name in asked.names or USUAL:
            folder = root / name
            folder.mkdir(exist_ok=True)
            head = find(name, asked.data, asked.dicom, folder)
            if head is None:
                absent.append(name)
                continue
            made = strip(head, template, folder, asked.threads)
            measures = measure(head, made.mask, made.flattened)
            print(row(name, measures, made.verdict, f"{made.cpu_s:.0f}"), flush=True)
            for tool, path in head.tools.items():
                print(row(f"{name}, {tool}", measure(head, nib.load(path), made.flattened)))
    if absent:
        print(f"\nLeft out, since their files are absent: {', '.join(absent)}")


if __name__ == "__main__":
    main()
