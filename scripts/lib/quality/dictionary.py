"""The measures of image quality: what each is called, its units and its source."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """One measure: `better` says which way is good, None when neither is."""

    key: str
    label: str
    units: str
    description: str
    source: str
    better: Literal["higher", "lower"] | None = None
    digits: int = 2
    needs: tuple[str, ...] = ()


MRIQC = "Esteban et al. 2017, doi:10.1371/journal.pone.0184661"
MEASURES = (
    Measure("cjv", "CJV", "", "Coefficient of joint variation", MRIQC, "lower", 3),
    Measure("cnr", "CNR", "", "Contrast-to-noise ratio", MRIQC, "higher", 2),
    Measure("snr_total", "SNR", "", "Signal-to-noise ratio, mean of tissues", MRIQC, "higher", 2),
    Measure("efc", "EFC", "", "Entropy-focus criterion", MRIQC, "lower", 3),
    Measure("fber", "FBER", "", "Foreground-background energy ratio", MRIQC, "higher", 0),
    Measure(
        "fwhm_avg", "FWHM", "mm", "Full width at half maximum of smoothness", MRIQC, "lower", 2
    ),
    Measure("qi_1", "QI1", "", "Share of air voxels with artifact", MRIQC, "lower", 4),
    Measure("inu_range", "INU range", "", "Range of the bias field", MRIQC, "lower", 3),
)
