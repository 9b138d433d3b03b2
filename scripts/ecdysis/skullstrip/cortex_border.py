"""The last step of brain extraction: move the border of a warped mask to the cortex.

No registration puts every gyrus inside the warped mask. Voxels near its border that are as bright
as grey or white matter, and joined to the brain by a bridge that is wider than a membrane, are
added. antsBrainExtraction.sh (Avants et al. 2011, doi:10.1016/j.neuroimage.2010.09.025) also adds
tissue classes to the warped mask; here their brightness is measured in the middle of the brain, so
that scalp and bone in the band do not shift it.

In contrasts other than T1w, the warped mask lies outside the cortex, in fluid and bone, the more so
the wider the fluid is. There, voxels near the border that are not tissue are removed instead. Where
fluid is as bright as grey matter (PDw), only bone is removed.
"""

from collections.abc import Sequence

import nibabel as nib
import numpy as np
import scipy

from ecdysis.image.arrays import Mask, Values
from ecdysis.image.components import filled, largest_component
from ecdysis.image.distance import deeper_than, within
from ecdysis.image.geometry import Box
from ecdysis.image.resampling import isotropic_grid, resample
from ecdysis.skullstrip.brain_recipe import BorderSettings
from ecdysis.skullstrip.tissues import (
    Brightness,
    brightness,
    brightness_by_maps,
    darkest_of_brain,
    range_of_matter,
)
from ecdysis.skullstrip.working_image import (
    NativeGrid,
    closed,
    grey_closed,
    intensities,
    solid,
)

BOX_MARGIN_MM = 10.0
AIR_PERCENTILE = 0.5
"""Percentile of the image that is subtracted: a bias field multiplies intensities above air."""


def follow_cortex(
    image: nib.Nifti1Image,
    bias_field: nib.Nifti1Image,
    prior: nib.Nifti1Image,
    classes: Sequence[Values],
    grid: NativeGrid,
    settings: BorderSettings,
    closing: float,
    *,
    healthy: Values | None = None,
    is_t1w: bool = True,
) -> Mask:
    """Return the brain mask on the native grid.

    A T1w gets tissue that the warped mask lacks. Other images lose what is not tissue, but no part
    of a lesion.

    `image` is the head, and `grid` its grid and that of the result. The bias field and `prior`, the
    warped template mask (0 to 1), are on the working grid, as are the `classes`, the probabilities
    of fluid, grey and white matter: of a T1w those found in the image, else the template's maps.
    `closing` is the radius (mm) of the closing of the warped mask; `healthy` is 0 in a lesion, else
    1, on the working grid.
    """
    spacing = float(np.linalg.norm(prior.affine[:3, 0]))
    soft = grey_closed(prior.get_fdata(dtype=np.float32), closing, spacing)
    fine = (settings.spacing_mm,) * 3
    shape = _fine_shape(grid, prior.shape, spacing, settings.spacing_mm)
    box = _box(resample(soft, (spacing,) * 3, shape, fine) > 0.5, settings.spacing_mm)
    if box is None:
        return np.zeros(grid.shape, dtype=bool)

    def fitted(volume: Values, zooms: Sequence[float]) -> Values:
        return resample(volume, zooms, shape, fine, box)

    data = intensities(image)
    head = fitted(data, grid.zooms) - np.float32(np.percentile(data[::2, ::2, ::2], AIR_PERCENTILE))
    head /= np.maximum(fitted(bias_field.get_fdata(dtype=np.float32), (spacing,) * 3), 1e-3)
    brain = filled(fitted(soft, (spacing,) * 3) > 0.5)
    fine_classes = [fitted(volume, (spacing,) * 3) for volume in classes]
    moved = (_grown if is_t1w else _trimmed)(brain, head, fine_classes, settings)
    if healthy is not None:
        moved |= brain & (fitted(healthy, (spacing,) * 3) < 0.5)
    change = moved.sum() / max(brain.sum(), 1)
    if not 1 - settings.removed_at_most <= change <= 1 + settings.added_at_most:
        moved = brain
    whole = np.zeros(shape, dtype=np.float32)
    whole[box] = scipy.ndimage.gaussian_filter(moved.astype(np.float32), 0.5)
    return solid(resample(whole, fine, grid.shape, grid.zooms) > 0.5)


def _fine_shape(
    grid: NativeGrid, working: Sequence[int], spacing: float, fine: float
) -> tuple[int, ...]:
    """Return the shape of the fine grid over an image: no larger than its working image.

    The working image (`spacing`) has no constant border. Both grids have the same centre.
    """
    shape, _ = isotropic_grid(grid.shape, grid.affine, fine)
    needed = [int(np.ceil(size * spacing / fine)) for size in working]
    return tuple(
        size - 2 * max((size - enough) // 2, 0) for size, enough in zip(shape, needed, strict=True)
    )


def _grown(brain: Mask, head: Values, classes: Sequence[Values], settings: BorderSettings) -> Mask:
    """Add tissue that is joined to `brain`, on cubic voxels of `settings.spacing_mm`."""
    step = settings.spacing_mm
    deep = deeper_than(brain, settings.examples_mm, step)
    levels = [brightness(head, probability, deep) for probability in classes]
    interval = tissue_interval(levels, settings.deviations)
    if interval is None:
        return brain
    tissue = (head > interval[0]) & (head < interval[1])
    tissue &= within(brain, settings.reach_mm, step)
    tissue |= deeper_than(brain, step, step)
    grown = _filled(brain | _joined(tissue, settings), settings)
    low, high = rim_interval(levels, interval, settings.rim_from)
    rim: Mask = within(grown, step, step) & (head > low) & (head < high)
    return grown | rim


def _trimmed(brain: Mask, head: Values, maps: Sequence[Values], settings: BorderSettings) -> Mask:
    """Remove bone and fluid near the border of `brain`; its voxels as in `_grown`.

    Tissue in the next millimetre outside is added, since thick slices and a smooth warp cut gyri.
    """
    step = settings.spacing_mm
    levels = brightness_by_maps(head, maps, brain, step)
    if levels is None:
        return brain
    bone = darkest_of_brain(head, brain, levels, step)
    low, high = range_of_matter(levels, bone, settings.fluid_from)
    tissue = within(brain, step, step) & (head > low) & (head < high)
    tissue |= deeper_than(brain, settings.fluid_reach_mm, step)
    kept = _filled(_joined(tissue, settings), settings)
    # The outermost voxels of the cortex are part fluid.
    return kept | (brain & within(kept, step, step))


def _joined(tissue: Mask, settings: BorderSettings) -> Mask:
    """Keep tissue that a bridge wider than a membrane joins to the largest piece."""
    step, bridge = settings.spacing_mm, settings.bridge_mm
    thick = deeper_than(tissue, bridge, step)
    return largest_component(tissue & within(thick, bridge, step))


def _filled(mask: Mask, settings: BorderSettings) -> Mask:
    """Close sulci and fill holes."""
    return filled(closed(mask, settings.closing_mm, settings.spacing_mm))


def tissue_interval(
    classes: Sequence[Brightness | None], deviations: float
) -> tuple[float, float] | None:
    """Find the intensities of grey and white matter that are not those of fluid.

    `classes` are fluid, grey and white matter; `deviations` are the standard deviations that belong
    to a tissue.

    Examples
    --------
    >>> tissue_interval([Brightness(20, 5), Brightness(60, 5), Brightness(100, 5)], 2)
    (50.0, 110.0)
    >>> tissue_interval([Brightness(90, 9), Brightness(70, 9), Brightness(50, 9)], 2)
    (32.0, 80.0)
    """
    fluid, grey, white = classes
    if grey is None or white is None:
        return None
    low = min(tissue.centre - deviations * tissue.sigma for tissue in (grey, white))
    high = max(tissue.centre + deviations * tissue.sigma for tissue in (grey, white))
    if fluid is not None:
        darker, brighter = sorted((grey.centre, white.centre))
        if fluid.centre < darker:
            low = max(low, (fluid.centre + darker) / 2)
        elif fluid.centre > brighter:
            high = min(high, (fluid.centre + brighter) / 2)
    return (float(low), float(high)) if low < high else None


def rim_interval(
    classes: Sequence[Brightness | None], interval: tuple[float, float], part: float
) -> tuple[float, float]:
    """Widen the interval of `tissue_interval` to voxels that are part cortex, part fluid.

    `classes` are fluid, grey and white matter; `part` is where tissue begins on the way from fluid
    to the matter nearest in brightness.

    Examples
    --------
    >>> rim_interval([Brightness(20, 5), Brightness(60, 5), Brightness(100, 5)], (50, 110), 0.25)
    (30.0, 110)
    """
    fluid, grey, white = classes
    if fluid is None or grey is None or white is None:
        return interval
    low, high = interval
    darker, brighter = sorted((grey.centre, white.centre))
    if fluid.centre < darker:
        low = min(low, fluid.centre + part * (darker - fluid.centre))
    elif fluid.centre > brighter:
        high = max(high, fluid.centre - part * (fluid.centre - brighter))
    return low, high


def _box(mask: Mask, spacing: float) -> tuple[slice, ...] | None:
    """Return the index of a mask with `BOX_MARGIN_MM` around it, or None if it is empty."""
    box = Box.around(mask)
    if box is None:
        return None
    return (box.grown(BOX_MARGIN_MM, (spacing,) * 3) & Box.whole(mask.shape)).slices
