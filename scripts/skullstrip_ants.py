"""Make a brain mask with ANTs, by the recipe of `ecdysis.skullstrip.brain_extraction`."""

from pathlib import Path

from ecdysis.skullstrip.ants_recipe import skullstrip
from ecdysis.skullstrip.byproducts import Byproducts
from ecdysis.skullstrip.itk import describe_transforms
from ecdysis.skullstrip.lesions import checked
from ecdysis.template import Prepared, label, resolve

if "snakemake" in globals():
    from ecdysis.job import optional, recorded

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        made, template = job.output, job.params.skullstrip["template"]
        transforms = Path(made.to_template), Path(made.from_template)
        image = Path(job.input.image)
        lesion = checked(optional(job.input, "lesion"), job.params.fault_of_lesions, image)
        details["template"] = resolve(template).name
        details.update(
            skullstrip(
                image,
                Prepared(Path(job.input.template)),
                Path(made.mask),
                byproducts=Byproducts(
                    Path(made.posteriors),
                    Path(made.bias_field),
                    Path(made.affine),
                    Path(made.warped_template),
                ),
                transforms=transforms,
                lesion=lesion,
                priors=job.wildcards.suffix != "T1w",
                keep_stripped=job.params.skullstrip["already"] == "auto",
                provider=job.params.provider,
                threads=job.threads,
            )
        )
        describe_transforms(
            transforms,
            job.wildcards.suffix,
            label(template),
            job.params.sources,
            "affine and SyN of antsRegistration (doi:10.1016/j.media.2007.06.004)",
            lesion=lesion is not None,
        )
