"""The figures of an image as files: which exist, and their titles and descriptions."""

import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from ecdysis.places import figures_folder

GROUPS = ("head", "brain", "air", "crop", "surface")
"""Groups of layers that are switched in place, in the order of a page."""
THUMB, VIEWER = "thumb", "viewer"
ORDER = (
    "input", "corrected", "stripped", "defaced", "mask", "plain", "tissues", "t1w", "template",
    "cropBox", "crop", "surface", "surfaceDefaced", "field",
)  # fmt: skip
"""Kinds in the order of a page; further kinds follow, by name."""


@dataclass(frozen=True)
class FigureFile:
    """A figure of a page.

    `path` is relative to the output directory; `source` is a data URI, None when the page links the
    file; `group` is empty for a figure by itself; width and height are in pixels.
    """

    kind: str
    title: str
    description: str
    path: str
    width: int
    height: int
    group: str = ""
    source: str | None = None


@dataclass(frozen=True)
class Figures:
    """The figures of an image: groups of layers of one size each, and single figures."""

    groups: tuple[tuple[FigureFile, ...], ...]
    single: tuple[FigureFile, ...]


def figures_of(output_dir: Path, image: str) -> Figures:
    """Return the figures of an image, in the order of a page."""
    files = _files(output_dir, image)
    files.pop(THUMB, None)
    kinds = sorted(files, key=lambda kind: (ORDER.index(kind) if kind in ORDER else 99, kind))
    figures = [read_figure(output_dir, files[kind], kind) for kind in kinds]
    groups = [tuple(figure for figure in figures if figure.group == name) for name in GROUPS]
    single = tuple(figure for figure in figures if figure.group not in GROUPS)
    return Figures(tuple(filter(None, groups)), single)


def thumb_of(output_dir: Path, image: str) -> FigureFile | None:
    """Return the thumbnail of an image; None if it does not exist."""
    path = _files(output_dir, image).get(THUMB)
    return read_figure(output_dir, path, THUMB, embedded=True) if path else None


def viewer_of(output_dir: Path, image: str) -> str | None:
    """Return the interactive viewer of an image, relative to the output directory, if any."""
    path = _files(output_dir, image, (".html",)).get(VIEWER)
    return path.relative_to(output_dir).as_posix() if path else None


def read_figure(output_dir: Path, path: Path, kind: str, *, embedded: bool = False) -> FigureFile:
    """Read a PNG or JPEG with its words; `kind` is its title if it has none."""
    from PIL import Image

    with Image.open(path) as picture:
        info, (width, height) = picture.info, picture.size
    words = {"title": info.get("Title"), "description": info.get("Description")}
    if comment := info.get("comment"):
        words = json.loads(comment)
    data = b64encode(path.read_bytes()).decode() if embedded else None
    mime = "png" if path.suffix == ".png" else "jpeg"
    return FigureFile(
        kind=kind,
        title=str(words.get("title") or kind),
        description=str(words.get("description") or ""),
        path=path.relative_to(output_dir).as_posix(),
        width=width,
        height=height,
        group=str(words.get("group") or ""),
        source=f"data:image/{mime};base64,{data}" if data else None,
    )


def _files(
    output_dir: Path, image: str, extensions: tuple[str, ...] = (".jpg", ".png")
) -> dict[str, Path]:
    """Find the files ``<entities>_desc-<kind>_<suffix><extension>`` of an image, by kind."""
    entities, _, suffix = image.rpartition("_")
    folder = output_dir / figures_folder(image)
    start, end = f"{entities}_desc-", f"_{suffix}"
    return {
        path.stem[len(start) : -len(end)]: path
        for path in (sorted(folder.iterdir()) if folder.is_dir() else [])
        if path.suffix in extensions and path.stem.startswith(start) and path.stem.endswith(end)
    }
