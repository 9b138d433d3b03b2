"""ANTs' script antsBrainExtraction.sh, through nipype's `BrainExtraction`.

Avants et al. 2011, doi:10.1016/j.neuroimage.2010.09.025. The script is not in any Python
package, so ANTs must be on PATH; it works at full resolution and takes tens of minutes.
"""

from pathlib import Path
from typing import Any

from ecdysis.plain_folder import linked
from ecdysis.settings import Settings
from ecdysis.skullstrip import external_program, providers
from ecdysis.skullstrip.method import Method, Task
from ecdysis.template import resolve

SCRIPT = "antsBrainExtraction.sh"


def require(settings: Settings) -> None:
    """Check that the script and the programs it calls run, and that the template exists."""
    resolve(settings["skullstrip"]["template"])
    providers.require_script(SCRIPT)


def strip(task: Task) -> dict[str, Any]:
    """Write the brain mask of a T1w; files of the template are used as they are.

    Raises
    ------
    InputError
        The script is not on PATH, its programs do not run, a template file cannot be used, or
        the mask is empty.
    RuntimeError
        The script failed.
    """
    programs = providers.require_script(SCRIPT)
    template = resolve(task.settings["template"])

    def find(head: Path) -> Path:
        from nipype.interfaces.ants import BrainExtraction

        folder = head.parent
        extraction = BrainExtraction(
            dimension=3,
            anatomical_image=str(head),
            brain_template=str(linked(template.t1w, folder, "template")),
            brain_probability_mask=str(linked(template.brain_mask, folder, "template_mask")),
            out_prefix="head_",
            num_threads=task.threads,
        )
        if template.registration_mask is not None:
            where = linked(template.registration_mask, folder, "registration_mask")
            extraction.inputs.extraction_registration_mask = str(where)
        # The script draws random numbers from the clock unless this is 0.
        extraction.inputs.use_random_seeding = 0
        return Path(extraction.run().outputs.BrainExtractionMask)

    with programs.activated(task.threads):
        made = external_program.strip(task.image, task.mask, find)
    return {**programs.facts, "template": template.name, **made}


METHOD = Method(
    sentence=(
        "Brains were extracted with antsBrainExtraction.sh of {ants}, driven by nipype [@nipype],"
        " which uses N4 [@n4], SyN [@syn] and Atropos [@atropos], with {template}."
    ),
    require=require,
    strip=strip,
)
