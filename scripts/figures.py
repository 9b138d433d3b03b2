"""Rule figures: all figures of one subject, and its page, in one process.

One process because importing nilearn.plotting takes longer than drawing a figure.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.bids.image_name import ImageName
from ecdysis.figures.draw import ImageFiles, draw_figures


def files_of_images(
    names: Sequence[Mapping[str, str]],
    given: Any,
    t1w: Mapping[str, str] | None = None,
    lesions: Mapping[str, str] | None = None,
) -> list[ImageFiles]:
    """Return the files of each image.

    Parameters
    ----------
    names : sequence of mapping
        ``folder``, ``entities`` and ``suffix`` of each image.
    given : Namedlist of Snakemake
        The inputs of the rule. ``raw`` are the raw images in the order of `names`; other files are
        found by the names that `ImageName` gives them.
    t1w : mapping, optional
        The T1w to which each other image was aligned, by the name of that image.
    lesions : mapping, optional
        The lesion masks of the images that have one, by the name of the image.
    """
    paths = set(given)

    def existing(file: str) -> Path | None:
        return Path(file) if file in paths else None

    files = []
    for name, raw in zip(names, given.raw, strict=True):
        image = ImageName(**name)
        preproc = existing(image.defaced) or Path(image.preproc)
        files.append(
            ImageFiles(
                image.entities,
                image.suffix,
                Path(raw),
                preproc,
                mask=existing(image.mask),
                automatic_mask=existing(image.uncropped_mask),
                lesion=existing((lesions or {}).get(image.file, "")),
                faced=existing(image.undefaced),
                dseg=existing(image.dseg),
                # The rule that writes the labels also writes this image.
                corrected=Path(image.corrected) if existing(image.dseg) else None,
                field=existing(image.bias_field),
                template=existing(image.warped_template),
                t1w=existing((t1w or {}).get(image.file, "")),
                from_t1w=existing(image.from_t1w),
            )
        )
    return files


if "snakemake" in globals():
    from ecdysis.job import recorded
    from ecdysis.report.pages import Pages
    from ecdysis.report.records import load_run

    job = globals()["snakemake"]
    with recorded(job, "figures") as details:
        files = files_of_images(job.params.images, job.input, job.params.t1w, job.params.lesions)
        details.update(draw_figures(Path(job.output.figures), files))
    with recorded(job, "page"):
        label = job.wildcards.subject
        Pages(load_run(Path.cwd(), only=label)).write_subject(label)
