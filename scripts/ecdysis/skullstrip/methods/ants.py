"""The workflow's own method, the recipe of `ecdysis.skullstrip.brain_extraction`."""

from ecdysis.settings import Settings
from ecdysis.skullstrip import providers
from ecdysis.skullstrip.brain_recipe import RECIPE
from ecdysis.skullstrip.method import Method
from ecdysis.template import resolve


def require(settings: Settings) -> None:
    """Check that ANTs programs run and that the template exists."""
    resolve(settings["skullstrip"]["template"])
    providers.find(settings["ants"]["provider"])


METHOD = Method(
    sentence=(
        "Brains were extracted with {ants}, driven by nipype [@nipype]. At"
        f" {RECIPE.spacing:g} mm, intensity non-uniformity was corrected with N4 [@n4]"
        f" (spline distance {RECIPE.bias.spline_mm:g} mm), and {{template}} was registered to the"
        f" head by rigid and affine transforms (mutual information, {RECIPE.linear.bins} bins"
        " [@mattes]) and by symmetric normalisation (SyN) [@syn]. Its brain mask, warped to the"
        " head, bounded a three-class segmentation: with Atropos [@atropos] in T1w images (where"
        " voxels brighter than tissue got the brightness of white matter), else by Bayes' rule with"
        " the template's tissues as the prior. On the native grid, connected tissue up to"
        f" {RECIPE.border.reach_mm:g} mm outside was added to the mask of a T1w; in other"
        f" contrasts, tissue up to {RECIPE.border.spacing_mm:g} mm outside was added, and bone and"
        " fluid that differs from matter were removed up to"
        f" {RECIPE.border.fluid_reach_mm:g} mm inside."
    ),
    require=require,
)
