"""A small study of invented patients as a scanner exports it, to try the whole line on."""

from dataclasses import replace
from pathlib import Path

from ecdysis.phantom.dicom import write_dicom_study
from ecdysis.phantom.head import HeadSettings
from ecdysis.phantom.identity import invented_identity

# Two people, seen by two scanners; the template is a large head, so both are below its size.
PATIENTS = (
    ("siemens", HeadSettings(size=0.90, rotation_deg=(8.0, 2.0, -5.0), seed=11, scan=11)),
    ("philips", HeadSettings(size=0.95, rotation_deg=(-12.0, -3.0, 6.0), seed=12, scan=12)),
)
SPACING_MM = 1.5
NECK_MM = 70.0


def demo_scans(folder: Path) -> None:
    """Write the study: a folder for each patient, with a visit with localizer, T1w and T2w."""
    for number, (vendor, head) in enumerate(PATIENTS):
        sagittal = replace(
            head, spacing_mm=(SPACING_MM,) * 3, orientation="PIR", neck_mm=NECK_MM, bias=0.3
        )
        write_dicom_study(folder, invented_identity(number), sagittal, vendor=vendor)


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "demo_scans"):
        demo_scans(Path(job.output.scans))
