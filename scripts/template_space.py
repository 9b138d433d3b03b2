"""Rule template_space: resample a T1w, its brain mask and its tissues to the template.

The transform is that of skull stripping. The image is interpolated with a windowed sinc (Lanczos),
probabilities linearly, labels by the class with the largest weight (ANTs: GenericLabel).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ecdysis.files import write_json
from ecdysis.image.sidecar import sidecar_of
from ecdysis.image.volume import Volume, read, with_values, write
from ecdysis.plain_folder import plain_folder
from ecdysis.skullstrip import providers
from ecdysis.skullstrip.segmentation import STEPS
from ecdysis.template import Template, label, resolve

IMAGE, LABELS, PROBABILITY = "LanczosWindowedSinc", "GenericLabel", "Linear"
"""How ANTs interpolates each kind of file."""
ABOUT: dict[str, tuple[str, dict[str, Any]]] = {
    "corrected": (IMAGE, {"Description": "Without its bias field (N4)", "SkullStripped": False}),
    "mask": (LABELS, {"Description": "Brain mask", "Type": "Brain"}),
    "dseg": (LABELS, {"Description": "The most probable of three tissues"}),
    "CSF": (PROBABILITY, {"Description": "Probability of Cerebrospinal Fluid"}),
    "GM": (PROBABILITY, {"Description": "Probability of Grey Matter"}),
    "WM": (PROBABILITY, {"Description": "Probability of White Matter"}),
}
"""The interpolation and the sidecar of each kind of file."""


def to_template(
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    transform: Path,
    template: Template,
    *,
    provider: str = "auto",
    threads: int = 1,
) -> dict[str, Any]:
    """Resample files to the grid of the template's head.

    Parameters
    ----------
    inputs, outputs : mapping
        Paths by the keys of `ABOUT`.
    transform : Path
        Resamples an image to the template, ITK.
    template : Template
    provider : {"auto", "system", "embedded"}
    threads : int

    Returns
    -------
    dict
        Provider and version of ANTs.

    Raises
    ------
    RuntimeError
        An ANTs program failed.
    """
    programs = providers.find(provider)
    grid = read(template.t1w)
    with plain_folder() as folder, programs.activated(threads):
        for kind, path in inputs.items():
            warped = _warp(path, transform, template.t1w, ABOUT[kind][0], folder / f"{kind}.nii")
            write(_volume(grid, read(warped).stored, ABOUT[kind][0]), outputs[kind])
    return programs.facts


def describe(
    outputs: Mapping[str, Path], sources: Mapping[str, Sequence[str]], reference: Mapping[str, str]
) -> None:
    """Write the sidecars; `reference` has the metadata about the template."""
    for kind, path in outputs.items():
        words = ABOUT[kind][1]
        write_json(sidecar_of(path), {**words, "Sources": list(sources[kind]), **reference})


def _warp(image: Path, transform: Path, reference: Path, interpolation: str, output: Path) -> Path:
    """Resample one file; return the result, within the range of the input."""
    from nipype.interfaces import ants

    values = nib.load(image).get_fdata(dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    node = ants.ApplyTransforms(
        dimension=3,
        input_image=str(image.absolute()),
        reference_image=str(reference),
        transforms=[str(transform.absolute())],
        interpolation=interpolation,
        default_value=low,
        float=True,
        output_image=str(output),
    )
    node.run(cwd=str(output.parent))
    warped = nib.load(output)
    # A sinc overshoots beside edges.
    within = np.clip(warped.get_fdata(dtype=np.float32), low, high)
    nib.save(nib.Nifti1Image(within, warped.affine), output)
    return output


def _volume(grid: Volume, values: Any, interpolation: str) -> Volume:
    """Return values in the data type of their kind: float32, uint8, or uint16 scaled to 0 to 1."""
    if interpolation == IMAGE:
        return with_values(grid, values.astype(np.float32))
    if interpolation == LABELS:
        return with_values(grid, np.rint(values).astype(np.uint8))
    steps = np.rint(values * STEPS).astype(np.uint16)
    scaled = with_values(grid, steps)
    scaled.header["scl_slope"] = 1 / STEPS
    return scaled


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "template_space") as details:
        settings = job.params.template
        template = resolve(settings)
        inputs = {kind: Path(path) for kind, path in zip(ABOUT, job.input.images, strict=True)}
        outputs = {kind: Path(path) for kind, path in zip(ABOUT, job.output, strict=True)}
        details.update(
            to_template(
                inputs,
                outputs,
                Path(job.input.transform),
                template,
                provider=job.params.provider,
                threads=job.threads,
            )
        )
        sources = {kind: [f"bids::{path}"] for kind, path in inputs.items()}
        # BIDS requires the reference of a space that it does not list.
        custom = label(settings) == "custom"
        reference = {"SpatialReference": template.t1w.name} if custom else {}
        describe(outputs, sources, reference)
