"""Measures of a brain mask against label maps, pial surfaces and the masks of other tools."""

from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np
from ecdysis.image.components import largest_component
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Values = NDArray[np.float32]

CLOSING_MM = 6.0
"""Radius of the closing that fills sulci and cisterns of a label map; own choice."""
MARGIN_MM = 1.0
"""Two good masks may differ by this much."""


def cropped(*volumes: NDArray[Any], margin: int = 12) -> list[NDArray[Any]]:
    """Cut volumes of one grid to the box around the union of the masks among them."""
    union = np.any([volume for volume in volumes if volume.dtype == bool], axis=0)
    box = tuple(
        slice(max(part.start - margin, 0), part.stop + margin)
        for part in ndimage.find_objects(union.astype(np.uint8))[0]
    )
    return [volume[box] for volume in volumes]


def closed(mask: Mask, radius: float, zooms: Sequence[float]) -> Mask:
    """Close a mask by a ball of `radius` mm, on voxels of any shape."""
    pad = int(np.ceil(radius / min(zooms))) + 1
    padded = np.pad(mask, pad)
    grown = ndimage.distance_transform_edt(~padded, sampling=zooms) <= radius
    kept = ndimage.distance_transform_edt(grown, sampling=zooms) > radius
    filled: Mask = (kept | padded)[(slice(pad, -pad),) * 3]
    return filled


def true_brain(tissue: Mask, zooms: Sequence[float]) -> Mask:
    """Return the brain of a label map's tissue, with sulci, cisterns and ventricles filled."""
    brain: Mask = ndimage.binary_fill_holes(closed(largest_component(tissue), CLOSING_MM, zooms))
    return brain


def lower_of_two_thresholds(values: Values, bins: int = 128) -> float:
    """Divide values into three classes of least variance; return the lower threshold.

    Otsu 1979, doi:10.1109/TSMC.1979.4310076, for two thresholds.
    """
    low_end, high_end = np.percentile(values, (0.1, 99.9))
    counts, edges = np.histogram(values, bins, (low_end, high_end))
    weight = np.concatenate([[0], np.cumsum(counts)]).astype(float)
    total = np.concatenate([[0], np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)])

    def between(first: Any, last: Any) -> Any:
        """Between-class variance, up to a constant, of the bins from `first` to `last`."""
        return (total[last] - total[first]) ** 2 / np.maximum(weight[last] - weight[first], 1)

    low, high = np.triu_indices(bins, 1)
    best = np.argmax(between(0, low) + between(low, high) + between(high, bins))
    return float(edges[low[best]])


def signed_distance(mask: Mask, zooms: Sequence[float]) -> Values:
    """Distance (mm) of voxel centres to the border of a mask; negative inside.

    The border lies between voxels: half a voxel is taken from the distance of two centres.
    """
    outside = ndimage.distance_transform_edt(~mask, sampling=zooms)
    inside = ndimage.distance_transform_edt(mask, sampling=zooms)
    half = min(zooms) / 2
    distance: Values = np.where(mask, half - inside, outside - half).astype(np.float32)
    return distance


def overlap(mask: Mask, truth: Mask, zooms: Sequence[float]) -> dict[str, float]:
    """Dice overlap, and 95th percentile of the distances between both surfaces (mm)."""
    mask, truth = cropped(mask, truth)
    total = int(mask.sum() + truth.sum())
    borders = [volume & ~ndimage.binary_erosion(volume) for volume in (mask, truth)]
    away = [ndimage.distance_transform_edt(~border, sampling=zooms) for border in borders]
    distances = np.concatenate([away[1][borders[0]], away[0][borders[1]]])
    return {
        "dice": 2 * float((mask & truth).sum()) / total,
        "hd95": float(np.percentile(distances, 95)),
    }


def against_tools(
    mask: Mask, tools: Sequence[Mask], head: Values, zooms: Sequence[float]
) -> dict[str, float]:
    """Compare with the masks of other tools, all on one grid.

    Returns
    -------
    dict
        ``dice`` and ``hd95`` (mm) to the mean of the tools' signed distances; ``missing``: per
        cent of what lies at least `MARGIN_MM` inside all tools' masks that the mask lacks;
        ``tissue``: the same without fluid, which is darker than the lower of Otsu's two
        thresholds of `head` inside (of a T1w); ``extra``: per cent of the mask that lies more
        than `MARGIN_MM` outside all.
    """
    mask, head, *tools = cropped(mask, head, *tools)
    distances = [signed_distance(tool, zooms) for tool in tools]
    inside = np.max(distances, axis=0) <= -MARGIN_MM
    lost = inside & ~mask
    tissue = lost & (head > lower_of_two_thresholds(head[inside]))
    far = mask & (np.min(distances, axis=0) > MARGIN_MM)
    return {
        **overlap(mask, np.mean(distances, axis=0) < 0, zooms),
        "missing": _per_cent(lost, inside),
        "tissue": _per_cent(tissue, inside),
        "extra": _per_cent(far, mask),
    }


def against_labels(
    mask: Mask, brain: Mask, tissue: Mask, cortex: Mask, zooms: Sequence[float]
) -> dict[str, float]:
    """Compare with a label map, of which three masks are given: with fluid, without, cortex.

    Returns
    -------
    dict
        ``dice`` and ``hd95`` (mm) to `true_brain`; ``with_fluid``: Dice to brain and all its
        fluid; per cent of cortex (``cortex``) and of the other tissue of the brain (``other``)
        outside the mask; ``extra``: per cent of the mask that is neither brain nor fluid.
    """
    mask, brain, tissue, cortex = cropped(mask, brain, tissue, cortex)
    other = tissue & ~cortex
    return {
        **overlap(mask, true_brain(tissue, zooms), zooms),
        "with_fluid": overlap(mask, ndimage.binary_fill_holes(brain), zooms)["dice"],
        "cortex": _per_cent(cortex & ~mask, cortex),
        "other": _per_cent(other & ~mask, other),
        "extra": _per_cent(mask & ~brain, mask),
    }


def against_surfaces(
    mask: Mask, affine: NDArray[np.float64], vertices: NDArray[np.float64]
) -> dict[str, float]:
    """Per cent of vertices (N, 3; world mm) that lie more than `MARGIN_MM` outside: ``pial``."""
    zooms = np.linalg.norm(affine[:3, :3], axis=0)
    places = nib.affines.apply_affine(np.linalg.inv(affine), vertices).T
    distance = signed_distance(mask, zooms)
    depth = ndimage.map_coordinates(distance, places, order=1, mode="nearest")
    return {"pial": 100 * float((depth > MARGIN_MM).mean())}


def _per_cent(part: Mask, whole: Mask) -> float:
    return 100 * float(part.sum()) / float(whole.sum())
