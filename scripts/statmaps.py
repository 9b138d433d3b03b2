"""Rule statmaps: the statistical maps of a subject, or of the group, in one process.

The drawn files are not declared to Snakemake, because it would remove all of them if one map is
broken. Only the record of success is declared.
"""

import shutil
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.figures.drawable import load_drawable
from ecdysis.figures.image_viewer import write_image_viewer
from ecdysis.figures.map_reading import prepare
from ecdysis.figures.mosaic import load_canonical
from ecdysis.figures.picture import load_plotting, save_picture
from ecdysis.figures.statmap import anat_picture, cuts_picture, glass_picture, write_map_viewer
from ecdysis.files import write_json
from ecdysis.statmaps import StatMap

MISSING = "Restore it (`datalad get` for a link of git-annex), or narrow statmaps.pattern"


def draw_maps(
    folder: Path,
    maps: Sequence[StatMap],
    background: Path | None = None,
    threshold: float | None = None,
    cut_coords: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Draw every map into `folder`, which holds nothing else afterwards.

    It gets ``<name>_cuts.png``, ``<name>_glass.png`` (of a map in template space) and
    ``<name>_viewer.html``. `background` is the head beneath maps in a subject's own space. Absolute
    values below the `threshold` are hidden, see `ecdysis.figures.map_reading.interpret`.
    `cut_coords` are three numbers in mm, by default the maximum of each map. The result has
    ``maps``, the number drawn; ``thresholds`` by name; ``problems``: the reason by name of a map
    that was not drawn; ``doubts``: warnings by name.
    """
    load_plotting()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    own = any(statmap.own_space for statmap in maps)
    head = load_drawable(background).image if own and background else None
    thresholds: dict[str, float] = {}
    problems: dict[str, str] = {}
    warnings: dict[str, list[str]] = {}
    for statmap in maps:
        try:
            if not Path(statmap.path).exists():
                raise InputError(statmap.path, "the file does not exist", MISSING)
            if statmap.anatomy:
                _draw_image(folder, statmap, cut_coords)
                continue
            shown = prepare(statmap, head, threshold, cut_coords)
            save_picture(cuts_picture(shown), folder / f"{statmap.name}_cuts.png")
            if shown.background is None:
                save_picture(glass_picture(shown), folder / f"{statmap.name}_glass.png")
            write_map_viewer(folder / f"{statmap.name}_viewer.html", shown)
            thresholds[statmap.name] = float(f"{shown.threshold:.4g}")
            if doubts := [note for note in shown.notes if note.startswith("Warning")]:
                warnings[statmap.name] = doubts
        except Exception as error:  # noqa: BLE001 - one bad map must not stop the others
            traceback.print_exc()
            kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
            problems[statmap.name] = f"{kind}{error}"
    return {
        "maps": len(maps) - len(problems),
        "thresholds": thresholds,
        "problems": problems,
        "doubts": warnings,
    }


def require_all(details: dict[str, Any]) -> None:
    """Raise an InputError that names every map that was not drawn, with the reason."""
    problems = details["problems"]
    if problems:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in problems.items())
        raise InputError("statistical maps", reasons, "Repair them, or narrow statmaps.pattern")


def _draw_image(folder: Path, statmap: StatMap, cut_coords: Sequence[float] | None) -> None:
    shown = load_drawable(statmap.path)
    save_picture(
        anat_picture(shown, statmap.title, cut_coords), folder / f"{statmap.name}_cuts.png"
    )
    image = load_canonical(statmap.path)
    page = folder / f"{statmap.name}_viewer.html"
    write_image_viewer(
        page, statmap.title, image, [("image", "Image", image)], back="../../index.html"
    )


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "statmaps") as details:
        details.update(
            draw_maps(
                Path("figures") / job.wildcards.unit,
                [StatMap(**statmap) for statmap in job.params.maps],
                Path(job.input.background[0]) if job.input.background else None,
                job.params.threshold,
                job.params.cut_coords,
            )
        )
        require_all(details)
        write_json(job.output.record, details)
