"""Make a brain mask on the grid of an image by the recipe of `lib.skullstrip.brain_extraction`.

The image is worked on at 2 mm, so that time and memory hardly grow with its resolution; the
mask's soft edge is brought back to the native grid between voxels.
"""

import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from lib.errors import InputError
from lib.plain_folder import linked, plain_folder
from lib.skullstrip import brain_extraction, mask_check, providers, working_image
from lib.skullstrip.brain_recipe import RECIPE, Recipe


def skullstrip(
    image: Path,
    template: Path,
    template_mask: Path,
    mask: Path,
    *,
    registration_mask: Path | None = None,
    provider: str = "auto",
    threads: int = 1,
    recipe: Recipe = RECIPE,
) -> dict[str, Any]:
    """Write the brain mask of a head.

    Parameters
    ----------
    image : path
        T1-weighted head, 3-D, any grid.
    template, template_mask, registration_mask : path
        As prepared by the rule `template`.
    mask : path
        Gets the mask, uint8, on the grid of `image`.
    provider : {"auto", "system", "embedded"}
    threads : int
    recipe : Recipe

    Returns
    -------
    dict
        Provider, version, measures, ``check`` (verdict and reasons) and seconds.

    Raises
    ------
    InputError
        The image cannot hold a brain, the mask is empty, or the provider does not run.
    RuntimeError
        An ANTs program failed.
    """
    began = time.monotonic()
    programs = providers.find(provider)
    source = nib.load(image)
    grid = working_image.native_grid(source)
    working = working_image.prepare(source, image, recipe.spacing, recipe.winsorize)
    prepared = time.monotonic()
    mask.parent.mkdir(parents=True, exist_ok=True)
    where = _if_partial(registration_mask)
    with plain_folder() as folder, programs.activated(threads):
        working_file = folder / "working.nii"
        nib.save(working, working_file)
        registered = brain_extraction.run(
            working_file,
            linked(template, folder, "template"),
            linked(template_mask, folder, "template_mask"),
            folder,
            registration_mask=where and linked(where, folder, "registration_mask"),
            finest_mm=min(grid.zooms),
            threads=threads,
            recipe=recipe,
        )
        aligned = time.monotonic()
        prior = nib.load(registered.prior)
        brain = working_image.finish(
            prior.get_fdata(dtype=np.float32), recipe.spacing, recipe.closing, grid
        )
        measures = mask_check.measure(
            brain,
            grid,
            prior,
            nib.load(registered.corrected),
            nib.load(registered.template),
            nib.load(template_mask),
            registered.affine,
        )
    if not brain.any():
        raise InputError(
            image,
            "no brain was found in it",
            "Look at the image and its orientation; exclude it, or give a mask of your own",
        )
    working_image.write_mask(brain, source, mask)
    return {
        **programs.facts,
        "measures": measures,
        "check": mask_check.judge(measures),
        "seconds": {
            "prepare": round(prepared - began, 2),
            "register": round(aligned - prepared, 2),
            "finish": round(time.monotonic() - aligned, 2),
        },
    }


def _if_partial(registration_mask: Path | None) -> Path | None:
    """Drop a mask that is 1 everywhere: it changes no result, but it costs time."""
    if registration_mask is None or np.all(nib.load(registration_mask).dataobj):
        return None
    return registration_mask


if "snakemake" in globals():
    from lib.job import recorded
    from lib.template import resolve

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        details["template"] = resolve(job.params.template or {}).name
        where = job.input.get("template_registration_mask")
        details.update(
            skullstrip(
                Path(job.input.image),
                Path(job.input.template_t1w),
                Path(job.input.template_mask),
                Path(job.output.mask),
                registration_mask=Path(where) if where else None,
                provider=job.params.provider,
                threads=job.threads,
            )
        )
