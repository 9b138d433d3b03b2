"""Measure the quality of one image: `ecdysis.quality.dictionary` says what and by which formula.

What concerns air is measured on the raw image, turned but neither cropped nor defaced, and not
corrected for its bias field, which means nothing in air. Tissues are measured on the same image
after correction, inside the brain alone. What an image cannot give has a reason, not a number.
"""

from collections.abc import Callable, Sequence
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import io_orientation

from ecdysis.quality import background, brain, inu, mask, noise, sharpness, tissue
from ecdysis.quality.dictionary import MEASURES, OF_SKULLSTRIP
from ecdysis.quality.not_computable import NotComputableError
from ecdysis.quality.sheet import Sheet
from ecdysis.quality.subject import Inputs, Subject


def quality(inputs: Inputs) -> dict[str, Any]:
    """Measure an image.

    Returns
    -------
    dict
        ``measures``: value by key of the dictionary; ``not_computable``: reason by key. Those of
        `ecdysis.quality.dictionary.OF_SKULLSTRIP` are in neither: skull stripping took them.
        ``warnings``: what failed for no reason that is known.
    """
    subject, sheet = Subject(inputs), Sheet()
    _measure_air(subject, sheet)
    _measure_tissues(subject, sheet)
    _measure_brain(subject, sheet)
    order = [one.key for one in MEASURES if one.key not in OF_SKULLSTRIP]
    return {
        "measures": {key: sheet.measures[key] for key in order if key in sheet.measures},
        "not_computable": {
            key: sheet.not_computable[key] for key in order if key in sheet.not_computable
        },
        "warnings": sheet.warnings,
    }


def _measure_air(subject: Subject, sheet: Sheet) -> None:
    """Take the measures that need air alone."""

    def entropy() -> Sequence[float]:
        _, _, _ = subject.upper
        blank = subject.around.voxels(subject.around.blank) if subject.around.blank.any() else None
        whole = (slice(None),) * 3
        return [background.efc(brain.intensities(subject.volume, whole), blank)]

    def energy() -> Sequence[float]:
        values, inside, head = subject.upper
        return [background.fber(values, head, inside)]

    sheet.fill(["efc"], entropy)
    sheet.fill(["fber"], energy)
    sheet.fill(["qi_1"], lambda: [subject.air_noise.artefacts])
    sheet.fill(["qi_2"], lambda: [background.qi_2(subject.air_noise)])


def _measure_tissues(subject: Subject, sheet: Sheet) -> None:
    """Take the measures that need tissue maps."""
    names = ("csf", "gm", "wm")

    def of_both(measure: Callable[..., float], *more: float) -> Sequence[float]:
        return [measure(subject.statistics["wm"], subject.statistics["gm"], *more)]

    def ratios() -> Sequence[float]:
        return noise.with_mean({name: noise.snr(subject.statistics[name]) for name in names})

    def ratios_to_air() -> Sequence[float]:
        stdev = subject.air_noise.stdev
        return noise.with_mean(
            {name: noise.snr_dietrich(subject.statistics[name], stdev) for name in names}
        )

    sheet.fill(["cjv"], lambda: of_both(noise.cjv))
    sheet.fill(["cnr"], lambda: of_both(noise.cnr, subject.air_noise.stdev))
    sheet.fill([f"snr_{name}" for name in (*names, "total")], ratios)
    sheet.fill([f"snrd_{name}" for name in (*names, "total")], ratios_to_air)
    sheet.fill(["wm2max"], lambda: [noise.wm2max(subject.statistics["wm"], subject.brightest())])
    sheet.fill(
        [f"icvs_{name}" for name in names], lambda: tissue.volume_fractions(subject.probabilities)
    )
    sheet.fill(
        [f"rpve_{name}" for name in names],
        lambda: [tissue.rpve(one) for one in subject.probabilities],
    )


def _measure_brain(subject: Subject, sheet: Sheet) -> None:
    """Take the measures of sharpness, bias field, mask and alignment."""

    def smoothness() -> Sequence[float]:
        widths = sharpness.fwhm(subject.values, subject.inside, subject.volume.zooms_mm)
        axes = [int(axis) for axis in io_orientation(subject.volume.affine)[:, 0]]
        named = [widths[axes.index(axis)] for axis in range(3)]
        return [*named, float(np.mean(named))]

    def figures() -> Sequence[float]:
        head = subject.around.voxels(subject.around.head)
        return mask.mask_figures(subject.mask, head, subject.volume.zooms_mm)

    def overlaps() -> Sequence[float]:
        left = subject.inputs.byproducts
        if left is None:
            raise NotComputableError(subject.missing("aligns no template", "to"))
        image = nib.load(left.posteriors)
        found = np.moveaxis(image.get_fdata(dtype=np.float32), -1, 0)
        wanted = brain.template_maps(subject.inputs.template_tissues, left.affine, image)
        return [tissue.fuzzy_jaccard(one, other) for one, other in zip(found, wanted, strict=True)]

    sheet.fill(["inu_range", "inu_med"], lambda: inu.inu(subject.bias_field[subject.inside]))
    sheet.fill(
        ["inu_blocks"],
        lambda: [inu.inu_blocks(subject.values, subject.inside, subject.volume.zooms_mm)],
    )
    sheet.fill([f"fwhm_{axis}" for axis in ("x", "y", "z", "avg")], smoothness)
    sheet.fill([f"tpm_overlap_{name}" for name in ("csf", "gm", "wm")], overlaps)
    sheet.fill(["brain_volume", "mask_edge", "mask_fragments", "mask_outside_head"], figures)
