"""Rule figures: the figures and the viewer of an image."""

from pathlib import Path

from ecdysis.bids.image_name import ImageName
from ecdysis.figures.draw import ImageFiles, draw_figures

if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    image = ImageName(**job.params.name)
    files = {kind: Path(file) for kind, file in job.input.items()}
    with recorded(job, "figures") as details:
        drawn = draw_figures(Path(job.output.figures), ImageFiles(image, **files))
        details.update(drawn)
