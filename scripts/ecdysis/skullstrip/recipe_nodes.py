"""The nodes of the brain-extraction workflow, each made from its part of the recipe.

nipype runs the source of some functions in a namespace of its own, so these import what they need.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecdysis.skullstrip.brain_recipe import (
    RANDOM_SEED,
    BiasSettings,
    LinearSettings,
    NonlinearSettings,
    Recipe,
    SearchSettings,
    TissueSettings,
)

if TYPE_CHECKING:
    from nipype import Node, Workflow

COARSEST_MM = 4.0
"""The level that every stage reaches, so that both fields end on one grid."""


def empty_workflow(name: str, folder: Path) -> Workflow:
    """Return a nipype workflow that keeps its files in `folder` and stops at the first failure."""
    from nipype import Workflow

    graph = Workflow(name=name, base_dir=str(folder.absolute()))
    graph.config["execution"] = {
        "crashdump_dir": str(folder.absolute()),
        "create_report": "false",
        "remove_unnecessary_outputs": "false",
        "stop_on_first_crash": "true",
    }
    return graph


def inputs(**files: Path) -> Node:
    """Node ``head``, which holds the files that the workflow begins with."""
    from nipype import Node
    from nipype.interfaces.utility import IdentityInterface

    node = Node(IdentityInterface(list(files)), name="head")
    for name, file in files.items():
        setattr(node.inputs, name, str(file.absolute()))
    return node


def foreground() -> Node:
    """Node that separates head and background (Otsu 1979, doi:10.1109/TSMC.1979.4310076)."""
    return _ants(
        "ThresholdImage", "foreground", mode="Otsu", num_thresholds=1, output_image="foreground.nii"
    )


def place(head_height: float) -> Node:
    """Node that finds the head and puts the centres of head and template together."""
    node = _function("place", ("foreground", "template", "head_height"), _place)
    node.inputs.head_height = head_height
    return node


def bias(settings: BiasSettings) -> Node:
    """Node that finds and removes the bias field."""
    return _ants(
        "N4BiasFieldCorrection",
        "bias",
        shrink_factor=settings.shrink_factor,
        n_iterations=list(settings.iterations),
        convergence_threshold=settings.threshold,
        bspline_fitting_distance=settings.spline_mm,
        output_image="corrected.nii",
        bias_image="bias_field.nii",
    )


def linear(name: str, recipe: Recipe, settings: LinearSettings, transforms: Sequence[str]) -> Node:
    """Node of linear registrations, such as ``Rigid`` and ``Affine``, always in one thread.

    Sums over threads end in varying order here, and the least change of the affine part moves
    voxels of the mask. With one thread, two runs give the same bits; it costs two seconds.
    """
    count = len(transforms)
    registration = _ants(
        "Registration",
        name,
        **_common(recipe, transforms, [settings] * count),
        transform_parameters=[(settings.step,)] * count,
        number_of_iterations=[list(settings.iterations)] * count,
        radius_or_number_of_bins=[settings.bins] * count,
        sampling_strategy=["Regular"] * count,
        sampling_percentage=[settings.sampling] * count,
        output_transform_prefix=name,
    )
    return _single_threaded(registration)


def similarity_masks(dilation_mm: float, registration_mask: Path | None) -> Node:
    """Node of the masks that limit the similarity of the two stages of `nonlinear`.

    The first stage gets `registration_mask`, or no mask; the second the brain mask of the template,
    dilated.
    """
    arguments = ("template_mask", "dilation_mm", "registration_mask")
    node = _function("similarity_masks", arguments, _similarity_masks)
    node.inputs.dilation_mm = dilation_mm
    node.inputs.registration_mask = (
        str(registration_mask.absolute()) if registration_mask else "NULL"
    )
    return node


def nonlinear(recipe: Recipe, finest_mm: float) -> Node:
    """Node of two symmetric normalisations: of the whole head, then near the brain.

    Levels finer than `finest_mm` are left out.
    """
    stages = [levels_of(stage, finest_mm) for stage in (recipe.nonlinear, recipe.near_brain)]
    return _ants(
        "Registration",
        "nonlinear",
        **_common(recipe, ["SyN"] * len(stages), stages),
        transform_parameters=[(stage.step, stage.update_sigma, 0.0) for stage in stages],
        number_of_iterations=[list(stage.iterations) for stage in stages],
        radius_or_number_of_bins=[stage.bins for stage in stages],
        write_composite_transform=True,
        output_transform_prefix="nonlinear",
    )


def levels_of(stage: NonlinearSettings, finest_mm: float) -> NonlinearSettings:
    """Leave out the levels that are finer than the voxels of the head, down to `COARSEST_MM`."""
    limit = min(finest_mm * 0.9, COARSEST_MM)
    count = sum(1 for level in stage.levels_mm if level >= limit)
    return replace(
        stage,
        levels_mm=stage.levels_mm[:count],
        iterations=stage.iterations[:count],
        sigmas_mm=stage.sigmas_mm[:count],
    )


def warp(name: str, image: Path | None = None) -> Node:
    """Node that brings an image of the template to the head."""
    node = _ants(
        "ApplyTransforms", name, interpolation="Linear", float=True, output_image=f"{name}.nii"
    )
    if image is not None:
        node.inputs.input_image = str(image.absolute())
    return node


def region(dilation_mm: float) -> Node:
    """Node of the region around the warped mask in which tissues are looked for."""
    node = _function("region", ("prior", "dilation_mm", "healthy"), _region)
    node.inputs.dilation_mm, node.inputs.healthy = dilation_mm, ""
    return node


def even() -> Node:
    """Node that removes what is brighter than tissue from a T1w."""
    return _function("even", ("image", "prior"), _even)


def tissue(settings: TissueSettings) -> Node:
    """Node that divides the region into three classes."""
    return _ants(
        "Atropos",
        "tissue",
        initialization="Otsu",
        number_of_tissue_classes=3,
        n_iterations=settings.iterations,
        convergence_threshold=0.0,
        mrf_smoothing_factor=settings.mrf_weight,
        mrf_radius=list(settings.mrf_radius),
        likelihood_model="Gaussian",
        posterior_formulation="Socrates",
        use_mixture_model_proportions=False,
        use_random_seed=False,
        save_posteriors=True,
        output_posteriors_name_template="posterior_%02d.nii",
        out_classified_image_name="classes.nii",
    )


def merged(count: int) -> Node:
    """Node that makes one list of `count` warped tissue maps."""
    from nipype import Node
    from nipype.interfaces.utility import Merge

    return Node(Merge(count), name="tissue_maps")


def tissue_by_maps() -> Node:
    """Node ``tissue`` of other contrasts than T1w, which divides the region by warped maps."""
    return _function("tissue", ("image", "prior", "region", "maps"), _tissue_by_maps)


def coarse(settings: SearchSettings) -> Node:
    """Node that makes head and template coarse for the search over rotations."""
    node = _function("coarse", ("head", "template", "spacing_mm"), _coarse)
    node.inputs.spacing_mm = settings.spacing_mm
    return node


def rotation(settings: SearchSettings) -> Node:
    """Node that searches all rotations."""
    initializer = _ants(
        "AffineInitializer",
        "rotation",
        search_factor=settings.step_deg,
        radian_fraction=settings.arc,
        principal_axes=False,
        local_search=settings.local_iterations,
    )
    return _single_threaded(initializer)


def _single_threaded(node: Node) -> Node:
    """Make the program of a node use one thread; return the node."""
    node.inputs.num_threads = 1
    node.inputs.environ = {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    return node


OUTPUTS = {
    "place": ["head_mask", "transform"],
    "region": ["region"],
    "similarity_masks": ["masks"],
    "even": ["image"],
    "tissue": ["posteriors"],
    "coarse": ["head", "template"],
}


def _ants(interface: str, name: str, **settings: Any) -> Node:
    """Node of one of nipype's interfaces of ANTs, for 3-D images."""
    from nipype import Node
    from nipype.interfaces import ants

    return Node(getattr(ants, interface)(dimension=3, **settings), name=name)


def _function(name: str, arguments: Sequence[str], function: Any) -> Node:
    from nipype import Node
    from nipype.interfaces.utility import Function

    interface = Function(input_names=list(arguments), output_names=OUTPUTS[name], function=function)
    return Node(interface, name=name)


def _common(
    recipe: Recipe,
    transforms: Sequence[str],
    stages: Sequence[LinearSettings | NonlinearSettings],
) -> dict[str, Any]:
    count = len(transforms)
    return {
        "transforms": list(transforms),
        "metric": ["MI"] * count,
        "metric_weight": [1.0] * count,
        "shrink_factors": [
            [math.ceil(mm / recipe.spacing) for mm in stage.levels_mm] for stage in stages
        ],
        "smoothing_sigmas": [list(stage.sigmas_mm) for stage in stages],
        "sigma_units": ["mm"] * count,
        "convergence_threshold": [1e-6] * count,
        "convergence_window_size": [10] * count,
        "winsorize_lower_quantile": 0.005,
        "winsorize_upper_quantile": 0.995,
        "float": True,
        "random_seed": RANDOM_SEED,
    }


def _place(foreground: str, template: str, head_height: float) -> tuple[str, str]:
    from pathlib import Path

    from ecdysis.skullstrip.working_image import place

    files = place(Path(foreground), Path(template), Path.cwd(), head_height)
    return str(files[0]), str(files[1])


def _coarse(head: str, template: str, spacing_mm: float) -> tuple[str, str]:
    from pathlib import Path

    from ecdysis.skullstrip.working_image import coarse_file

    written = [
        coarse_file(Path(file), Path.cwd() / name, spacing_mm)
        for file, name in ((head, "head.nii"), (template, "template.nii"))
    ]
    return str(written[0]), str(written[1])


def _region(prior: str, dilation_mm: float, healthy: str) -> str:
    from pathlib import Path

    from ecdysis.skullstrip.working_image import dilated_file

    where = Path(healthy) if healthy else None
    return str(dilated_file(Path(prior), Path.cwd() / "region.nii", dilation_mm, where))


def _even(image: str, prior: str) -> str:
    from pathlib import Path

    from ecdysis.skullstrip.tissues import write_without_bright_spots

    return str(write_without_bright_spots(Path(image), Path(prior), Path.cwd()))


def _similarity_masks(template_mask: str, dilation_mm: float, registration_mask: str) -> list[str]:
    from pathlib import Path

    from ecdysis.skullstrip.working_image import dilated_file

    near_brain = dilated_file(Path(template_mask), Path.cwd() / "near_brain.nii", dilation_mm)
    return [registration_mask, str(near_brain)]


def _tissue_by_maps(image: str, prior: str, region: str, maps: list[str]) -> list[str]:
    from pathlib import Path

    from ecdysis.skullstrip.tissues import tissues_by_maps

    files = [Path(file) for file in maps]
    made = tissues_by_maps(Path(image), Path(prior), Path(region), files, Path.cwd())
    return [str(file) for file in made]
