"""Rigid registration of an image to the T1w of its session, by antsRegistration.

Mattes mutual information (Mattes et al. 2003, doi:10.1109/TMI.2003.809072) works between
contrasts. It is measured near the brain only, because neck and jaw move against the brain.
"""

from dataclasses import dataclass
from pathlib import Path

from ecdysis.skullstrip.brain_recipe import RECIPE, LinearSettings
from ecdysis.skullstrip.recipe_nodes import empty_workflow, linear, warp

RIGID = LinearSettings((8, 4, 2), (200, 100, 50), (4, 2, 0))
"""Settings of the registration; numbers as in antsBrainExtraction.sh, but for 2 mm voxels."""
AROUND_BRAIN_MM = 8.0
"""How far from the brain the similarity is measured."""


@dataclass(frozen=True)
class Aligned:
    """Files that the registration leaves."""

    to_t1w: Path
    """Resamples the image to the T1w: an ITK transform of points from T1w to image."""
    mask: Path
    """The T1w's mask, 0 to 1, on the grid of the image."""
    t1w: Path
    """The T1w on that grid."""


def align(
    image: Path,
    t1w: Path,
    t1w_mask: Path,
    near_brain: Path,
    folder: Path,
    *,
    by_centres: bool = False,
    threads: int = 1,
) -> Aligned:
    """Register `image` to `t1w` and bring the mask of the latter to it.

    Call it inside `Provider.activated`. Both are working images, with cubic voxels of one size. On
    the grid of `t1w` are its brain mask, 0 to 1, and `near_brain`, the region in which the
    similarity is measured. `folder` gets all files. With `by_centres`, both centres of mass begin
    at one point; by default the start are the positions in the scanner, which the images of a
    session share.

    Raises
    ------
    RuntimeError
        An ANTs program failed; its output is in the log.
    """
    from nipype.pipeline.engine.nodes import NodeExecutionError

    rigid = linear("rigid", RECIPE, RIGID, ["Rigid"])
    rigid.inputs.fixed_image, rigid.inputs.moving_image = str(t1w), str(image)
    rigid.inputs.fixed_image_masks = [str(near_brain)]
    if by_centres:
        rigid.inputs.initial_moving_transform_com = 1
    graph = empty_workflow("rigid_alignment", folder)
    for name, source in (("mask", t1w_mask), ("t1w", t1w)):
        back = warp(name, source)
        back.inputs.reference_image = str(image)
        back.inputs.invert_transform_flags = [True]
        back.inputs.num_threads = threads
        graph.connect(rigid, "forward_transforms", back, "transforms")
    try:
        done = graph.run(plugin="Linear")
    except NodeExecutionError as error:
        raise RuntimeError("an ANTs program failed, see the log") from error
    outputs = {node.name: node.result.outputs for node in done.nodes()}
    return Aligned(
        to_t1w=Path(outputs["rigid"].forward_transforms[0]),
        mask=Path(outputs["mask"].output_image),
        t1w=Path(outputs["t1w"].output_image),
    )
