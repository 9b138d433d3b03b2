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
    from ecdysis.image.reorient import reoriented_file
    from ecdysis.job import recorded
    from ecdysis.skullstrip.ants_recipe import describe_transforms, skullstrip
    from ecdysis.skullstrip.byproducts import Byproducts

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        details["template"] = resolve(job.params.template or {}).name
        transforms = Path(job.output.to_template), Path(job.output.from_template)
        with reoriented_file(Path(job.input.image), job.params.orientation) as head:
            details.update(
                skullstrip(
                    head,
                    Prepared(Path(job.input.template)),
                    Path(job.output.mask),
                    byproducts=Byproducts(Path(job.output.byproducts)),
                    transforms=transforms,
                    priors=job.wildcards.suffix != "T1w",
                    provider=job.params.provider,
                    threads=job.threads,
                )
            )
        describe_transforms(
            transforms,
            job.wildcards.suffix,
            label(job.params.template),
            job.params.sources,
        )
