"""Make a brain mask with ANTs, by the recipe of `ecdysis.skullstrip.brain_extraction`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis.skullstrip import providers
from ecdysis.template import Prepared, label, resolve


def require(settings: Mapping[str, Any]) -> None:
    """Check that ANTs programs run and that the template is there."""
    resolve(settings["skullstrip"]["template"])
    providers.find(settings["ants"]["provider"])


if "snakemake" in globals():
    from ecdysis.job import recorded
    from ecdysis.skullstrip.ants_recipe import describe_transforms, skullstrip
    from ecdysis.skullstrip.byproducts import Byproducts

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        made, template = job.output, job.params.skullstrip["template"]
        transforms = Path(made.to_template), Path(made.from_template)
        details["template"] = resolve(template).name
        details.update(
            skullstrip(
                Path(job.input.image),
                Prepared(Path(job.input.template)),
                Path(made.mask),
                byproducts=Byproducts(*map(Path, (made.posteriors, made.bias_field, made.affine))),
                transforms=transforms,
                priors=job.wildcards.suffix != "T1w",
                provider=job.params.provider,
                threads=job.threads,
            )
        )
        describe_transforms(transforms, job.wildcards.suffix, label(template), job.params.sources)
