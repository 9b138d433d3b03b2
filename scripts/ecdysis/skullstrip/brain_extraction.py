"""The recipe of brain extraction: a template's brain mask, warped to the head by ANTs.

The steps of antsBrainExtraction.sh (Avants et al. 2011, doi:10.1016/j.neuroimage.2010.09.025)
with mutual information on 2 mm images instead of cross-correlation at full resolution. The
template is the fixed image, so the cost depends neither on the field of view nor on the voxel size
of the head, and a neck outside the template has no influence.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecdysis.skullstrip import recipe_nodes as nodes
from ecdysis.skullstrip.attempts import NoAlignmentError
from ecdysis.skullstrip.brain_recipe import RECIPE, Recipe

if TYPE_CHECKING:
    from nipype import Node, Workflow


@dataclass(frozen=True)
class Task:
    """What is registered to what, and how it begins."""

    working: Path
    """The head at `Recipe.spacing`, background 0."""
    template: Path
    """As prepared by the rule `template`."""
    template_mask: Path
    """As prepared by the rule `template`."""
    registration_mask: Path | None = None
    """Where, on the template's grid, the similarity is measured."""
    tissue_maps: tuple[Path, ...] = ()
    """The template's tissues, the prior of the classes and their order; without them, classes start
    from thresholds and have no order."""
    finest_mm: float = 0.0
    """Smallest voxel edge of the image that the working image was made of."""
    healthy: Path | None = None
    """Where the working image has no lesion (1, else 0). Elsewhere no similarity is measured, no
    bias field fitted, and no tissue found."""
    search: bool = False
    """Start from a search over all rotations, not from the orientation in the header."""


@dataclass(frozen=True)
class Registered:
    """Files that the workflow leaves, on the grid of the working image unless stated otherwise."""

    corrected: Path
    """The working image without its bias field."""
    bias_field: Path
    """What the working image was divided by."""
    posteriors: tuple[Path, ...]
    """Probability of each of three classes around the brain."""
    affine: Path
    """Template to head, affine part (an ITK transform of points, LPS mm)."""
    to_template: Path
    """Composite transform that resamples the head to the template."""
    from_template: Path
    """Composite transform that resamples the template to the head."""
    prior: Path
    """The template's brain mask, 0 to 1."""
    template: Path
    """The template's head."""
    maps: tuple[Path, ...] = ()
    """The template's tissues, if the task has them."""


def run(task: Task, folder: Path, *, threads: int = 1, recipe: Recipe = RECIPE) -> Registered:
    """Register the working image to the template and bring the template's mask to it.

    To be called inside `Provider.activated`. `folder` holds all intermediate files. `threads` are
    the ITK threads of each program; two runs with the same number give the same bits.

    Raises
    ------
    NoAlignmentError
        Registration ended without a transform.
    RuntimeError
        An ANTs program failed; its output is in the log.
    """
    from nipype.pipeline.engine.nodes import NodeExecutionError

    graph = workflow(task, folder, threads=threads, recipe=recipe)
    # nipype collects garbage before each program. From here on, imported modules are left out.
    gc.freeze()
    try:
        done = graph.run(plugin="Linear")
    except NodeExecutionError as error:
        summary = str(error).strip().splitlines()[0].rstrip(".")
        # antsRegistration writes nothing when head and template no longer overlap.
        lost = "Registration interface" in str(error) and "No such file" in str(error)
        kind = NoAlignmentError if lost else RuntimeError
        raise kind(f"{summary}: an ANTs program failed, see the log") from error
    outputs = {node.name: node.result.outputs for node in done.nodes()}
    return Registered(
        corrected=Path(outputs["bias"].output_image),
        bias_field=Path(outputs["bias"].bias_image),
        posteriors=tuple(Path(file) for file in outputs["tissue"].posteriors),
        affine=Path(outputs["linear"].forward_transforms[0]),
        to_template=Path(outputs["nonlinear"].composite_transform),
        from_template=Path(outputs["nonlinear"].inverse_composite_transform),
        prior=Path(outputs["warp_mask"].output_image),
        template=Path(outputs["warp_template"].output_image),
        maps=tuple(Path(outputs[_warp_of(at)].output_image) for at in range(len(task.tissue_maps))),
    )


def workflow(task: Task, folder: Path, *, threads: int = 1, recipe: Recipe = RECIPE) -> Workflow:
    """Build the nipype workflow ``brain_extraction``; parameters are those of `run`."""
    graph = nodes.empty_workflow("brain_extraction", folder)
    head = nodes.inputs(
        image=task.working, template=task.template, template_mask=task.template_mask
    )
    place, bias, linear = (
        nodes.place(recipe.head_height),
        nodes.bias(recipe.bias),
        nodes.linear("linear", recipe, recipe.linear, ["Rigid", "Affine"]),
    )
    masks = nodes.similarity_masks(recipe.near_brain.around_brain_mm, task.registration_mask)
    nonlinear = nodes.nonlinear(recipe, task.finest_mm)
    foreground = nodes.foreground()
    region = nodes.region(recipe.tissue.dilation_mm)
    warp_mask, warp_template = nodes.warp("warp_mask"), nodes.warp("warp_template")
    graph.connect(
        [
            (head, foreground, [("image", "input_image")]),
            (head, place, [("template", "template")]),
            (foreground, place, [("output_image", "foreground")]),
            (head, bias, [("image", "input_image")]),
            (place, bias, [("head_mask", "mask_image")]),
            (head, linear, [("template", "fixed_image")]),
            (bias, linear, [("output_image", "moving_image")]),
            (head, masks, [("template_mask", "template_mask")]),
            (head, nonlinear, [("template", "fixed_image")]),
            (bias, nonlinear, [("output_image", "moving_image")]),
            (masks, nonlinear, [("masks", "fixed_image_masks")]),
            (linear, nonlinear, [("forward_transforms", "initial_moving_transform")]),
            (head, warp_mask, [("template_mask", "input_image")]),
            (head, warp_template, [("template", "input_image")]),
            (warp_mask, region, [("output_image", "prior")]),
        ]
    )
    warps = [warp_mask, warp_template]
    if task.healthy is not None:
        _leave_out_lesion(graph, str(task.healthy.absolute()))
    if task.search:
        _connect_search(graph, recipe)
    else:
        graph.connect(place, "transform", linear, "initial_moving_transform")
    if task.tissue_maps:
        warps += _connect_tissue_maps(graph, task.tissue_maps)
    else:
        _connect_atropos(graph, recipe, threads)
    for warp in warps:
        graph.connect(bias, "output_image", warp, "reference_image")
        graph.connect(nonlinear, "inverse_composite_transform", warp, "transforms")
    for node in (foreground, bias, nonlinear, *warps):
        node.inputs.num_threads = threads
    return graph


def _leave_out_lesion(graph: Workflow, healthy: str) -> None:
    """Limit similarity, bias field and tissues to healthy voxels.

    Masking the cost function of normalisation: Brett et al. 2001, doi:10.1006/nimg.2001.0845.
    """
    for name in ("linear", "nonlinear"):
        graph.get_node(name).inputs.moving_image_masks = [healthy] * 2
    graph.get_node("bias").inputs.weight_image = healthy
    graph.get_node("region").inputs.healthy = healthy


def _connect_search(graph: Workflow, recipe: Recipe) -> None:
    """Start the linear registration from a search over all rotations."""
    head, linear = graph.get_node("head"), graph.get_node("linear")
    coarse, rotation = nodes.coarse(recipe.search), nodes.rotation(recipe.search)
    graph.connect(
        [
            (head, coarse, [("image", "head"), ("template", "template")]),
            (coarse, rotation, [("head", "moving_image"), ("template", "fixed_image")]),
            (rotation, linear, [("out_file", "initial_moving_transform")]),
        ]
    )


def _connect_atropos(graph: Workflow, recipe: Recipe, threads: int) -> None:
    """Divide the region around the warped mask by Atropos."""
    even, tissue = nodes.even(), nodes.tissue(recipe.tissue)
    tissue.inputs.num_threads = threads
    graph.connect(
        [
            (graph.get_node("region"), tissue, [("region", "mask_image")]),
            (graph.get_node("bias"), even, [("output_image", "image")]),
            (graph.get_node("warp_mask"), even, [("output_image", "prior")]),
            (even, tissue, [("image", "intensity_images")]),
        ]
    )


def _connect_tissue_maps(graph: Workflow, maps: tuple[Path, ...]) -> list[Node]:
    """Divide the region by the template's maps; return the nodes that warp them."""
    tissue, merged = nodes.tissue_by_maps(), nodes.merged(len(maps))
    warps = [nodes.warp(_warp_of(index), path) for index, path in enumerate(maps)]
    for index, warp in enumerate(warps, start=1):
        graph.connect(warp, "output_image", merged, f"in{index}")
    graph.connect(
        [
            (merged, tissue, [("out", "maps")]),
            (graph.get_node("bias"), tissue, [("output_image", "image")]),
            (graph.get_node("warp_mask"), tissue, [("output_image", "prior")]),
            (graph.get_node("region"), tissue, [("region", "region")]),
        ]
    )
    return warps


def _warp_of(index: int) -> str:
    """Return the name of the node that warps a tissue map."""
    return f"warp_tissue{index + 1}"
