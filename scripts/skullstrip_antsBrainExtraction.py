"""Make a brain mask with antsBrainExtraction.sh, through nipype's `BrainExtraction`.

Avants et al. 2011, doi:10.1016/j.neuroimage.2010.09.025. The script is not in any Python
package, so ANTs must be on PATH; it works at full resolution and takes tens of minutes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis.plain_folder import linked
from ecdysis.skullstrip import external_program, providers
from ecdysis.template import resolve

SCRIPT = "antsBrainExtraction.sh"


def require(settings: Mapping[str, Any]) -> None:
    """Check that the script and the programs it calls run, and that the template is there."""
    resolve(settings["skullstrip"]["template"])
    providers.require_script(SCRIPT)


def skullstrip(
    image: Path,
    template_settings: Mapping[str, str | None],
    mask: Path,
    *,
    threads: int = 1,
) -> dict[str, Any]:
    """Write the brain mask of a head.

    Parameters
    ----------
    image : path
        T1-weighted head, 3-D.
    template_settings : mapping
        The config's ``skullstrip.template``; its files are used as they are.
    mask : path
        Gets the mask, uint8, on the grid of `image`.
    threads : int

    Raises
    ------
    InputError
        The script is not on PATH, its programs do not run, a template file is at fault, or
        the mask is empty.
    RuntimeError
        The script failed.
    """
    programs = providers.require_script(SCRIPT)
    template = resolve(template_settings)

    def find(head: Path) -> Path:
        from nipype.interfaces.ants import BrainExtraction

        folder = head.parent
        extraction = BrainExtraction(
            dimension=3,
            anatomical_image=str(head),
            brain_template=str(linked(template.t1w, folder, "template")),
            brain_probability_mask=str(linked(template.brain_mask, folder, "template_mask")),
            out_prefix="head_",
            num_threads=threads,
        )
        if template.registration_mask is not None:
            where = linked(template.registration_mask, folder, "registration_mask")
            extraction.inputs.extraction_registration_mask = str(where)
        # The script draws random numbers from the clock unless told not to.
        extraction.inputs.use_random_seeding = 0
        return Path(extraction.run().outputs.BrainExtractionMask)

    with programs.activated(threads):
        found = external_program.strip(image, mask, find)
    return {**programs.facts, "template": template.name, **found}


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        image, mask = Path(job.input.image), Path(job.output.mask)
        template = job.params.skullstrip["template"]
        details.update(skullstrip(image, template, mask, threads=job.threads))
