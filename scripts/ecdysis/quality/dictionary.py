"""The data dictionary of ``participants_qc.tsv``: all measures of an image.

Names are those of MRIQC (Esteban et al. 2017, doi:10.1371/journal.pone.0184661) if it has the
measure. In formulas µ is the median of a tissue, s its standard deviation (n - 1), and MAD its
median absolute deviation times 1.4826.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Measure:
    """One column of the table.

    Attributes
    ----------
    key, label : str
        The name of the column; a short name for the head of a table.
    units : str
        ``1`` for a pure number.
    description : str
        Description with the formula.
    source : str
        Paper and DOI.
    better : {"higher", "lower"} or None
        None if both directions are suspicious.
    digits : int
        Decimals to show; smaller differences are ignored.
    needs : tuple of str
        Any of ``background``, ``tissues``, ``mask``, ``field`` and ``template``; empty if the image
        suffices.
    """

    key: str
    label: str
    units: str
    description: str
    source: str
    better: Better | None
    digits: int
    needs: tuple[str, ...] = ()


_GANZETTI = "Ganzetti et al. 2016, doi:10.3389/fninf.2016.00010"
_MAGNOTTA = "Magnotta and Friedman 2006, doi:10.1007/s10278-006-0264-x"
_DIETRICH = "Dietrich et al. 2007, equation A.12, doi:10.1002/jmri.20969"
_ATKINSON = "Atkinson et al. 1997, doi:10.1109/42.650886"
_SHEHZAD = "Shehzad et al. 2015, doi:10.3389/conf.fnins.2015.91.00047"
_MORTAMET = "Mortamet et al. 2009, doi:10.1002/mrm.21992"
_TUSTISON = "Tustison et al. 2010, doi:10.1109/TMI.2010.2046908"
_FORMAN = "Forman et al. 1995, doi:10.1002/mrm.1910330508; AFNI's 3dFWHMx, classic"
_ESTEBAN = "Esteban et al. 2017, doi:10.1371/journal.pone.0184661"
_CRUM = "Crum et al. 2006, doi:10.1109/TMI.2006.880587"
_OWN = "own measure"

_TISSUES = (("csf", "CSF"), ("gm", "GM"), ("wm", "WM"))

MEASURES: tuple[Measure, ...] = (
    Measure(
        "cjv", "CJV", "1",
        "Coefficient of joint variation, (MAD_WM + MAD_GM) / |µ_WM - µ_GM|: rises with head motion"
        " and with the bias field that correction left",
        _GANZETTI, "lower", 3, ("tissues",),
    ),
    Measure(
        "cnr", "CNR", "1",
        "Contrast-to-noise ratio, |µ_WM - µ_GM| / sqrt(s_air² + s_WM² + s_GM²)",
        _MAGNOTTA, "higher", 2, ("tissues", "background"),
    ),
    *(
        Measure(
            f"snr_{key}", f"SNR {label}", "1",
            f"Signal-to-noise ratio inside {label}, µ / s",
            _MAGNOTTA, "higher", 2, ("tissues",),
        )
        for key, label in _TISSUES
    ),
    Measure(
        "snr_total", "SNR", "1", "Mean of the signal-to-noise ratios of the three tissues",
        _MAGNOTTA, "higher", 2, ("tissues",),
    ),
    *(
        Measure(
            f"snrd_{key}", f"SNRd {label}", "1",
            f"Signal of {label} over the noise of the air, µ / (s_air sqrt(2 / (4 - π))); the root"
            " turns the deviation of Rayleigh noise into that of the signal",
            _DIETRICH, "higher", 1, ("tissues", "background"),
        )
        for key, label in _TISSUES
    ),
    Measure(
        "snrd_total", "SNRd", "1", "Mean of SNRd of the three tissues",
        _DIETRICH, "higher", 1, ("tissues", "background"),
    ),
    Measure(
        "efc", "EFC", "1",
        "Entropy focus criterion, -Σ (x/m) ln(x/m) / (√N ln √N) with m = sqrt(Σ x²), over all N"
        " voxels: ghosts and blur raise it; 0 for one bright voxel, 1 for all alike",
        _ATKINSON, "lower", 3, ("background",),
    ),
    Measure(
        "fber", "FBER", "1",
        "Foreground-background energy ratio, mean of x² in the head over that in the air",
        _SHEHZAD, "higher", 0, ("background",),
    ),
    Measure(
        "inu_range", "INU range", "1",
        "Intensity non-uniformity: percentile 95 minus percentile 5 of the N4 bias field inside the"
        " brain, over its median",
        _TUSTISON, "lower", 3, ("field", "mask"),
    ),
    Measure(
        "inu_med", "INU median", "1",
        "Median of the N4 bias field inside the brain, in the scale that N4 gives it",
        _TUSTISON, None, 3, ("field", "mask"),
    ),
    Measure(
        "inu_blocks", "INU blocks", "1",
        "Intensity non-uniformity without N4: percentile 90 of the intensities in each block of 28"
        " mm that is at least half brain, which is white matter nearly everywhere in a T1w;"
        " percentile 95 minus percentile 5 of the blocks, over their median",
        _OWN, "lower", 3, ("mask",),
    ),
    Measure(
        "qi_1", "QI1", "1",
        "Part of the air that is artefact: voxels more than 5 spreads (interquartile range / 1.349)"
        " above the median of the air, connected with one whose six neighbours are so too",
        _MORTAMET, "lower", 4, ("background",),
    ),
    Measure(
        "qi_2", "QI2", "1",
        "QI1 plus the misfit of the noise, Σ |H - G| from the half maximum right of the mode: H is"
        " the histogram of the air without artefacts, G the χ distribution fitted to its moments",
        _MORTAMET, "lower", 4, ("background",),
    ),
    Measure(
        "wm2max", "WM2MAX", "1",
        "Median of WM over percentile 99.95 of the image: bright fat and vessels lower it",
        _ESTEBAN, None, 3, ("tissues",),
    ),
    *(
        Measure(
            f"fwhm_{axis}", f"FWHM {axis}", "mm",
            f"Smoothness inside the brain along {words}: d sqrt(-2 ln 2 / ln ρ), ρ = 1 - v/2V;"
            " v is the variance of the differences of neighbours, V that of the intensities, d the"
            " distance of neighbours in mm",
            _FORMAN, "lower", 2, ("mask",),
        )
        for axis, words in (("x", "left-right"), ("y", "back-front"), ("z", "foot-head"))
    ),
    Measure(
        "fwhm_avg", "FWHM", "mm", "Mean of the smoothness along the three axes",
        _FORMAN, "lower", 2, ("mask",),
    ),
    *(
        Measure(
            f"icvs_{key}", f"ICV {label}", "1",
            f"Fraction of {label}: sum of its probability over that of all tissues",
            _ESTEBAN, None, 3, ("tissues",),
        )
        for key, label in _TISSUES
    ),
    *(
        Measure(
            f"rpve_{key}", f"rPVE {label}", "1",
            f"Residual partial volume of {label}: mean of min(p, 1 - p) over the voxels whose"
            " probability p is above 0 and within its percentiles 2 and 98; 0 when all are pure",
            _ESTEBAN, "lower", 3, ("tissues",),
        )
        for key, label in _TISSUES
    ),
    *(
        Measure(
            f"tpm_overlap_{key}", f"Overlap {label}", "1",
            f"Fuzzy Jaccard index of {label} and the template's, brought by the affine part of the"
            " registration: Σ min(p, q) / Σ max(p, q)",
            _CRUM, "higher", 3, ("template",),
        )
        for key, label in _TISSUES
    ),
    Measure(
        "brain_volume", "Brain", "mL", "Volume of the brain mask",
        _OWN, None, 0, ("mask",),
    ),
    Measure(
        "mask_edge", "Mask at edge", "cm²",
        "Area where the brain mask touches the edge of the field of view",
        _OWN, "lower", 1, ("mask",),
    ),
    Measure(
        "mask_fragments", "Mask fragments", "1",
        "Part of the brain mask outside its largest component",
        _OWN, "lower", 4, ("mask",),
    ),
    Measure(
        "mask_outside_head", "Mask outside head", "1",
        "Part of the brain mask outside the head; the head is found without the mask",
        _OWN, "lower", 4, ("mask",),
    ),
    Measure(
        "mask_similarity", "Similarity", "1",
        "Correlation ratio of the head and the image it was aligned to, inside the brain",
        "Roche et al. 1998, doi:10.1007/BFb0056301", "higher", 3, ("template",),
    ),
    Measure(
        "mask_affine_overlap", "Dice with template (affine)", "1",
        "Dice overlap of the brain mask and the template's after affine registration alone",
        "Dice 1945, doi:10.2307/1932409", "higher", 3, ("template",),
    ),
    Measure(
        "mask_left_right", "L/R volume asymmetry", "1",
        "Difference of left and right brain volume over their sum",
        "Kruggel 2006, doi:10.1016/j.neuroimage.2005.09.063", "lower", 3, ("template",),
    ),
)  # fmt: skip

BY_KEY = {measure.key: measure for measure in MEASURES}

OF_SKULLSTRIP = {
    "mask_similarity": "similarity",
    "mask_affine_overlap": "affine_overlap",
    "mask_left_right": "left_right_difference",
}
"""Measures that skull stripping computes, and their names in its status record."""


def markdown(measures: Iterable[Measure] = MEASURES) -> str:
    """Write the dictionary as a table for ``docs/quality.md``."""
    rows = [
        "| column | what, with its formula | units | better | source |",
        "|---|---|---|---|---|",
    ]
    rows += [
        "| "
        + " | ".join(
            [
                f"`{measure.key}`",
                measure.description.replace("|", "\\|"),
                "" if measure.units == "1" else measure.units,
                measure.better or "",
                measure.source,
            ]
        )
        + " |"
        for measure in measures
    ]
    return "\n".join(rows) + "\n"
