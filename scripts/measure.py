"""Rule measure: compute the quality measures of one image, defined in `ecdysis.quality.dictionary`.

Measures of air use the reoriented image, neither cropped, defaced nor bias-corrected. Measures of
tissues use the same image, bias-corrected, inside the brain. A measure that cannot be computed has
a reason instead of a value.
"""

from collections.abc import Callable, Sequence
from typing import Any

import nibabel as nib
import numpy as np
from ecdysis.quality import background, brain, maps, mriqc, tissue
from ecdysis.quality.dictionary import MEASURES, OF_SKULLSTRIP
from ecdysis.quality.measured_image import Inputs, MeasuredImage
from ecdysis.quality.sheet import NotComputableError, Sheet
from nibabel.orientations import io_orientation


def measure(inputs: Inputs) -> dict[str, Any]:
    """Measure an image.

    The result has ``measures``: value by key of the dictionary; ``not_computable``: reason by key
    (those of `ecdysis.quality.dictionary.OF_SKULLSTRIP` are in neither: skull stripping took them);
    ``mriqc``: the metrics of MRIQC by their names, where they can be computed; ``warnings``: what
    failed for no reason that is known.
    """
    image, sheet = MeasuredImage(inputs), Sheet()
    _measure_air(image, sheet)
    _measure_tissues(image, sheet)
    _measure_brain(image, sheet)
    as_mriqc = Sheet()
    as_mriqc.fill_all(
        ["mriqc"],
        lambda: mriqc.metrics(image.mriqc_scan(), image.volume.zooms_mm, sheet.measures),
    )
    order = [item.key for item in MEASURES if item.key not in OF_SKULLSTRIP]
    return {
        "measures": {key: sheet.measures[key] for key in order if key in sheet.measures},
        "not_computable": {
            key: sheet.not_computable[key] for key in order if key in sheet.not_computable
        },
        "mriqc": as_mriqc.measures,
        "warnings": sheet.warnings + as_mriqc.warnings,
    }


def _measure_air(image: MeasuredImage, sheet: Sheet) -> None:
    """Compute the measures that need air only."""

    def entropy() -> Sequence[float]:
        _, _, _ = image.upper
        image.require_true_zero()
        blank = image.around.voxels(image.around.blank) if image.around.blank.any() else None
        whole = (slice(None),) * 3
        return [background.efc(maps.intensities(image.volume, whole), blank)]

    def energy() -> Sequence[float]:
        values, inside, head = image.upper
        image.require_true_zero()
        return [background.fber(values, head, inside)]

    def misfit() -> Sequence[float]:
        noise_of_air = image.magnitude_noise
        image.require_true_zero()
        return [background.qi_2(noise_of_air)]

    sheet.fill(["efc"], entropy)
    sheet.fill(["fber"], energy)
    sheet.fill(["qi_1"], lambda: [image.air_noise.artefacts])
    sheet.fill(["qi_2"], misfit)


def _measure_tissues(image: MeasuredImage, sheet: Sheet) -> None:
    """Compute the measures that need tissue maps."""
    names = ("csf", "gm", "wm")

    def of_both(compute: Callable[..., float], *more: float) -> Sequence[float]:
        return [compute(image.statistics["wm"], image.statistics["gm"], *more)]

    def ratios() -> Sequence[float]:
        values = tissue.with_mean({name: tissue.snr(image.statistics[name]) for name in names})
        image.require_signal()
        return values

    def ratios_to_air() -> Sequence[float]:
        stdev = image.magnitude_noise.stdev
        values = tissue.with_mean(
            {name: tissue.snr_dietrich(image.statistics[name], stdev) for name in names}
        )
        image.require_signal()
        return values

    def brightness() -> Sequence[float]:
        white = image.statistics["wm"]
        image.require_signal()
        return [tissue.wm2max(white, image.brightest())]

    sheet.fill(["cjv"], lambda: of_both(tissue.cjv))
    sheet.fill(["cnr"], lambda: of_both(tissue.cnr, image.air_noise.stdev))
    sheet.fill([f"snr_{name}" for name in (*names, "total")], ratios)
    sheet.fill([f"snrd_{name}" for name in (*names, "total")], ratios_to_air)
    sheet.fill(["wm2max"], brightness)
    sheet.fill(
        [f"icvs_{name}" for name in names], lambda: tissue.volume_fractions(image.probabilities)
    )
    sheet.fill(
        [f"rpve_{name}" for name in names],
        lambda: [tissue.rpve(probability) for probability in image.probabilities],
    )


def _measure_brain(image: MeasuredImage, sheet: Sheet) -> None:
    """Compute the measures of sharpness, bias field, mask and alignment."""

    def smoothness() -> Sequence[float]:
        widths = brain.fwhm(image.values, image.inside, image.volume.zooms_mm)
        axes = [int(axis) for axis in io_orientation(image.volume.affine)[:, 0]]
        named = [widths[axes.index(axis)] for axis in range(3)]
        return [*named, float(np.mean(named))]

    def blocks() -> Sequence[float]:
        image.require_signal()
        return [brain.inu_blocks(image.values, image.inside, image.volume.zooms_mm)]

    def figures() -> Sequence[float]:
        head = image.around.voxels(image.around.head)
        return brain.mask_figures(image.mask, head, image.volume.zooms_mm)

    def overlaps() -> Sequence[float]:
        left = image.inputs.byproducts
        if left is None:
            raise NotComputableError(image.missing("aligns no template", "to"))
        posteriors = nib.load(left.posteriors)
        volumes = np.moveaxis(posteriors.get_fdata(dtype=np.float32), -1, 0)
        wanted = maps.template_maps(image.inputs.template_tissues, left.affine, posteriors)
        return [
            tissue.fuzzy_jaccard(item, other) for item, other in zip(volumes, wanted, strict=True)
        ]

    sheet.fill(["inu_range", "inu_med"], lambda: brain.inu(image.bias_field[image.inside]))
    sheet.fill(["inu_blocks"], blocks)
    sheet.fill([f"fwhm_{axis}" for axis in ("x", "y", "z", "avg")], smoothness)
    sheet.fill([f"tpm_overlap_{name}" for name in ("csf", "gm", "wm")], overlaps)
    sheet.fill(["brain_volume", "mask_edge", "mask_fragments", "mask_outside_head"], figures)


if "snakemake" in globals():
    from ecdysis.files import write_json
    from ecdysis.job import recorded
    from ecdysis.quality.measured_image import inputs_of

    job = globals()["snakemake"]
    with recorded(job, "measure") as details:
        details.update(measure(inputs_of(job.input, job.params.method)))
        write_json(job.output.quality, details)
