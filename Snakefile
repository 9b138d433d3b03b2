"""From scanner DICOM, or a BIDS dataset, to a skull-stripped, quality-checked dataset with a report."""

from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"


rule all:
    default_target: True
    input:
        everything,


if STUDY.settings["dicom_dir"]:

    include: "rules/dicom.smk"
    include: "rules/convert.smk"


include: "rules/anat.smk"


if METHOD != "none":

    include: "rules/skullstrip.smk"


include: "rules/qc.smk"
include: "rules/report.smk"
include: "rules/demo.smk"


onsuccess:
    tell_report()


onerror:
    tell_report()
