"""The figures of a subject as files: which there are, and what they say of themselves."""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

FIGURE_KINDS = ("input", "crop", "brain", "tissues", "field", "surface")
"""Kinds in the order of the work; further kinds follow, by name."""
THUMB, BEFORE, AFTER, VIEWER = "thumb", "before", "after", "viewer"
ASKED_FOR = (THUMB, BEFORE, AFTER)
"""Kinds that are no figures of their own."""


@dataclass(frozen=True)
class FigureFile:
    """A figure for a page.

    `source` is a data URI, None when the figure is only linked; `path` is relative to the output
    directory; width and height are in pixels.
    """

    title: str
    description: str
    path: str
    width: int
    height: int
    source: str | None


def figures_of(
    output_dir: Path, subject: str, image: str, budget: int
) -> tuple[list[FigureFile], int]:
    """Return the figures of an image in order, and what is left of `budget` (bytes).

    A figure for which nothing is left has no source.
    """
    files = _files(output_dir, subject, image)
    found = {kind: path for kind, path in files.items() if kind not in ASKED_FOR}
    figures = []
    for kind in sorted(
        found, key=lambda kind: (FIGURE_KINDS.index(kind) if kind in FIGURE_KINDS else 99, kind)
    ):
        size = found[kind].stat().st_size
        embedded = size <= budget
        budget -= size if embedded else 0
        figures.append(read_figure(output_dir, found[kind], kind, embedded=embedded))
    return figures, budget


def thumb_of(output_dir: Path, subject: str, image: str) -> FigureFile | None:
    """Return the thumbnail of an image, None when there is none."""
    path = _files(output_dir, subject, image).get(THUMB)
    return read_figure(output_dir, path, THUMB, embedded=True) if path else None


def slider_of(
    output_dir: Path, subject: str, image: str, *, embedded: bool = True
) -> tuple[FigureFile, FigureFile] | None:
    """Return an image before and after skull stripping, None when there are not both.

    Both have the same width and height and show the same planes at the same places, so one
    laid over the other shows what was removed.
    """
    files = _files(output_dir, subject, image)
    if not (BEFORE in files and AFTER in files):
        return None
    before, after = (
        read_figure(output_dir, files[kind], kind, embedded=embedded) for kind in (BEFORE, AFTER)
    )
    return before, after


def viewer_of(output_dir: Path, subject: str, image: str) -> str | None:
    """Return the interactive viewer of an image, relative to the output directory, if any."""
    path = _files(output_dir, subject, image, ".html").get(VIEWER)
    return path.relative_to(output_dir).as_posix() if path else None


def _files(output_dir: Path, subject: str, image: str, extension: str = ".png") -> dict[str, Path]:
    """Find the files ``<entities>_desc-<kind>_<suffix><extension>`` of an image, by kind."""
    entities, _, suffix = image.rpartition("_")
    start, end = f"{entities}_desc-", f"_{suffix}{extension}"
    folder = output_dir / subject / "figures"
    return {
        path.name[len(start) : -len(end)]: path
        for path in (sorted(folder.iterdir()) if folder.is_dir() else [])
        if path.name.startswith(start) and path.name.endswith(end)
    }


def read_figure(output_dir: Path, path: Path, kind: str, *, embedded: bool) -> FigureFile:
    """Read a PNG that describes itself; `kind` is its title where it says none."""
    from PIL import Image

    with Image.open(path) as png:
        said, (width, height) = png.info, png.size
    data = b64encode(path.read_bytes()).decode() if embedded else None
    return FigureFile(
        title=str(said.get("Title", kind)),
        description=str(said.get("Description", "")),
        path=path.relative_to(output_dir).as_posix(),
        width=width,
        height=height,
        source=f"data:image/png;base64,{data}" if data else None,
    )
