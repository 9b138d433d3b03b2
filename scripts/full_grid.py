"""Rule full_grid: write the T1w of a session as fMRIPrep and sMRIPrep take it over.

The files lie in a derivative dataset of their own: there ``desc-preproc`` is the uncropped image
without its bias field.
"""

from collections.abc import Mapping
from pathlib import Path

from ecdysis.files import copy_file, read_json, write_json
from ecdysis.image.sidecar import grid_facts, sidecar_of
from ecdysis.image.volume import read, with_values, write
from ecdysis.skullstrip.segmentation import Inputs, Outputs, segment


def write_mask(image: Path, mask: Path, output: Path, sources: list[str]) -> None:
    """Write the brain mask, 0 and 1, with its sidecar.

    `mask` is on the grid of `image`, the reoriented image, whose sidecar lies beside it. `sources`
    are the BIDS URIs of the files that the mask was made from.
    """
    volume = read(mask)
    write(with_values(volume, (volume.stored != 0).astype("uint8")), output)
    about = {"Description": "Brain mask", "Type": "Brain", "Sources": sources}
    write_json(sidecar_of(output), {**about, **grid_facts(read_json(sidecar_of(image)))})


def copy_transforms(transforms: Mapping[Path, Path]) -> None:
    """Copy each transform, with its sidecar, to its new place."""
    for source, copy in transforms.items():
        for start, end in ((source, copy), (sidecar_of(source), sidecar_of(copy))):
            copy_file(start, end)


if "snakemake" in globals():
    from ecdysis.job import optional, recorded

    job = globals()["snakemake"]
    with recorded(job, "full_grid") as details:
        given, made, sources = job.input, job.output, list(job.params.sources)
        image, mask = Path(given.image), Path(given.mask)
        outputs = Outputs(Path(made.preproc), Path(made.dseg), [*map(Path, made.probsegs)])
        lesion = optional(given, "lesion")
        inputs = Inputs(image, mask, Path(given.posteriors), Path(given.bias_field), lesion)
        details.update(segment(inputs, outputs, sources=sources))
        write_mask(image, mask, Path(made.mask), sources)
        copy_transforms(
            {
                Path(given.to_template): Path(made.to_template),
                Path(given.from_template): Path(made.from_template),
            }
        )
