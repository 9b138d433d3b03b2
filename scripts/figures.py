"""Rule figures: all quality-control figures of one subject, and its page, in one process.

One process because importing nilearn.plotting costs more than drawing a figure. A figure that
cannot be drawn is named in the status record and does not take the others with it.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecdysis.bids.image_name import ImageName
from ecdysis.deface.surface import SPACING_MM
from ecdysis.figures.brain import brain_picture, field_picture, thumb_picture, tissue_picture
from ecdysis.figures.drawable import load_drawable, load_regions
from ecdysis.figures.picture import Picture, save_picture
from ecdysis.figures.plotting import load_plotting
from ecdysis.figures.viewer import brain_viewer, save_page
from ecdysis.figures.whole_head import (
    after_picture,
    before_picture,
    crop_picture,
    input_picture,
    surface_picture,
)
from ecdysis.skullstrip.tissues import TISSUES

RAW_SPACING = 1.25
"""Voxel size in mm at which the input is drawn, of which the whole field is shown."""
LABELS = {tissue.label: tissue.index for tissue in TISSUES}


@dataclass(frozen=True)
class Files:
    """The files of one image; those that this run does not make are None.

    Attributes
    ----------
    raw, preproc : Path
        The input and the result, without face where faces go.
    mask, dseg : Path, optional
        The brain mask and the tissue labels on the grid of `preproc`.
    faced : Path, optional
        The image before its face was removed, on the grid of `preproc`.
    field : Path, optional
        The bias field, on any grid.
    """

    image: ImageName
    raw: Path
    preproc: Path
    mask: Path | None = None
    faced: Path | None = None
    dseg: Path | None = None
    field: Path | None = None


def draw_figures(folder: Path, images: Sequence[Files]) -> dict[str, Any]:
    """Draw the figures of every image of a subject into `folder`.

    Parameters
    ----------
    folder : Path
        Where ``<entities>_desc-<kind>_<suffix>.png`` is written. Kinds are ``input``, ``crop``
        and ``thumb``; with a mask ``brain``, ``before`` and ``after``; ``tissues``, ``field``
        and ``surface`` where there are their files. ``desc-viewer`` is an HTML page.
    images : sequence of Files

    Returns
    -------
    dict
        ``figures``, their number, and ``warnings``, one for each that could not be drawn.
    """
    load_plotting()
    folder.mkdir(parents=True, exist_ok=True)
    drawn, warnings = 0, []
    for image in images:
        for kind, problem in _draw_image(folder, image).items():
            if problem is None:
                drawn += 1
            else:
                warnings.append(
                    f"{image.image.file}: the figure '{kind}' could not be drawn: {problem}"
                )
    return {"figures": drawn, "warnings": warnings}


def _draw_image(folder: Path, files: Files) -> dict[str, str | None]:
    """Draw every figure of one image; for each kind, what went wrong or None."""
    raw = _attempt(load_drawable, files.raw, RAW_SPACING)
    preproc = _attempt(load_drawable, files.preproc)
    mask = files.mask and _attempt(_mask, files.mask)
    sound = None if isinstance(mask, str) else mask
    plans: dict[str, tuple[Callable[..., Picture], list[Any]]] = {
        "input": (input_picture, [raw]),
        "crop": (crop_picture, [raw, preproc]),
        "thumb": (thumb_picture, [preproc, sound]),
    }
    if files.mask:
        plans["brain"] = (brain_picture, [preproc, mask])
        plans["before"] = (before_picture, [preproc])
        plans["after"] = (after_picture, [preproc, mask])
    if files.dseg:
        tissues = _attempt(_tissues, files.dseg)
        tissues = [tissues] if isinstance(tissues, str) else tissues
        plans["tissues"] = (tissue_picture, [preproc, mask, *tissues])
    if files.field:
        plans["field"] = (field_picture, [preproc, mask, _attempt(load_drawable, files.field)])
    if files.faced:
        faced = _attempt(load_drawable, files.faced, SPACING_MM)
        plans["surface"] = (surface_picture, [faced, preproc])
    outcome: dict[str, str | None] = {}
    for kind, (picture, needed) in plans.items():
        path = folder / files.image.figure(kind)
        outcome[kind] = _unless_broken(_draw, needed, picture, files.image.file, path)
    page = folder / files.image.figure("viewer", "html")
    outcome["viewer"] = _unless_broken(_view, [preproc, sound], files.image.file, page)
    return outcome


def _mask(path: Path) -> Any:
    return load_regions(path, lambda stored: stored != 0)[0]


def _tissues(path: Path) -> list[Any]:
    """Load grey and white matter together, and white matter."""
    white, grey = LABELS["WM"], LABELS["GM"]
    return load_regions(
        path, lambda labels: (labels == white) | (labels == grey), lambda labels: labels == white
    )


def _draw(needed: list[Any], picture: Callable[..., Picture], name: str, path: Path) -> None:
    save_picture(picture(name, *needed), path)


def _view(needed: list[Any], name: str, path: Path) -> None:
    save_page(brain_viewer(name, *needed), path)


def _unless_broken(action: Callable[..., None], needed: list[Any], *arguments: Any) -> Any:
    """Run an action unless a file it needs could not be read; what went wrong, or None."""
    broken = [problem for problem in needed if isinstance(problem, str)]
    return broken[0] if broken else _attempt(action, needed, *arguments)


def _attempt(action: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result of an action or, where it failed, the reason in words."""
    try:
        return action(*arguments)
    except Exception as error:  # noqa: BLE001 - one bad figure must not cost the others
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"


def files_of_images(names: Sequence[Mapping[str, str]], given: Any) -> list[Files]:
    """Return the files of each image.

    Parameters
    ----------
    names : sequence of mapping
        ``folder``, ``entities`` and ``suffix`` of each image.
    given : Namedlist of Snakemake
        The inputs of the rule. ``raw`` are the raw images in the order of `names`; other files are
        found by the names that `ImageName` gives them.
    """
    paths = set(given)

    def existing(file: str) -> Path | None:
        return Path(file) if file in paths else None

    files = []
    for name, raw in zip(names, given.raw, strict=True):
        image = ImageName(**name)
        preproc = existing(image.defaced) or Path(image.preproc)
        files.append(
            Files(
                image,
                Path(raw),
                preproc,
                mask=existing(image.mask),
                faced=existing(image.undefaced),
                dseg=existing(image.dseg),
                field=existing(image.bias_field),
            )
        )
    return files


if "snakemake" in globals():
    from ecdysis.job import recorded
    from ecdysis.report.pages import Pages
    from ecdysis.report.records import load_run

    job = globals()["snakemake"]
    with recorded(job, "figures") as details:
        files = files_of_images(job.params.images, job.input)
        details.update(draw_figures(Path(job.output.figures), files))
    with recorded(job, "page"):
        label = job.wildcards.subject
        Pages(load_run(Path.cwd(), only=label)).write_subject(label)
