"""The workflow's own way: a brain mask on an image's grid, by the recipe of `brain_extraction`.

The image is worked on at 2 mm, so that time and memory hardly grow with its resolution; the
mask's soft edge is brought back to the native grid between voxels.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ecdysis.files import atomic, write_json
from ecdysis.image.resampling import FloatArray
from ecdysis.image.sidecar import sidecar_of
from ecdysis.plain_folder import linked, plain_folder
from ecdysis.skullstrip import brain_extraction, mask_check, providers, tissues, working_image
from ecdysis.skullstrip.already_stripped import stripped_brain
from ecdysis.skullstrip.attempts import Attempt, best_attempt
from ecdysis.skullstrip.brain_extraction import Registered, Task
from ecdysis.skullstrip.brain_recipe import RECIPE, Recipe
from ecdysis.skullstrip.byproducts import Byproducts
from ecdysis.skullstrip.cortex_border import follow_cortex
from ecdysis.skullstrip.external_program import no_brain
from ecdysis.template import Prepared

STRATEGIES = ("orientation in the header", "search over all rotations")
"""How the first alignment is found; the next is tried when the mask fails its check."""


def skullstrip(
    image: Path,
    template: Prepared,
    mask: Path,
    *,
    byproducts: Byproducts | None = None,
    transforms: tuple[Path, Path] | None = None,
    priors: bool = False,
    keep_stripped: bool = True,
    provider: str = "auto",
    threads: int = 1,
    recipe: Recipe = RECIPE,
) -> dict[str, Any]:
    """Write the brain mask of a head.

    Parameters
    ----------
    image, mask : path
        A 3-D head on any grid; the mask to write, uint8 on the same grid.
    template : Prepared
    byproducts : Byproducts, optional
        Where to write posteriors, bias field, affine and the warped template.
    transforms : two paths, optional
        Get the composite transforms (h5) that resample the head to the template, and the reverse.
    priors : bool
        Find tissues with the template's maps, as for images that are not T1w; by default they are
        found by their brightness.
    keep_stripped : bool
        Whether an image whose skull was stripped before keeps its brain as the mask.
    provider : {"auto", "system", "embedded"}

    Returns
    -------
    dict
        Provider, version, measures, ``check`` (verdict and reasons), ``alignment`` (strategy, and
        the reasons against one that was given up) and seconds.

    Raises
    ------
    InputError
        The image cannot hold a brain, the mask is empty, or the provider does not run.
    RuntimeError
        An ANTs program failed.
    """
    began = time.monotonic()
    programs, source = providers.find(provider), nib.load(image)
    working = working_image.prepare(source, image, recipe.spacing, recipe.winsorize)
    brain = _stripped_before(source) if keep_stripped else None
    prepared = time.monotonic()
    with plain_folder() as folder, programs.activated(threads):
        task = _task(working, source, template, folder, priors=priors)
        if brain is not None:
            task = replace(task, template=_template_brain(task, folder))
        attempt = partial(
            _attempt,
            task=task,
            source=source,
            threads=threads,
            recipe=recipe,
            sort=not priors,
            brain=brain,
        )
        best, alignment = best_attempt(STRATEGIES, attempt)
        aligned = time.monotonic()
        if not best.mask.any():
            raise no_brain(image)
        mask.parent.mkdir(parents=True, exist_ok=True)
        working_image.write_mask(best.mask, source, mask)
        if byproducts is not None:
            _write_byproducts(best.registered, byproducts, sort=not priors)
        if transforms is not None:
            _write_transforms(best.registered, transforms)
    if brain is not None:
        alignment["already_stripped"] = True
    seconds = {"prepare": prepared - began, "register": aligned - prepared}
    seconds["finish"] = time.monotonic() - aligned
    return {
        **programs.facts,
        "alignment": alignment,
        "measures": best.measures,
        "check": best.check,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }


def _stripped_before(source: nib.Nifti1Image) -> working_image.BoolArray | None:
    """Return the brain of an image without skull; see `stripped_brain`."""
    return stripped_brain(working_image.intensities(source), working_image.native_grid(source))


def _template_brain(task: Task, folder: Path) -> Path:
    """Write the template without its skull, to which a brain without skull is registered."""
    head, mask = nib.load(task.template), nib.load(task.template_mask)
    inside = np.asanyarray(mask.dataobj) > 0
    path = folder / "template_brain.nii"
    values = np.where(inside, head.get_fdata(dtype=np.float32), np.float32(0))
    nib.save(nib.Nifti1Image(values, head.affine), path)
    return path


def _task(
    working: nib.Nifti1Image,
    source: nib.Nifti1Image,
    template: Prepared,
    folder: Path,
    *,
    priors: bool,
) -> Task:
    """Write the working image and links to the template into `folder`."""
    working_file = folder / "working.nii"
    nib.save(working, working_file)
    where = _if_partial(template.registration_mask)
    maps = template.tissue_maps if priors else ()
    return Task(
        working_file,
        linked(template.t1w, folder, "template"),
        linked(template.brain_mask, folder, "template_mask"),
        where and linked(where, folder, "registration_mask"),
        tuple(linked(path, folder, f"map{at}") for at, path in enumerate(maps)),
        finest_mm=min(working_image.native_grid(source).zooms),
    )


def _attempt(
    strategy: str,
    task: Task,
    source: nib.Nifti1Image,
    threads: int,
    recipe: Recipe,
    *,
    sort: bool,
    brain: working_image.BoolArray | None = None,
) -> Attempt[Registered]:
    """Register by a strategy, make the mask and take its measures; `sort` as in `_classes`.

    The mask is `brain` if this is given.
    """
    registered = brain_extraction.run(
        replace(task, search=strategy != STRATEGIES[0]),
        task.working.parent / f"attempt{STRATEGIES.index(strategy)}",
        threads=threads,
        recipe=recipe,
    )
    prior, grid = nib.load(registered.prior), working_image.native_grid(source)
    head, template = nib.load(registered.corrected), nib.load(registered.template)
    of_t1w: dict[str, float] = {}
    if sort:
        classes = _classes(registered, sort=True)
        volumes = [volume.get_fdata(dtype=np.float32) for volume in (prior, head, template)]
        of_t1w = mask_check.measure_t1w(classes, *volumes)
    else:
        classes = [nib.load(file).get_fdata(dtype=np.float32) for file in registered.maps]
    if brain is None:
        bias = nib.load(registered.bias_field)
        brain = follow_cortex(
            source, bias, prior, classes, grid, recipe.border, recipe.closing, is_t1w=sort
        )
    measures = mask_check.measure(
        brain,
        source,
        prior,
        head,
        template,
        nib.load(task.template_mask),
        registered.affine,
    )
    measures |= of_t1w
    return Attempt(strategy, brain, registered, measures, mask_check.judge(measures))


def _classes(registered: Registered, *, sort: bool) -> list[FloatArray]:
    """Load the posteriors in the order of `TISSUES`; `sort` orders those of a T1w by brightness."""
    classes = [nib.load(file).get_fdata(dtype=np.float32) for file in registered.posteriors]
    if not sort:
        return classes
    return tissues.by_brightness(
        classes, nib.load(registered.corrected).get_fdata(dtype=np.float32)
    )


def _write_byproducts(registered: Registered, byproducts: Byproducts, *, sort: bool) -> None:
    """Write what registration left for later stages; `sort` names classes by brightness."""
    corrected = nib.load(registered.corrected)
    classes = _classes(registered, sort=sort)
    image = nib.Nifti1Image(np.stack(classes, axis=-1), corrected.affine)
    _save(image, byproducts.posteriors, np.uint8)
    _save(nib.load(registered.bias_field), byproducts.bias_field, np.int16)
    if byproducts.template is not None:
        _save(nib.load(registered.template), byproducts.template, np.int16)
    with atomic(byproducts.affine) as partial:
        shutil.copyfile(registered.affine, partial)


def _write_transforms(registered: Registered, transforms: tuple[Path, Path]) -> None:
    """Copy the transforms to the template and back."""
    made = registered.to_template, registered.from_template
    for source, target in zip(made, transforms, strict=True):
        with atomic(target) as partial:
            shutil.copyfile(source, partial)


def _save(image: nib.Nifti1Image, path: Path, dtype: type[np.integer[Any]]) -> None:
    """Write an image with integers that span its values."""
    image = nib.Nifti1Image(image.get_fdata(dtype=np.float32), image.affine, dtype=dtype)
    with atomic(path) as partial:
        nib.save(image, partial)


def describe_transforms(
    transforms: tuple[Path, Path], contrast: str, space: str, sources: Sequence[str]
) -> None:
    """Write the sidecars of both transforms, that to the template first."""
    for file, start, end in zip(transforms, (contrast, space), (space, contrast), strict=True):
        content = {
            "Description": f"Resamples an image from {start} to {end}: affine and SyN of"
            " antsRegistration (doi:10.1016/j.media.2007.06.004), for antsApplyTransforms",
            "Sources": list(sources),
        }
        write_json(sidecar_of(file), content)


def _if_partial(registration_mask: Path) -> Path | None:
    """Drop a mask that is 1 everywhere: it changes no result, but it costs time."""
    if np.all(nib.load(registration_mask).dataobj):
        return None
    return registration_mask
