"""From scanner DICOM, or a BIDS dataset, to a skull-stripped, quality-checked dataset with a report."""

from snakemake.utils import min_version

min_version("9.27")


include: "rules/snakemake_internals.smk"
include: "rules/common.smk"


rule all:
    """Process all images and write the report."""
    default_target: True
    input:
        everything,


include: "rules/inputs.smk"
include: "rules/dicom_inputs.smk"
include: "rules/discover.smk"


if STUDY.settings["dicom_dir"] and PRIVATE_DIR:

    include: "rules/dicom.smk"


if STUDY.settings["dicom_dir"] and BIDS_DIR:

    include: "rules/convert.smk"


include: "rules/reorient.smk"
include: "rules/skullstrip.smk"
include: "rules/crop.smk"


if DEFACE:

    include: "rules/deface.smk"


if METHOD == "ants":

    include: "rules/segment.smk"


include: "rules/quality.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/outputs.smk"


if STUDY.statmaps:

    include: "rules/statmaps.smk"


include: "rules/share.smk"
include: "rules/demo.smk"


onstart:
    check_cluster()
    begin_console()


onsuccess:
    end_console()
    drop_lone_descriptions()
    if update_report():
        end_as_failed()


onerror:
    end_console()
    drop_lone_descriptions()
    update_report()
