"""Give an image the brain mask of the T1w of its session, by rigid registration to it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ecdysis.errors import InputError
from ecdysis.files import atomic
from ecdysis.image.resampling import resample
from ecdysis.plain_folder import plain_folder
from ecdysis.skullstrip import mask_check, providers, working_image
from ecdysis.skullstrip.attempts import Attempt, best_attempt
from ecdysis.skullstrip.brain_recipe import RECIPE
from ecdysis.skullstrip.itk import describe_transforms, read_affine, write_affine
from ecdysis.skullstrip.rigid_alignment import AROUND_BRAIN_MM, Aligned, align

STRATEGIES = ("positions in the scanner", "centres of mass")
"""How the first alignment is found; the next is tried when the mask fails its check."""


@dataclass(frozen=True)
class Outputs:
    """The mask on the grid of the image, and the transforms between it and the T1w (ITK text)."""

    mask: Path
    to_t1w: Path
    from_t1w: Path


def transfer(
    image: Path,
    t1w: Path,
    t1w_mask: Path,
    outputs: Outputs,
    *,
    provider: str = "auto",
    threads: int = 1,
) -> dict[str, Any]:
    """Write the brain mask of an image by that of the T1w of its session.

    `image` is a head of any contrast, 3-D; the T1w and its brain mask are on one grid. The result
    has provider, version, ``alignment``, measures and ``check``.

    Raises
    ------
    InputError
        The image cannot hold a brain, or the brain lies outside its field of view.
    RuntimeError
        An ANTs program failed.
    """
    programs, source = providers.find(provider), nib.load(image)
    with plain_folder() as folder, programs.activated(threads):
        files = _working_files(image, t1w, t1w_mask, folder)

        def attempt(strategy: str) -> Attempt[Aligned]:
            aligned = align(
                *files,
                folder / f"attempt{STRATEGIES.index(strategy)}",
                by_centres=strategy != STRATEGIES[0],
                threads=threads,
            )
            return _judged(strategy, aligned, source, files[0])

        best, alignment = best_attempt(STRATEGIES, attempt)
        if not best.mask.any():
            raise InputError(
                image,
                "the brain of the T1w of its session does not lie in its field of view",
                "Look at both images; exclude this one by the config key filters",
            )
        working_image.write_mask(best.mask, source, outputs.mask)
        _write_transforms(best.registered, outputs)
    alignment["reference"] = "T1w of the session"
    return {
        **programs.facts,
        "alignment": alignment,
        "measures": best.measures,
        "check": best.check,
    }


def _write_transforms(aligned: Aligned, outputs: Outputs) -> None:
    to_t1w = read_affine(aligned.to_t1w)
    from_t1w = np.linalg.inv(to_t1w).astype(np.float64)
    for affine, path in ((to_t1w, outputs.to_t1w), (from_t1w, outputs.from_t1w)):
        with atomic(path) as partial:
            write_affine(affine, partial)


def _working_files(
    image: Path, t1w: Path, t1w_mask: Path, folder: Path
) -> tuple[Path, Path, Path, Path]:
    """Write working images of both, the mask, and where the similarity is measured."""
    heads = []
    for name, path in (("image", image), ("t1w", t1w)):
        working = working_image.prepare(nib.load(path), path, RECIPE.spacing, RECIPE.winsorize)
        heads.append(folder / f"{name}.nii")
        nib.save(working, heads[-1])
    mask = nib.load(t1w_mask)
    soft = resample(
        mask.get_fdata(dtype=np.float32),
        working_image.native_grid(mask).zooms,
        working.shape,
        (RECIPE.spacing,) * 3,
    )
    soft_file = folder / "mask.nii"
    nib.save(nib.Nifti1Image(soft, working.affine), soft_file)
    near = folder / "near_brain.nii"
    working_image.dilated_file(soft_file, near, AROUND_BRAIN_MM)
    return heads[0], heads[1], soft_file, near


def _judged(
    strategy: str, aligned: Aligned, source: nib.Nifti1Image, image: Path
) -> Attempt[Aligned]:
    """Make the mask of an alignment, and check it by the measures that need no template."""
    grid = working_image.native_grid(source)
    soft = nib.load(aligned.mask).get_fdata(dtype=np.float32)
    mask = working_image.finish(soft, RECIPE.spacing, grid)
    inside = soft > 0.5
    values = nib.load(image).get_fdata(dtype=np.float32)[inside]
    t1w = nib.load(aligned.t1w).get_fdata(dtype=np.float32)[inside]
    ratio = mask_check.correlation_ratio(values, t1w)
    measures = {**mask_check.measure_image(mask, source), "similarity": round(ratio, 4)}
    return Attempt(strategy, mask, aligned, measures, mask_check.judge(measures))


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        outputs = Outputs(Path(job.output.mask), Path(job.output.to_t1w), Path(job.output.from_t1w))
        details.update(
            transfer(
                Path(job.input.image),
                Path(job.input.t1w),
                Path(job.input.t1w_mask),
                outputs,
                provider=job.params.provider,
                threads=job.threads,
            )
        )
        chosen = Path(job.input.raw_t1w).name
        details["alignment"]["reference"] = f"T1w of the session: {chosen}"
        describe_transforms(
            (outputs.to_t1w, outputs.from_t1w),
            job.wildcards.suffix,
            "T1w",
            job.params.sources,
            "rigid, of antsRegistration (doi:10.1109/TMI.2003.809072)",
        )
