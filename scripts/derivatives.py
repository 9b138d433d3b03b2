"""Rule derivatives: all that is made of one image once its brain is found, in one process.

One process because to start another costs more than most of these stages do. Each stage has a
record of its own, and the first that fails ends the job.
"""

from pathlib import Path
from typing import Any

from ecdysis.derivatives import deface, tissues
from ecdysis.derivatives.brain import brain
from ecdysis.derivatives.crop import crop
from ecdysis.derivatives.quality import quality
from ecdysis.image.reorient import reorient
from ecdysis.job import forget, recorded
from ecdysis.quality.brain import Tissues
from ecdysis.quality.measured_image import Inputs
from ecdysis.skullstrip.byproducts import Byproducts
from ecdysis.skullstrip.tissues import TISSUES
from ecdysis.template import Prepared

STAGES = ("crop", "brain", "deface", "tissues", "quality")


def file(named: Any, name: str) -> Path | None:
    """Return the file of a rule that has a name, if there is one."""
    return next(iter(files(named, name)), None)


def files(named: Any, name: str) -> tuple[Path, ...]:
    """Return the files of a rule that have a name, which may be none, one or more."""
    found = named.get(name) or ()
    return tuple(Path(one) for one in ([found] if isinstance(found, str) else found))


if "snakemake" in globals():
    job = globals()["snakemake"]
    given, made = job.input, job.output
    shared = preproc = Path(made.preproc)
    forget(job, *STAGES)
    with recorded(job, "crop") as details:
        head = reorient(Path(given.image), job.params.orientation)
        mask = file(given, "mask")
        details.update(crop(head, preproc, job.params.crop, sources=job.params.sources, mask=mask))
    if mask:
        with recorded(job, "brain") as details:
            masked = Path(made.mask), Path(made.brain)
            details.update(brain(preproc, mask, *masked, sources=[f"bids::{preproc}"]))
    if defaced := file(made, "defaced"):
        with recorded(job, "deface") as details:
            template_mask = Prepared(Path(given.template)).brain_mask
            # Beside a T1w these are of that one.
            affine = Byproducts(Path(given.byproducts)).affine
            affines = affine, *files(given, "points_from_t1w")
            found = deface.Inputs(preproc, Path(made.mask), template_mask, affines)
            results = deface.Outputs(defaced, Path(made.defacemask))
            details.update(deface.deface(found, results, sources=job.params.sources))
        shared = defaced
    own = None
    if probabilities := files(made, "probsegs"):
        own = Byproducts(Path(given.byproducts))
        with recorded(job, "tissues") as details:
            labelled = {one.label: path for one, path in zip(TISSUES, probabilities, strict=True)}
            details.update(
                tissues.tissues(
                    tissues.Inputs(shared, Path(made.mask), own.posteriors, own.bias_field),
                    tissues.Outputs(Path(made.corrected), Path(made.dseg), labelled),
                    sources=[f"bids::{shared}"],
                )
            )
    with recorded(job, "quality") as details:
        maps = probabilities or files(given, "t1w_tissues")
        template_tissues = Prepared(Path(given.template)).tissue_maps if own else ()
        details.update(
            quality(
                Inputs(
                    head.volume,
                    job.params.method,
                    mask=mask,
                    tissues=Tissues(maps, file(given, "points_to_t1w")) if maps else None,
                    byproducts=own,
                    template_tissues=template_tissues,
                )
            )
        )
