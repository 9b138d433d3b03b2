"""From scanner DICOM, or a BIDS dataset, to a skull-stripped, quality-checked dataset with a report."""

import atexit
import functools
import gc

import smart_open
from snakemake.utils import min_version

min_version("9.27")

# The graph of jobs is many small objects that stay: looking for garbage so often is in vain, and
# so is freeing them one by one when the process ends.
gc.set_threshold(50_000, 20, 100)
atexit.register(gc.freeze)
# Snakemake asks three times a job where its script lies, and each answer makes a new class.
smart_open.parse_uri = functools.cache(smart_open.parse_uri)


include: "rules/common.smk"
include: "rules/dicom_inputs.smk"
include: "rules/image_inputs.smk"


rule all:
    default_target: True
    input:
        everything,


if STUDY.settings["dicom_dir"] and PRIVATE_DIR:

    include: "rules/dicom.smk"


if STUDY.settings["dicom_dir"] and BIDS_DIR:

    include: "rules/convert.smk"


if STUDY.settings["dicom_dir"]:

    include: "rules/plan.smk"


if METHOD != "none":

    include: "rules/skullstrip.smk"


if METHOD == "ants":

    include: "rules/recipe.smk"


include: "rules/anat.smk"
include: "rules/qc.smk"


if STUDY.statmaps:

    include: "rules/statmaps.smk"


include: "rules/report.smk"
include: "rules/demo.smk"


onstart:
    check_cluster()
    calm_scheduler()


onsuccess:
    drop_lone_descriptions()
    if tell_report():
        end_as_failed()


onerror:
    drop_lone_descriptions()
    tell_report()
