"""The recipe of brain extraction: a template's brain mask, warped to the head by ANTs.

The steps of antsBrainExtraction.sh (Avants et al. 2011, doi:10.1016/j.neuroimage.2010.09.025)
with mutual information on 2 mm images in place of cross-correlation at full resolution. The
registration takes the template as its fixed image, so that its cost depends neither on the
field of view nor on the voxel size of the head, and a neck outside the template is not seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.skullstrip.brain_recipe import (
    RANDOM_SEED,
    RECIPE,
    Recipe,
    SearchSettings,
    TissueSettings,
)


@dataclass(frozen=True)
class Registered:
    """Files that the workflow leaves, on the grid of the working image unless said.

    Attributes
    ----------
    corrected : Path
        The working image without its bias field.
    affine : Path
        Template to head, affine part (an ITK transform of points, LPS mm).
    to_template, from_template : Path
        Composite transforms that resample the head to the template, and the reverse.
    bias_field : Path
        What the working image was divided by.
    posteriors : tuple of Path
        Probability of each of three classes around the brain.
    prior : Path
        The template's brain mask, 0 to 1.
    template : Path
        The template's head.
    """

    corrected: Path
    bias_field: Path
    posteriors: tuple[Path, ...]
    affine: Path
    to_template: Path
    from_template: Path
    prior: Path
    template: Path


def run(
    working: Path,
    template: Path,
    template_mask: Path,
    folder: Path,
    *,
    registration_mask: Path | None = None,
    finest_mm: float = 0.0,
    threads: int = 1,
    search: bool = False,
    tissue_maps: Sequence[Path] = (),
    recipe: Recipe = RECIPE,
) -> Registered:
    """Register the working image to the template and bring the template's mask to it.

    To be called inside `Provider.activated`.

    Parameters
    ----------
    working : path
        Head at `recipe.spacing`, background 0.
    template, template_mask : path
        As prepared by the rule `template`.
    folder : path
        Holds all intermediate files.
    registration_mask : path, optional
        Where, on the template's grid, the similarity is measured.
    finest_mm : float
        Smallest voxel edge of the image that the working image was made of.
    threads : int
        ITK threads of each program; two runs with the same number give the same bits.
    search : bool
        Start from a search over all rotations, not from the orientation in the header.
    tissue_maps : sequence of path
        The template's tissues, from which classes start and in whose order they come; without
        them they start from thresholds, and their order is open.

    Raises
    ------
    RuntimeError
        An ANTs program failed; its output stands in the log.
    """
    from nipype.pipeline.engine.nodes import NodeExecutionError

    graph = workflow(
        folder,
        registration_mask=registration_mask,
        finest_mm=finest_mm,
        threads=threads,
        search=search,
        tissue_maps=tissue_maps,
        recipe=recipe,
    )
    graph.inputs.head.image = str(working.absolute())
    graph.inputs.head.template = str(template.absolute())
    graph.inputs.head.template_mask = str(template_mask.absolute())
    try:
        done = graph.run(plugin="Linear")
    except NodeExecutionError as error:
        summary = str(error).strip().splitlines()[0].rstrip(".")
        raise RuntimeError(f"{summary}: an ANTs program failed, see the log") from error
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
    )


def workflow(
    folder: Path,
    *,
    registration_mask: Path | None = None,
    finest_mm: float = 0.0,
    threads: int = 1,
    search: bool = False,
    tissue_maps: Sequence[Path] = (),
    recipe: Recipe = RECIPE,
) -> Any:
    """Build the nipype workflow ``brain_extraction``; its inputs are those of node ``head``."""
    from nipype import Node, Workflow
    from nipype.interfaces import ants
    from nipype.interfaces.utility import Function, IdentityInterface

    head = Node(IdentityInterface(["image", "template", "template_mask"]), name="head")
    foreground = Node(
        ants.ThresholdImage(
            dimension=3, mode="Otsu", num_thresholds=1, output_image="foreground.nii"
        ),
        name="foreground",
    )
    place = Node(
        Function(
            input_names=["foreground", "template", "head_height"],
            output_names=["head_mask", "transform"],
            function=_place,
        ),
        name="place",
    )
    place.inputs.head_height = recipe.head_height
    bias = Node(
        ants.N4BiasFieldCorrection(
            dimension=3,
            shrink_factor=recipe.bias.shrink_factor,
            n_iterations=list(recipe.bias.iterations),
            convergence_threshold=recipe.bias.threshold,
            bspline_fitting_distance=recipe.bias.spline_mm,
            output_image="corrected.nii",
            bias_image="bias_field.nii",
        ),
        name="bias",
    )
    linear = Node(_linear(recipe), name="linear")
    nonlinear = Node(_nonlinear(recipe, finest_mm), name="nonlinear")
    if registration_mask is not None:
        nonlinear.inputs.fixed_image_masks = [str(registration_mask.absolute())]
    warps = {
        name: Node(
            ants.ApplyTransforms(
                dimension=3, interpolation="Linear", float=True, output_image=f"{name}.nii"
            ),
            name=name,
        )
        for name in ("warp_mask", "warp_template")
    }
    region = Node(
        Function(input_names=["prior", "dilation_mm"], output_names=["region"], function=_region),
        name="region",
    )
    region.inputs.dilation_mm = recipe.tissue.dilation_mm
    tissue = Node(_tissue(recipe.tissue), name="tissue")
    tissue_warps = [_tissue_warp(path, index) for index, path in enumerate(tissue_maps, start=1)]
    for node in (foreground, bias, nonlinear, tissue, *warps.values(), *tissue_warps):
        node.inputs.num_threads = threads
    # Sums over threads end in varying order here, and the least change of the affine part moves
    # voxels of the mask. With one thread, two runs give the same bits; it costs two seconds.
    linear.inputs.num_threads = 1
    linear.inputs.environ = {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}

    graph = Workflow(name="brain_extraction", base_dir=str(folder.absolute()))
    graph.config["execution"] = {
        "crashdump_dir": str(folder.absolute()),
        "create_report": "false",
        "remove_unnecessary_outputs": "false",
        "stop_on_first_crash": "true",
    }
    graph.connect(
        [
            (head, foreground, [("image", "input_image")]),
            (head, place, [("template", "template")]),
            (foreground, place, [("output_image", "foreground")]),
            (head, bias, [("image", "input_image")]),
            (place, bias, [("head_mask", "mask_image")]),
            (head, linear, [("template", "fixed_image")]),
            (bias, linear, [("output_image", "moving_image")]),
            (head, nonlinear, [("template", "fixed_image")]),
            (bias, nonlinear, [("output_image", "moving_image")]),
            (linear, nonlinear, [("forward_transforms", "initial_moving_transform")]),
            (head, warps["warp_mask"], [("template_mask", "input_image")]),
            (head, warps["warp_template"], [("template", "input_image")]),
            (warps["warp_mask"], region, [("output_image", "prior")]),
            (region, tissue, [("region", "mask_image")]),
            (bias, tissue, [("output_image", "intensity_images")]),
        ]
    )
    if search:
        coarse, rotation = _search(recipe.search)
        graph.connect(
            [
                (head, coarse, [("image", "head"), ("template", "template")]),
                (coarse, rotation, [("head", "moving_image"), ("template", "fixed_image")]),
                (rotation, linear, [("out_file", "initial_moving_transform")]),
            ]
        )
    else:
        graph.connect(place, "transform", linear, "initial_moving_transform")
    if tissue_warps:
        _start_from(graph, tissue_warps, tissue, recipe.tissue)
    for warp in (*warps.values(), *tissue_warps):
        graph.connect(bias, "output_image", warp, "reference_image")
        graph.connect(nonlinear, "inverse_composite_transform", warp, "transforms")
    return graph


def nonlinear_levels(recipe: Recipe, finest_mm: float) -> int:
    """Count the levels that are not finer than the voxels of the head; at least one."""
    levels = recipe.nonlinear.levels_mm
    return max(1, sum(1 for level in levels if level >= finest_mm * 0.9))


def _linear(recipe: Recipe) -> Any:
    from nipype.interfaces import ants

    settings = recipe.linear
    return ants.Registration(
        **_common(recipe, ["Rigid", "Affine"], settings.levels_mm, settings.sigmas_mm),
        transform_parameters=[(settings.step,)] * 2,
        number_of_iterations=[list(settings.iterations)] * 2,
        radius_or_number_of_bins=[settings.bins] * 2,
        sampling_strategy=["Regular"] * 2,
        sampling_percentage=[settings.sampling] * 2,
        output_transform_prefix="linear",
    )


def _nonlinear(recipe: Recipe, finest_mm: float) -> Any:
    from nipype.interfaces import ants

    settings, count = recipe.nonlinear, nonlinear_levels(recipe, finest_mm)
    return ants.Registration(
        **_common(recipe, ["SyN"], settings.levels_mm[:count], settings.sigmas_mm[:count]),
        transform_parameters=[(settings.step, settings.update_sigma, 0.0)],
        number_of_iterations=[list(settings.iterations[:count])],
        radius_or_number_of_bins=[settings.bins],
        write_composite_transform=True,
        output_transform_prefix="nonlinear",
    )


def _search(settings: SearchSettings) -> tuple[Any, Any]:
    from nipype import Node
    from nipype.interfaces import ants
    from nipype.interfaces.utility import Function

    coarse = Node(
        Function(
            input_names=["head", "template", "spacing_mm"],
            output_names=["head", "template"],
            function=_coarse,
        ),
        name="coarse",
    )
    coarse.inputs.spacing_mm = settings.spacing_mm
    rotation = ants.AffineInitializer(
        dimension=3,
        search_factor=settings.step_deg,
        radian_fraction=settings.arc,
        principal_axes=False,
        local_search=settings.local_iterations,
    )
    rotation.inputs.num_threads = 1
    rotation.inputs.environ = {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    return coarse, Node(rotation, name="rotation")


def _tissue(settings: TissueSettings) -> Any:
    from nipype.interfaces import ants

    return ants.Atropos(
        dimension=3,
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


def _tissue_warp(path: Path, index: int) -> Any:
    from nipype import Node
    from nipype.interfaces import ants

    return Node(
        ants.ApplyTransforms(
            dimension=3,
            input_image=str(path.absolute()),
            interpolation="Linear",
            float=True,
            output_image=f"tissue_{index:02d}.nii",
        ),
        name=f"warp_tissue{index}",
    )


def _start_from(graph: Any, warps: Sequence[Any], tissue: Any, settings: TissueSettings) -> None:
    """Let the classes of `tissue` start from warped tissue maps."""
    from nipype import Node
    from nipype.interfaces.utility import Function, Merge

    merged = Node(Merge(len(warps)), name="tissue_maps")
    pattern = Node(
        Function(input_names=["files"], output_names=["pattern"], function=_pattern),
        name="pattern",
    )
    for index, warp in enumerate(warps, start=1):
        graph.connect(warp, "output_image", merged, f"in{index}")
    graph.connect([(merged, pattern, [("out", "files")])])
    graph.connect([(pattern, tissue, [("pattern", "prior_image")])])
    tissue.inputs.initialization = "PriorProbabilityImages"
    tissue.inputs.prior_weighting = settings.prior_weight


def _common(
    recipe: Recipe,
    transforms: Sequence[str],
    levels_mm: Sequence[float],
    sigmas_mm: Sequence[float],
) -> dict[str, Any]:
    count = len(transforms)
    return {
        "dimension": 3,
        "transforms": list(transforms),
        "metric": ["MI"] * count,
        "metric_weight": [1.0] * count,
        "shrink_factors": [[math.ceil(mm / recipe.spacing) for mm in levels_mm]] * count,
        "smoothing_sigmas": [list(sigmas_mm)] * count,
        "sigma_units": ["mm"] * count,
        "convergence_threshold": [1e-6] * count,
        "convergence_window_size": [10] * count,
        "winsorize_lower_quantile": 0.005,
        "winsorize_upper_quantile": 0.995,
        "float": True,
        "random_seed": RANDOM_SEED,
    }


def _place(foreground: str, template: str, head_height: float) -> tuple[str, str]:
    # nipype runs this text in a namespace of its own, hence the imports inside.
    from pathlib import Path

    from lib.skullstrip.working_image import place

    files = place(Path(foreground), Path(template), Path.cwd(), head_height)
    return str(files[0]), str(files[1])


def _coarse(head: str, template: str, spacing_mm: float) -> tuple[str, str]:
    # nipype runs this text in a namespace of its own, hence the imports inside.
    from pathlib import Path

    from lib.skullstrip.working_image import coarse_file

    found = [
        coarse_file(Path(file), Path.cwd() / name, spacing_mm)
        for file, name in ((head, "head.nii"), (template, "template.nii"))
    ]
    return str(found[0]), str(found[1])


def _region(prior: str, dilation_mm: float) -> str:
    # nipype runs this text in a namespace of its own, hence the imports inside.
    from pathlib import Path

    from lib.skullstrip.working_image import dilated_file

    return str(dilated_file(Path(prior), Path.cwd() / "region.nii", dilation_mm))


def _pattern(files: list[str]) -> str:
    # Atropos wants its priors as one name with a number in it.
    from pathlib import Path

    for file in files:
        Path(Path(file).name).symlink_to(file)
    return str(Path.cwd() / "tissue_%02d.nii")
