"""The workflow's own way: a brain mask on an image's grid, by the recipe of `brain_extraction`.

The image is worked on at 2 mm, so that time and memory hardly grow with its resolution; the
mask's soft edge is brought back to the native grid between voxels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ecdysis.files import atomic, copy_file
from ecdysis.image.arrays import Mask, Values
from ecdysis.image.brain_mask import read_mask
from ecdysis.image.resampling import resample
from ecdysis.image.volume import read
from ecdysis.plain_folder import linked, plain_folder
from ecdysis.skullstrip import brain_extraction, mask_check, providers, tissues, working_image
from ecdysis.skullstrip.already_stripped import stripped_brain
from ecdysis.skullstrip.attempts import Attempt, NoAlignmentError, best_attempt
from ecdysis.skullstrip.brain_extraction import Registered, Task
from ecdysis.skullstrip.brain_recipe import RECIPE, Recipe
from ecdysis.skullstrip.byproducts import Byproducts
from ecdysis.skullstrip.cortex_border import follow_cortex
from ecdysis.skullstrip.external_program import no_brain
from ecdysis.skullstrip.itk import read_affine
from ecdysis.skullstrip.working_image import NativeGrid
from ecdysis.template import Prepared

STRATEGIES = ("orientation in the header", "search over all rotations")
"""How the first alignment is found; the next is tried when the mask fails its check."""
LESION_PART = 0.25
"""A working voxel is left out if a lesion covers this part of it or more."""


@dataclass(frozen=True)
class _Head:
    """What all attempts at a head share."""

    source: nib.Nifti1Image
    task: Task
    is_t1w: bool
    """Whether tissues are found by their brightness, not with the template's maps."""
    threads: int
    recipe: Recipe
    brain: Mask | None = None
    """The brain of an image whose skull was stripped before."""
    lesion_ml: float = 0.0
    """Volume that is left out."""

    @property
    def grid(self) -> NativeGrid:
        """The grid of the image."""
        return working_image.native_grid(self.source)


def skullstrip(
    image: Path,
    template: Prepared,
    mask: Path,
    *,
    byproducts: Byproducts | None = None,
    transforms: tuple[Path, Path] | None = None,
    lesion: Path | None = None,
    priors: bool = False,
    keep_stripped: bool = True,
    provider: str = "auto",
    threads: int = 1,
    recipe: Recipe = RECIPE,
) -> dict[str, Any]:
    """Write the brain mask of a 3-D head on any grid, uint8 on the same grid.

    `byproducts` say where to write posteriors, bias field, affine and the warped template.
    `transforms` get the composite transforms (h5) that resample the head to the template, and the
    reverse. `lesion` is a mask, on the grid of the image, of what registration and tissue classes
    leave out. With `priors`, tissues are found with the template's maps, as in other contrasts than
    T1w, not by brightness. With `keep_stripped`, an image whose skull was stripped before keeps its
    brain as the mask. `provider` is auto, system or embedded.

    The result has provider, version, measures, ``check`` (verdict and reasons), ``alignment``
    (strategy, and the reasons against one that was given up) and, with a lesion, ``lesion_ml``.

    Raises
    ------
    InputError
        The image cannot hold a brain, the mask is empty, the provider does not run, or the lesion
        mask is on another grid.
    RuntimeError
        An ANTs program failed.
    """
    programs = providers.find(provider)
    with plain_folder() as folder, programs.activated(threads):
        head = _prepared(image, template, folder, threads, recipe, is_t1w=not priors)
        head = _with_brain_if_stripped(head) if keep_stripped else head
        head = head if lesion is None else _without_lesion(head, read_mask(lesion, read(image)))
        best, alignment = _best_attempt(head, image)
        mask.parent.mkdir(parents=True, exist_ok=True)
        working_image.write_mask(best.mask, head.source, mask)
        _write_others(best.registered, byproducts, transforms, sort=not priors)
    return {**programs.facts, **_details(head, best, alignment)}


def _best_attempt(head: _Head, image: Path) -> tuple[Attempt[Registered], dict[str, Any]]:
    """Return the best mask of the head in an image, and what to record of the alignment."""
    try:
        best, alignment = best_attempt(STRATEGIES, partial(_attempt, head=head))
    except NoAlignmentError as error:
        raise no_brain(image) from error
    if not best.mask.any():
        raise no_brain(image)
    return best, alignment


def _details(
    head: _Head, best: Attempt[Registered], alignment: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the report shows."""
    stripped = {} if head.brain is None else {"already_stripped": True}
    lesion = {"lesion_ml": head.lesion_ml} if head.lesion_ml else {}
    check = {"measures": best.measures, "check": best.check}
    return {"alignment": {**alignment, **stripped}, **lesion, **check}


def _prepared(
    image: Path, template: Prepared, folder: Path, threads: int, recipe: Recipe, *, is_t1w: bool
) -> _Head:
    """Write the working image and links to the template into `folder`."""
    source = nib.load(image)
    working = working_image.prepare(source, image, recipe.spacing, recipe.winsorize)
    working_file = folder / "working.nii"
    nib.save(working, working_file)
    where = _if_partial(template.registration_mask)
    maps = () if is_t1w else template.tissue_maps
    task = Task(
        working_file,
        linked(template.t1w, folder, "template"),
        linked(template.brain_mask, folder, "template_mask"),
        where and linked(where, folder, "registration_mask"),
        tuple(linked(path, folder, f"map{at}") for at, path in enumerate(maps)),
        finest_mm=min(working_image.native_grid(source).zooms),
    )
    return _Head(source, task, is_t1w, threads, recipe)


def _without_lesion(head: _Head, lesion: Mask) -> _Head:
    """Write where the working image has no part of a lesion, and add this to the task."""
    working = nib.load(head.task.working)
    spacing = working_image.native_grid(working).zooms
    part = resample(lesion.astype(np.float32), head.grid.zooms, working.shape, spacing)
    path = head.task.working.with_name("healthy.nii")
    nib.save(nib.Nifti1Image((part < LESION_PART).astype(np.uint8), working.affine), path)
    volume = round(float(lesion.sum() * np.prod(head.grid.zooms)) / 1000, 2)
    return replace(head, task=replace(head.task, healthy=path), lesion_ml=volume)


def _with_brain_if_stripped(head: _Head) -> _Head:
    """Add the brain of an image without skull, and a template without skull to register it to."""
    brain = stripped_brain(working_image.intensities(head.source), head.grid)
    if brain is None:
        return head
    template, mask = nib.load(head.task.template), nib.load(head.task.template_mask)
    inside = np.asanyarray(mask.dataobj) > 0
    path = head.task.working.with_name("template_brain.nii")
    values = np.where(inside, template.get_fdata(dtype=np.float32), np.float32(0))
    nib.save(nib.Nifti1Image(values, template.affine), path)
    return replace(head, brain=brain, task=replace(head.task, template=path))


def _attempt(strategy: str, head: _Head) -> Attempt[Registered]:
    """Register by a strategy, make the mask and take its measures."""
    task, recipe = head.task, head.recipe
    registered = brain_extraction.run(
        replace(task, search=strategy != STRATEGIES[0]),
        task.working.parent / f"attempt{STRATEGIES.index(strategy)}",
        threads=head.threads,
        recipe=recipe,
    )
    prior, brain = nib.load(registered.prior), head.brain
    healthy = None if task.healthy is None else nib.load(task.healthy).get_fdata(dtype=np.float32)
    classes = _classes(registered, sort=True) if head.is_t1w else _loaded(registered.maps)
    if brain is None:
        brain = follow_cortex(
            head.source,
            nib.load(registered.bias_field),
            prior,
            classes,
            head.grid,
            recipe.border,
            recipe.closing,
            healthy=healthy,
            is_t1w=head.is_t1w,
        )
    values, warped = _loaded([registered.corrected, registered.template])
    inside = prior.get_fdata(dtype=np.float32) > 0.5
    if healthy is not None:
        inside &= healthy > 0
    if head.is_t1w:
        values = tissues.without_bright_spots(values, inside)
    measures = {
        **mask_check.measure_image(brain, head.source),
        **mask_check.measure_alignment(
            prior, nib.load(task.template_mask), read_affine(registered.affine)
        ),
        "similarity": round(mask_check.correlation_ratio(values[inside], warped[inside]), 4),
    }
    if head.is_t1w:
        measures |= mask_check.measure_t1w(classes, inside, values, warped)
    return Attempt(strategy, brain, registered, measures, mask_check.judge(measures))


def _classes(registered: Registered, *, sort: bool) -> list[Values]:
    """Load the posteriors in the order of `TISSUES`; `sort` orders those of a T1w by brightness."""
    classes = _loaded(registered.posteriors)
    return tissues.by_brightness(classes, *_loaded([registered.corrected])) if sort else classes


def _loaded(files: Sequence[Path]) -> list[Values]:
    return [nib.load(file).get_fdata(dtype=np.float32) for file in files]


def _write_others(
    registered: Registered,
    byproducts: Byproducts | None,
    transforms: tuple[Path, Path] | None,
    *,
    sort: bool,
) -> None:
    """Write byproducts and transforms, if they are wanted."""
    if byproducts is not None:
        _write_byproducts(registered, byproducts, sort=sort)
    if transforms is not None:
        _write_transforms(registered, transforms)


def _write_byproducts(registered: Registered, byproducts: Byproducts, *, sort: bool) -> None:
    """Write what registration left for later stages; `sort` names classes by brightness."""
    corrected = nib.load(registered.corrected)
    classes = _classes(registered, sort=sort)
    image = nib.Nifti1Image(np.stack(classes, axis=-1), corrected.affine)
    _save(image, byproducts.posteriors, np.uint8)
    _save(nib.load(registered.bias_field), byproducts.bias_field, np.int16)
    if byproducts.template is not None:
        _save(nib.load(registered.template), byproducts.template, np.int16)
    copy_file(registered.affine, byproducts.affine)


def _write_transforms(registered: Registered, transforms: tuple[Path, Path]) -> None:
    """Copy the transforms to the template and back."""
    made = registered.to_template, registered.from_template
    for source, target in zip(made, transforms, strict=True):
        copy_file(source, target)


def _save(image: nib.Nifti1Image, path: Path, dtype: type[np.integer[Any]]) -> None:
    """Write an image with integers that span its values."""
    image = nib.Nifti1Image(image.get_fdata(dtype=np.float32), image.affine, dtype=dtype)
    with atomic(path) as partial:
        nib.save(image, partial)


def _if_partial(registration_mask: Path) -> Path | None:
    """Drop a mask that is 1 everywhere: it changes no result, but it costs time."""
    if np.all(nib.load(registration_mask).dataobj):
        return None
    return registration_mask
