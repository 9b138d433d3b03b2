"""Rule figures: all quality-control figures of one subject, and its page, in one process.

One process because importing nilearn.plotting costs more than drawing a figure. A figure that
cannot be drawn is named in the status record and does not take the others with it.
"""

import gc
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lib.report.drawable import load_drawable
from lib.report.figures import (
    Picture,
    brain_picture,
    crop_picture,
    input_picture,
    save_picture,
    surface_picture,
    thumb_picture,
)


def draw_figures(
    folder: Path,
    images: Sequence[dict[str, Any]],
    raw: Sequence[Path],
    preproc: Sequence[Path],
    masks: Sequence[Path] = (),
    faced: Sequence[Path] = (),
) -> dict[str, Any]:
    """Draw the figures of every image of a subject into `folder`.

    Parameters
    ----------
    folder : Path
        Where ``<entities>_desc-<kind>_<suffix>.png`` is written; kind is ``input``, ``crop``,
        ``brain`` (with a mask only), ``surface`` (where faces were removed) or ``thumb``.
    images : sequence of dict
        Entries of the manifest, with ``entities`` and ``suffix``.
    raw, preproc : sequence of Path
        The input and the result of each image, in the order of `images`.
    masks : sequence of Path
        The brain mask of each image on the grid of `preproc`, or empty.
    faced : sequence of Path
        Each image before its face was removed, on the grid of `preproc`, or empty.

    Returns
    -------
    dict
        ``figures``, their number, and ``warnings``, one for each that could not be drawn.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import nilearn.plotting  # noqa: F401

    # nilearn collects garbage whenever it looks at an image, and would walk through all that was
    # imported each time.
    gc.freeze()
    folder.mkdir(parents=True, exist_ok=True)
    drawn, warnings = 0, []
    for index, image in enumerate(images):
        name = f"{image['entities']}_{image['suffix']}"
        files = {"raw": raw[index], "preproc": preproc[index]}
        if masks:
            files["mask"] = masks[index]
        if faced:
            files["faced"] = faced[index]
        for kind, problem in _draw_image(folder, image, name, files).items():
            if problem is None:
                drawn += 1
            else:
                warnings.append(f"{name}: the figure '{kind}' could not be drawn: {problem}")
    return {"figures": drawn, "warnings": warnings}


def _draw_image(
    folder: Path, image: dict[str, Any], name: str, files: dict[str, Path]
) -> dict[str, str | None]:
    """Draw every figure of one image; for each kind, what went wrong or None."""
    volumes = {role: _attempt(load_drawable, path) for role, path in files.items()}
    mask = volumes.get("mask")
    plans: dict[str, tuple[Callable[..., Picture], list[Any]]] = {
        "input": (input_picture, [volumes["raw"]]),
        "crop": (crop_picture, [volumes["raw"], volumes["preproc"]]),
        "thumb": (thumb_picture, [volumes["preproc"], None if isinstance(mask, str) else mask]),
    }
    if mask is not None:
        plans["brain"] = (brain_picture, [volumes["preproc"], mask])
    if "faced" in volumes:
        plans["surface"] = (surface_picture, [volumes["faced"], volumes["preproc"]])
    outcome: dict[str, str | None] = {}
    for kind, (picture, needed) in plans.items():
        broken = [problem for problem in needed if isinstance(problem, str)]
        path = folder / f"{image['entities']}_desc-{kind}_{image['suffix']}.png"
        result = broken[0] if broken else _attempt(_draw, picture, name, needed, path)
        outcome[kind] = result
    return outcome


def _draw(picture: Callable[..., Picture], name: str, needed: list[Any], path: Path) -> None:
    save_picture(picture(name, *needed), path)


def _attempt(action: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result of an action or, where it failed, the reason in words."""
    try:
        return action(*arguments)
    except Exception as error:  # noqa: BLE001 - one bad figure must not cost the others
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"


if "snakemake" in globals():
    from lib.job import part_of, recorded
    from lib.report.pages import write_subject_page
    from lib.report.records import load_run

    job = globals()["snakemake"]
    with recorded(part_of(job, "figures"), "figures") as details:
        details.update(
            draw_figures(
                Path(job.output.figures),
                job.params.images,
                [Path(path) for path in job.input.images],
                [Path(path) for path in job.input.preproc],
                [Path(path) for path in job.input.masks],
                [Path(path) for path in job.input.faced],
            )
        )
    with recorded(part_of(job, "page"), "page"):
        label = job.wildcards.subject
        write_subject_page(load_run(Path.cwd(), only=label), label)
