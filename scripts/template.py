"""Rule template: prepare the head template: 2 mm, cropped around the brain, its mask filled.

The brain mask of a template may exclude ventricles and cisterns. Brain extraction needs everything
inside the meninges, so the mask is filled.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ecdysis.errors import InputError
from ecdysis.files import atomic, write_json
from ecdysis.image.resampling import isotropic_grid, resample
from ecdysis.skullstrip.brain_recipe import RECIPE, Recipe
from ecdysis.skullstrip.tissues import maps_of_template
from ecdysis.skullstrip.working_image import closed
from ecdysis.template import Prepared, Template, resolve
from scipy import ndimage


def prepare(
    template: Template, recipe: Recipe = RECIPE
) -> tuple[nib.Nifti1Image, nib.Nifti1Image, nib.Nifti1Image, list[nib.Nifti1Image]]:
    """Return head, brain mask, registration mask and tissue maps of a template, for registration.

    They are at `recipe.spacing`, cropped to the brain and `recipe.template_margin` around it. The
    brain mask is the fraction of brain in each voxel, 0 to 1; the registration mask is uint8, and 1
    everywhere if the template has none. The maps are of fluid, grey and white matter, 0 to 1: of
    the template, or estimated from its brightness.

    Raises
    ------
    InputError
        The brain mask is empty.
    """
    source = nib.load(template.t1w)
    zooms = np.linalg.norm(source.affine[:3, :3], axis=0)
    shape, affine = isotropic_grid(source.shape[:3], source.affine, recipe.spacing)

    def resampled(data: Any) -> Any:
        return resample(data.astype(np.float32), zooms, shape, (recipe.spacing,) * 3)

    head = resampled(source.get_fdata(dtype=np.float32))
    brain = resampled(nib.load(template.brain_mask).get_fdata(dtype=np.float32) > 0.5)
    filled = ndimage.binary_fill_holes(closed(brain > 0.5, recipe.template_fill, recipe.spacing))
    if not filled.any():
        raise InputError(
            "skullstrip.template.brain_mask",
            "no voxel is above 0.5",
            "Give a mask or a probability of brain",
        )
    brain[filled & (brain <= 0.5)] = 1
    where = np.ones(shape, dtype=np.uint8)
    if template.registration_mask is not None:
        given = nib.load(template.registration_mask).get_fdata(dtype=np.float32)
        where = (resampled(given > 0.5) > 0.5).astype(np.uint8)

    margin = round(recipe.template_margin / recipe.spacing)
    inside = np.argwhere(filled)
    first = np.maximum(inside.min(axis=0) - margin, 0)
    last = np.minimum(inside.max(axis=0) + margin + 1, shape)
    box = tuple(slice(low, high) for low, high in zip(first, last, strict=True))
    affine[:3, 3] += affine[:3, :3] @ first
    if template.priors:
        given = [nib.load(prior).get_fdata(dtype=np.float32) for prior in template.priors]
        maps = [np.clip(resampled(prior), 0, 1)[box] for prior in given]
    else:
        maps = list(maps_of_template(head[box], brain[box] > 0.5))
    head, brain, where = (nib.Nifti1Image(volume[box], affine) for volume in (head, brain, where))
    return head, brain, where, [nib.Nifti1Image(volume, affine) for volume in maps]


def write(settings: Mapping[str, Any], prepared: Prepared) -> dict[str, Any]:
    """Resolve, prepare and write the template of ``skullstrip.template``; return its facts."""
    template = resolve(settings)
    head, brain, where, maps = prepare(template)
    files = {
        prepared.t1w: head,
        prepared.brain_mask: brain,
        prepared.registration_mask: where,
        **dict(zip(prepared.tissue_maps, maps, strict=True)),
    }
    for path, image in files.items():
        with atomic(path) as partial:
            nib.save(image, partial)
    content = {"name": template.name, "origin": template.origin, "sha256": template.sha256}
    write_json(prepared.facts, content)
    return content


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "template") as details:
        details.update(write(job.params.template or {}, Prepared(Path(job.output.folder))))
