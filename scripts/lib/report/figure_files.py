"""The figures of a subject as files: which there are, and what they say of themselves."""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

KINDS = ("input", "crop", "brain", "surface")
"""Kinds in the order of the work; further kinds follow, by name."""
THUMB = "thumb"


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
    found = {kind: path for path, kind in _files(output_dir, subject, image) if kind != THUMB}
    figures = []
    for kind in sorted(found, key=lambda kind: (KINDS.index(kind) if kind in KINDS else 99, kind)):
        size = found[kind].stat().st_size
        embedded = size <= budget
        budget -= size if embedded else 0
        figures.append(_read(output_dir, found[kind], kind, embedded=embedded))
    return figures, budget


def thumb_of(output_dir: Path, subject: str, image: str) -> FigureFile | None:
    """Return the thumbnail of an image, None when there is none."""
    for path, kind in _files(output_dir, subject, image):
        if kind == THUMB:
            return _read(output_dir, path, kind, embedded=True)
    return None


def _files(output_dir: Path, subject: str, image: str) -> list[tuple[Path, str]]:
    """Find the files ``<entities>_desc-<kind>_<suffix>.png`` of an image, with their kinds."""
    entities, _, suffix = image.rpartition("_")
    start, end = f"{entities}_desc-", f"_{suffix}.png"
    folder = output_dir / subject / "figures"
    return [
        (path, path.name[len(start) : -len(end)])
        for path in (sorted(folder.iterdir()) if folder.is_dir() else [])
        if path.name.startswith(start) and path.name.endswith(end)
    ]


def _read(output_dir: Path, path: Path, kind: str, *, embedded: bool) -> FigureFile:
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


def slider_of(
    output_dir: Path, subject: str, image: str, *, embedded: bool = True
) -> tuple[FigureFile, FigureFile] | None:
    """Return an image before and after skull stripping, None when there are not both."""
    found = {kind: path for path, kind in _files(output_dir, subject, image)}
    if not {"before", "after"} <= set(found):
        return None
    before, after = (
        _read(output_dir, found[kind], kind, embedded=embedded) for kind in ("before", "after")
    )
    return before, after


def viewer_of(output_dir: Path, subject: str, image: str) -> str | None:
    """Return the interactive viewer of an image, relative to the output directory, if any."""
    entities, _, suffix = image.rpartition("_")
    path = Path(subject, "figures", f"{entities}_desc-viewer_{suffix}.html")
    return path.as_posix() if (output_dir / path).is_file() else None
