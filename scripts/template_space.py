"""Rule template_space: resample a T1w, its brain mask and its tissues to the template.

The transform is that of skull stripping. The image is interpolated with a windowed sinc (Lanczos),
mask and probabilities linearly; each voxel of the mask gets the label of the most probable tissue.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ecdysis.files import write_json
from ecdysis.image.arrays import Values
from ecdysis.image.sidecar import sidecar_of
from ecdysis.image.volume import read, with_values, write
from ecdysis.plain_folder import plain_folder
from ecdysis.skullstrip import providers
from ecdysis.skullstrip.segmentation import write_probability
from ecdysis.skullstrip.tissues import TISSUES, labelled
from ecdysis.template import Template, label, resolve

ABOUT: dict[str, dict[str, Any]] = {
    "corrected": {"Description": "Without its bias field (N4)", "SkullStripped": False},
    "mask": {"Description": "Brain mask", "Type": "Brain"},
    "dseg": {"Description": "The most probable of three tissues"},
    **{tissue.label: {"Description": f"Probability of {tissue.name}"} for tissue in TISSUES},
}
"""The sidecar of each kind of file, in the order of the rule's inputs and outputs."""


def to_template(
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    transform: Path,
    template: Template,
    *,
    provider: str = "auto",
    threads: int = 1,
) -> dict[str, Any]:
    """Resample files to the grid of the template's head; return provider and version of ANTs.

    `inputs` and `outputs` are by the keys of `ABOUT`. The image is written as float32, mask and
    labels as uint8, probabilities as uint16 scaled to 0 to 1, which are 0 outside the mask. The
    `transform` (ITK) resamples an image to the template. `provider` is auto, system or embedded.

    Raises
    ------
    RuntimeError
        An ANTs program failed.
    """
    programs = providers.find(provider)
    grid = read(template.t1w)
    with plain_folder() as folder, programs.activated(threads):

        def warped(kind: str, interpolation: str = "Linear") -> Values:
            return _warp(inputs[kind], transform, template.t1w, interpolation, folder / kind)

        write(with_values(grid, warped("corrected", "LanczosWindowedSinc")), outputs["corrected"])
        mask = warped("mask") > 0.5
        maps = [warped(tissue.label) * mask for tissue in TISSUES]
    write(with_values(grid, mask.astype(np.uint8)), outputs["mask"])
    labels = np.zeros(mask.shape, dtype=np.uint8)
    labels[mask] = labelled(np.stack([values[mask] for values in maps]))
    write(with_values(grid, labels), outputs["dseg"])
    for tissue, values in zip(TISSUES, maps, strict=True):
        write_probability(values, grid, outputs[tissue.label])
    return programs.facts


def describe(
    outputs: Mapping[str, Path], sources: Mapping[str, Sequence[str]], reference: Mapping[str, str]
) -> None:
    """Write the sidecars; `reference` has the metadata about the template."""
    for kind, path in outputs.items():
        write_json(sidecar_of(path), {**ABOUT[kind], "Sources": list(sources[kind]), **reference})


def _warp(
    image: Path, transform: Path, reference: Path, interpolation: str, output: Path
) -> Values:
    """Return the values of one file on the grid of `reference`, within the range of its values."""
    from nipype.interfaces import ants

    values = nib.load(image).get_fdata(dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    result = output.with_suffix(".nii")
    node = ants.ApplyTransforms(
        dimension=3,
        input_image=str(image.absolute()),
        reference_image=str(reference),
        transforms=[str(transform.absolute())],
        interpolation=interpolation,
        default_value=low,
        float=True,
        output_image=str(result),
    )
    node.run(cwd=str(output.parent))
    # A sinc overshoots beside edges.
    within: Values = np.clip(nib.load(result).get_fdata(dtype=np.float32), low, high)
    return within


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
        sources["dseg"] = [f"bids::{inputs[tissue.label]}" for tissue in TISSUES]
        # BIDS requires the reference of a space that it does not list.
        custom = label(settings) == "custom"
        reference = {"SpatialReference": template.t1w.name} if custom else {}
        describe(outputs, sources, reference)
