"""What a subject's page shows besides plain figures: a slider of two, a viewer of its own."""

from pathlib import Path

from lib.report.figure_files import FigureFile


def slider_of(output_dir: Path, subject: str, image: str) -> tuple[FigureFile, FigureFile] | None:
    """Return the image before and after, in the same place and scale; None when not drawn."""
    return None


def viewer_of(output_dir: Path, subject: str, image: str) -> str | None:
    """Return the path of the interactive viewer of an image; None when there is none."""
    return None
