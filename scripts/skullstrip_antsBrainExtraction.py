"""Make a brain mask with antsBrainExtraction.sh, through nipype's `BrainExtraction`.

Avants et al. 2011, doi:10.1016/j.neuroimage.2010.09.025. The script is not in any Python
package, so ANTs must be on PATH; it works at full resolution and takes tens of minutes.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from lib.errors import InputError
from lib.plain_folder import linked, plain_folder
from lib.skullstrip import mask_check, providers, working_image
from lib.template import resolve


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
    programs = providers.require_script("antsBrainExtraction.sh")
    template = resolve(template_settings)
    source = nib.load(image)
    mask.parent.mkdir(parents=True, exist_ok=True)
    with plain_folder() as folder, programs.activated(threads):
        from nipype.interfaces.ants import BrainExtraction

        extraction = BrainExtraction(
            dimension=3,
            anatomical_image=str(linked(image, folder, "head")),
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
        with _inside(folder):
            found = nib.load(extraction.run().outputs.BrainExtractionMask)
        brain = np.asanyarray(found.dataobj).reshape(source.shape[:3]) > 0
    if not brain.any():
        raise InputError(
            image,
            "antsBrainExtraction.sh found no brain in it",
            "Look at the image and its orientation; exclude it, or give a mask of your own",
        )
    working_image.write_mask(brain, source, mask)
    measures = mask_check.measure_shape(brain, working_image.native_grid(source))
    return {
        **programs.facts,
        "template": template.name,
        "measures": measures,
        "check": mask_check.judge(measures),
    }


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Work in `folder`: nipype's interface names its outputs from the working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


if "snakemake" in globals():
    from lib.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "skullstrip") as details:
        details.update(
            skullstrip(
                Path(job.input.image),
                job.params.template or {},
                Path(job.output.mask),
                threads=job.threads,
            )
        )
