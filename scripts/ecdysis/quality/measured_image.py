"""An image to be measured, and the intermediate results that several measures need."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from ecdysis.image.arrays import Mask, Values
from ecdysis.image.brain_mask import read_mask
from ecdysis.image.geometry import Box
from ecdysis.image.volume import Volume, read, without_gaps
from ecdysis.job import optional
from ecdysis.quality import air, background, maps, mriqc, tissue
from ecdysis.quality.sheet import NotComputableError
from ecdysis.skullstrip.byproducts import Byproducts
from ecdysis.skullstrip.itk import read_affine
from ecdysis.template import Prepared

SAMPLE = 4_000_000
"""Number of voxels, evenly spread over the image, among which the brightest are searched."""
BRIGHTEST = 99.95
WHOLE = (slice(None),) * 3
OUTLIER = 5.0
"""Outliers are this many times as far from percentile 0.1 of an image as percentile 99.9 is."""
MOST_NEGATIVE = 0.1
"""If a larger fraction of the brain is darker than no signal, the intensities have no zero."""
MOST_SIGNED = 0.25
"""If a larger fraction of the air is negative, its noise is not that of a magnitude image."""


@dataclass(frozen=True)
class Inputs:
    """The data that an image is measured from; None or empty if its skull stripping made none."""

    volume: Volume
    """The whole image, reoriented."""
    method: str
    """The method of skull stripping, which is named in reasons."""
    mask: Path | None = None
    """On the grid of `volume`."""
    tissues: maps.Tissues | None = None
    byproducts: Byproducts | None = None
    """Bias field, tissues and alignment of the working image."""
    template_tissues: tuple[Path, ...] = ()


def inputs_of(files: Any, method: str) -> Inputs:
    """Return the inputs of an image from the named files of a rule.

    `files` has ``image``, the reoriented image, and any of these: ``mask``; ``tissues``, three maps
    of the image or, with ``points_to_t1w``, of the T1w of its session; ``posteriors`` with
    ``bias_field``, ``affine`` and ``template``.
    """
    tissues = tuple(map(Path, files.get("tissues") or ()))
    byproducts: Byproducts | None = None
    template_tissues: tuple[Path, ...] = ()
    if files.get("posteriors"):
        names = ("posteriors", "bias_field", "affine")
        byproducts = Byproducts(*(Path(files.get(name)) for name in names))
        template_tissues = Prepared(Path(files.get("template"))).tissue_maps
    return Inputs(
        read(files.get("image")),
        method,
        mask=optional(files, "mask"),
        tissues=maps.Tissues(tissues, optional(files, "points_to_t1w")) if tissues else None,
        byproducts=byproducts,
        template_tissues=template_tissues,
    )


class MeasuredImage:
    """An image with the results that several measures need; each is computed at first use."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.volume = without_outliers(without_gaps(inputs.volume))

    @cached_property
    def around(self) -> air.Surroundings:
        """Where head, air and masked voxels are."""
        return air.survey(self.volume)

    @cached_property
    def zero(self) -> float:
        """The intensity that means no signal, which is subtracted; 0 if no air shows it."""
        try:
            return air.zero_level(self.volume, self.around)
        except NotComputableError:
            return 0.0

    def require_true_zero(self) -> None:
        """Raise NotComputableError if the image has an offset, which is known only roughly."""
        if self.zero:
            raise NotComputableError(
                f"the intensities have an offset: air begins at {self.zero:.4g} and not at 0"
            )

    def require_signal(self) -> None:
        """Raise NotComputableError if much of the brain is darker than no signal."""
        share = float((self.values[self.inside] < 0).mean())
        if share > MOST_NEGATIVE:
            raise NotComputableError(
                f"{share:.0%} of the brain is darker than no signal: the intensities have no zero,"
                " such as z-scores"
            )

    @cached_property
    def upper(self) -> tuple[Values, Mask, Mask]:
        """Intensities, air and head above the plane of the face."""
        inside, head = air.air_voxels(self.volume, self.around)
        return self.above_zero(self.around.window), inside, head

    @cached_property
    def air_noise(self) -> background.Noise:
        """The noise of the air."""
        values, inside, _ = self.upper
        return background.noise_of(values, inside, step_of(self.volume))

    @property
    def magnitude_noise(self) -> background.Noise:
        """The noise of the air; NotComputableError if it is not that of a magnitude image."""
        share = float((self.air_noise.values < 0).mean())
        if share > MOST_SIGNED:
            raise NotComputableError(
                f"{share:.0%} of the air is negative: the noise is not that of a magnitude image"
            )
        return self.air_noise

    @cached_property
    def mask(self) -> Mask:
        """The brain mask."""
        if self.inputs.mask is None:
            raise NotComputableError(
                f"there is no brain mask: skullstrip.method is {self.inputs.method}"
            )
        return read_mask(self.inputs.mask, self.volume)

    @cached_property
    def box(self) -> Box:
        """The box around the brain."""
        box = Box.around(self.mask)
        if box is None:
            raise NotComputableError("the brain mask is empty")
        return box

    @cached_property
    def inside(self) -> Mask:
        """The brain mask in its box."""
        return self.mask[self.box.slices]

    @cached_property
    def values(self) -> Values:
        """Intensities in the box of the brain."""
        return self.above_zero(self.box.slices)

    @cached_property
    def bias_field(self) -> Values:
        """The bias field in the box of the brain."""
        if self.inputs.byproducts is None:
            raise NotComputableError(self.missing("estimates no bias field"))
        return maps.read_field(self.inputs.byproducts.bias_field, self.volume, self.box.slices)

    @cached_property
    def scale(self) -> float:
        """The median of the bias field; the field is divided by it, as N4 leaves its scale open."""
        return float(np.median(self.bias_field[self.inside]))

    @cached_property
    def probabilities(self) -> list[Values]:
        """Probabilities of CSF, GM and WM in the box of the brain."""
        if self.inputs.tissues is None:
            raise NotComputableError(self.missing("maps no tissues"))
        return maps.read_tissues(self.inputs.tissues, self.volume, self.box)

    @cached_property
    def statistics(self) -> dict[str, tissue.Statistics]:
        """The statistics of each tissue, by its short name."""
        probabilities, values = self.probabilities, self.values
        if self.inputs.byproducts is not None:
            values = values / (self.bias_field / np.float32(self.scale))
        summary = {}
        for name, probability in zip(("csf", "gm", "wm"), probabilities, strict=True):
            sure = tissue.sure_mask(probability, self.volume.zooms_mm) & self.inside
            summary[name] = tissue.statistics(values[sure], name.upper())
        return summary

    def mriqc_scan(self) -> mriqc.Scan:
        """Return the data that the metrics of MRIQC are computed from."""
        byproducts = self.inputs.byproducts
        if byproducts is None:
            raise NotComputableError(self.missing("estimates no bias field"))
        self.require_signal()
        probabilities = dict(zip(mriqc.TISSUES, self.probabilities, strict=True))
        values = self.above_zero(WHOLE)
        field = maps.read_field(byproducts.bias_field, self.volume, WHOLE)
        corrected = mriqc.scaled(values / field, probabilities["wm"], self.box.slices)
        around = self.around
        head = around.voxels(around.head)
        hat = mriqc.hat_mask(head, self.volume.affine, read_affine(byproducts.affine))
        distance = ndimage.distance_transform_edt(~around.head)
        near = around.voxels(distance < mriqc.NEAR_HEAD * distance.max())
        artefacts = mriqc.artefact_mask(values, hat, near)
        blank = around.voxels(around.blank)
        box = self.box.slices
        return mriqc.Scan(corrected, probabilities, box, head, blank, hat, artefacts)

    def missing(self, what: str, word: str = "of") -> str:
        """Return a reason: the method does not do this, or not for an image other than the T1w."""
        beside = self.inputs.tissues is not None and self.inputs.tissues.to_t1w is not None
        whose = f" {word} an image beside a T1w" if beside else ""
        return f"skullstrip.method {self.inputs.method} {what}{whose}"

    def above_zero(self, window: tuple[slice, ...]) -> Values:
        """Return the intensities of a part of the image, without an offset."""
        values = maps.intensities(self.volume, window)
        return values - np.float32(self.zero) if self.zero else values

    def brightest(self) -> float:
        """Return percentile 99.95 of the image, without its bias field if that is known."""
        stride = max(1, round((self.volume.stored.size / SAMPLE) ** (1 / 3)))
        window = (slice(None, None, stride),) * 3
        values = self.above_zero(window)
        if self.inputs.byproducts is not None:
            field = maps.read_field(self.inputs.byproducts.bias_field, self.volume, window)
            values = values / (field / np.float32(self.scale))
        return float(np.percentile(values, BRIGHTEST))


def without_outliers(volume: Volume) -> Volume:
    """Replace voxels far beyond the range of an image by the median of their neighbours."""
    stored = volume.stored
    sample = stored.ravel(order="K")[:: max(1, stored.size // SAMPLE)]
    low, high = (float(level) for level in np.percentile(sample, (0.1, 99.9)))
    reach = OUTLIER * (high - low)
    if not reach or (stored.max() <= low + reach and stored.min() >= low - reach):
        return volume
    outlier = (stored > low + reach) | (stored < low - reach)
    repaired = stored.copy()
    for place in np.argwhere(outlier):
        near = tuple(slice(max(0, at - 2), at + 3) for at in place)
        good = stored[near][~outlier[near]]
        repaired[tuple(place)] = np.median(good) if good.size else low
    return replace(volume, stored=repaired)


def step_of(volume: Volume) -> float:
    """Return the smallest difference of two intensities; 0 if they are continuous."""
    sample = volume.stored.ravel(order="K")[:: max(1, volume.stored.size // 100_000)]
    whole = volume.stored.dtype.kind in "iu" or bool((sample == np.rint(sample)).all())
    return abs(volume.scaling[0]) if whole else 0.0
