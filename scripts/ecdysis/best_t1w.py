"""Choose the T1w of a session whose brain mask the other contrasts get."""

from collections.abc import Iterable
from pathlib import Path

from ecdysis.bids.discovery import Image
from ecdysis.files import read_remembered
from ecdysis.ordering import grouped
from ecdysis.places import record_file

SMALLEST_FIELD_MM = 100.0
"""A field that is smaller in one direction cuts the brain of an adult."""
Rank = tuple[bool, bool, float, bool, float, str]


def best_t1ws(images: Iterable[Image], output_dir: Path) -> dict[str, str]:
    """Return the name of the best T1w for each image of another contrast with several T1w.

    A T1w whose skull stripping failed in an earlier run comes last. Otherwise the T1w with a whole
    field of view, the smallest longest voxel edge, a mask without doubts and the smallest voxel is
    the best. `output_dir` holds the status records of earlier runs.
    """
    sessions = grouped(((image.subject, image.session), image) for image in images)
    best: dict[str, str] = {}
    for members in sessions.values():
        t1ws = [image for image in members if image.suffix == "T1w"]
        others = [image for image in members if image.suffix != "T1w"]
        if len(t1ws) > 1 and others:
            chosen = min(t1ws, key=lambda image: rank(image, output_dir))
            best |= {image.name: chosen.name for image in others}
    return best


def rank(image: Image, output_dir: Path) -> Rank:
    """Return the order of a T1w; the smallest is the best."""
    record = read_remembered(output_dir / record_file(image.name, "skullstrip"))
    verdict = (record.get("details") or {}).get("check", {}).get("verdict")
    zooms, field = _grid(Path(image.path))
    return (
        record.get("state") == "failed" or verdict == "fail",
        min(field) < SMALLEST_FIELD_MM,
        round(max(zooms), 1),
        verdict == "look",
        zooms[0] * zooms[1] * zooms[2],
        image.name,
    )


def _grid(path: Path) -> tuple[list[float], list[float]]:
    """Return voxel sizes and field of view (mm); an image that is not converted yet comes last."""
    import nibabel as nib

    try:
        header = nib.load(path).header
        zooms = [float(zoom) for zoom in header.get_zooms()[:3]]
        shape = header.get_data_shape()[:3]
        return zooms, [zoom * size for zoom, size in zip(zooms, shape, strict=True)]
    except (OSError, nib.filebasedimages.ImageFileError):
        return [float("inf")] * 3, [0.0]
