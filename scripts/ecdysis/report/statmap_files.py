"""The statistical maps of a study: their figures, or why a map was not drawn."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecdysis.files import read_json
from ecdysis.places import MANIFEST, record_file
from ecdysis.report.figure_files import FigureFile, read_figure
from ecdysis.report.status import Status


@dataclass(frozen=True)
class MapFiles:
    """What a page shows of one statistical map."""

    unit: str
    """``sub-<label>``, or ``group``."""
    title: str
    """The name of the map, which may be any text."""
    cuts: FigureFile | None
    """In three planes."""
    glass: FigureFile | None
    """Through a glass brain."""
    viewer: str | None
    """The interactive page, relative to the output directory."""
    problem: str | None
    """Why the map was not drawn."""
    doubts: tuple[str, ...] = ()
    """Warnings."""

    @property
    def status(self) -> Status:
        """Whether the map was drawn, and whether it needs a review."""
        if self.problem:
            return Status.FAILED
        if self.cuts is None:
            return Status.PENDING
        return Status.REVIEW if self.doubts else Status.DONE

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for each reason of the status."""
        return (self.problem,) if self.problem else self.doubts


def statmaps_of(output_dir: Path) -> list[MapFiles]:
    """Return the statistical maps of the manifest, in its order."""
    manifest = output_dir / MANIFEST
    listed = read_json(manifest).get("statmaps", []) if manifest.is_file() else []
    records = {unit: _details(output_dir, unit) for unit in {item["unit"] for item in listed}}
    maps = []
    for item in listed:
        unit, name, record = item["unit"], item["name"], records[item["unit"]]
        folder = output_dir / "figures" / unit
        viewer = folder / f"{name}_viewer.html"
        maps.append(
            MapFiles(
                unit,
                item["title"],
                _figure(output_dir, folder / f"{name}_cuts.png"),
                _figure(output_dir, folder / f"{name}_glass.png"),
                viewer.relative_to(output_dir).as_posix() if viewer.is_file() else None,
                record.get("problems", {}).get(name),
                tuple(record.get("doubts", {}).get(name, ())),
            )
        )
    return maps


def _figure(output_dir: Path, path: Path) -> FigureFile | None:
    return read_figure(output_dir, path, path.stem) if path.is_file() else None


def _details(output_dir: Path, unit: str) -> dict[str, Any]:
    record = output_dir / record_file(unit, "statmaps")
    return dict(read_json(record).get("details", {})) if record.is_file() else {}
