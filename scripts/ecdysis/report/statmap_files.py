"""The statistical maps of a study as files: what was drawn of each, or why it was not."""

from dataclasses import dataclass
from pathlib import Path

from ecdysis.files import read_json
from ecdysis.places import MANIFEST, record_file
from ecdysis.report.figure_files import FigureFile, read_figure


@dataclass(frozen=True)
class MapFiles:
    """What a page shows of one statistical map.

    Attributes
    ----------
    unit : str
        ``sub-<label>``, or ``group``.
    name, title : str
        What the files begin with, and the name of the map; the title may be any text.
    cuts, glass : FigureFile or None
        In three planes, and through a glass brain.
    viewer : str or None
        The interactive page, relative to the output directory.
    problem : str or None
        Why the map was not drawn.
    """

    unit: str
    name: str
    title: str
    cuts: FigureFile | None
    glass: FigureFile | None
    viewer: str | None
    problem: str | None

    @property
    def pending(self) -> bool:
        """Whether the map is still to be drawn."""
        return self.cuts is None and self.problem is None


def statmaps_of(output_dir: Path, budget: int) -> list[MapFiles]:
    """Return the statistical maps of the manifest, in its order.

    Figures have a source (a data URI) as long as `budget` (bytes) lasts, cuts before glass
    brains; further ones are only linked.
    """
    manifest = output_dir / MANIFEST
    listed = read_json(manifest).get("statmaps", []) if manifest.is_file() else []
    figures: dict[tuple[str, str, str], FigureFile] = {}
    for kind in ("cuts", "glass"):
        for item in listed:
            path = output_dir / "figures" / item["unit"] / f"{item['name']}_{kind}.png"
            if path.is_file():
                embedded = path.stat().st_size <= budget
                budget -= path.stat().st_size if embedded else 0
                figure = read_figure(output_dir, path, kind, embedded=embedded)
                figures[item["unit"], item["name"], kind] = figure
    problems = {unit: _problems(output_dir, unit) for unit in {item["unit"] for item in listed}}
    found = []
    for item in listed:
        unit, name = item["unit"], item["name"]
        viewer = output_dir / "figures" / unit / f"{name}_viewer.html"
        found.append(
            MapFiles(
                unit,
                name,
                item["title"],
                figures.get((unit, name, "cuts")),
                figures.get((unit, name, "glass")),
                viewer.relative_to(output_dir).as_posix() if viewer.is_file() else None,
                problems[unit].get(name),
            )
        )
    return found


def _problems(output_dir: Path, unit: str) -> dict[str, str]:
    """Read why maps of a unit were not drawn, by name."""
    record = output_dir / record_file(unit, "statmaps")
    details = read_json(record).get("details", {}) if record.is_file() else {}
    return dict(details.get("problems", {}))
