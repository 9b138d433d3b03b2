"""The study of this run, and the functions by which the rules ask it."""

import subprocess
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = Path(workflow.basedir) / "scripts"
sys.path.insert(0, str(SCRIPTS))

from lib.errors import InputError
from lib.fingerprint import fingerprint
from lib.places import brain_file, mask_file, preproc_file
from lib.settings import resolve
from lib.study import Study, open_study


def study_of_this_run():
    """Find the images, once: a process that runs a job elsewhere reads the manifest."""
    cwd = Path(workflow.workdir_init)
    try:
        if workflow.overwrite_workdir:
            raise InputError(
                "--directory",
                "Ecdysis works in its output directory",
                "Use --config output_dir=DIR instead",
            )
        if workflow.is_main_process:
            return open_study(config, cwd)
        return Study.load(resolve(config, cwd))
    except InputError as error:
        sys.exit(f"Nothing was run. {error}")


STUDY = study_of_this_run()
METHOD = STUDY.settings["skullstrip"]["method"]
BIDS_DIR = STUDY.settings["bids_dir"]
PRIVATE_DIR = STUDY.settings["private_dir"]

if STUDY.settings["output_dir"]:

    workdir: STUDY.settings["output_dir"]


wildcard_constraints:
    folder=r"sub-[A-Za-z0-9]+(/ses-[A-Za-z0-9]+)?/anat",
    entities=r"sub-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)*",
    session=r"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?",
    subject=r"[A-Za-z0-9]+",
    suffix=r"[A-Za-z0-9]+",


def everything(wildcards):
    """All that `snakemake` without a target makes."""
    if not BIDS_DIR:
        raise WorkflowError(
            "There is no dataset to work on. Give one with --config bids_dir=STUDY, start "
            "snakemake inside one, or see how it works with: snakemake --cores 2 demo"
        )
    refused = [f".ecdysis/{name}.accepted" for name in STUDY.refused]
    return ["index.html", "dataset_description.json", *refused]


def intermediate(path):
    """A file between two steps, removed when the last step that needs it is done."""
    return path if STUDY.settings["keep_intermediates"] else temp(path)


def raw_image(wildcards):
    """The raw file of an image."""
    try:
        return STUDY.image(**wildcards).path
    except InputError as error:
        raise WorkflowError(str(error)) from None


def refused_image(wildcards):
    """The name of an image that was refused before the DAG."""
    return "{folder}/{entities}_{suffix}".format(**wildcards)


def reason_of_refusal(wildcards):
    """Why an image was refused."""
    return STUDY.refused[refused_image(wildcards)]


def session_files(wildcards):
    """The list of a DICOM session's files, which lies in the private directory."""
    return STUDY.session(wildcards.session)["files"]


def dicom_of_image(wildcards):
    """The de-identified session that an image is converted from.

    An image that is in the dataset already is not converted again. Snakemake learns so from
    an input that nothing makes: then it takes the existing image as a source file.
    """
    image = STUDY.image(**wildcards)
    return (
        f".ecdysis/dicom/{image.dicom_session}"
        if image.source == "dicom"
        else ".ecdysis/no-dicom"
    )


def series_of_image(wildcards):
    """The pseudonymous series that an image is converted from."""
    return STUDY.image(**wildcards).series


def files_of_series(wildcards):
    """How many files the series of an image has."""
    series = STUDY.image(**wildcards).series
    return next(
        item["files"] for item in STUDY.plan["mapped"] if item["series"] == series
    )


def raw_sources(wildcards):
    """What an image was made of: the BIDS URI of its raw file."""
    return [f"bids:raw:{wildcards.folder}/{Path(raw_image(wildcards)).name}"]


def full_mask(wildcards):
    """The brain mask before cropping, when there is skull stripping."""
    if METHOD == "none":
        return []
    return ".ecdysis/{folder}/{entities}_desc-reorientedBrain_{suffix}_mask.nii".format(
        **wildcards
    )


def raw_images(wildcards):
    """The raw files of a subject."""
    return [image.path for image in STUDY.by_subject[wildcards.subject]]


def preproc_images(wildcards):
    """The reoriented and cropped images of a subject."""
    return [preproc_file(*image.key) for image in STUDY.by_subject[wildcards.subject]]


def brain_masks(wildcards):
    """The brain masks of a subject, when there is skull stripping."""
    images = STUDY.by_subject[wildcards.subject] if METHOD != "none" else []
    return [mask_file(*image.key) for image in images]


def brain_images(wildcards):
    """The skull-stripped images of a subject, when there is skull stripping."""
    images = STUDY.by_subject[wildcards.subject] if METHOD != "none" else []
    return [brain_file(*image.key) for image in images]


def images_of_subject(wildcards):
    """What the manifest says of a subject's images, without their places."""
    return [
        {
            key: getattr(image, key)
            for key in ("folder", "entities", "suffix", "session")
        }
        for image in STUDY.by_subject[wildcards.subject]
    ]


def subject_pages(wildcards):
    """The pages of all subjects that have an image to process."""
    return [f"sub-{subject}.html" for subject in STUDY.by_subject]


def tell_report():
    """Bring the report up to date with the records of all jobs, and say where it is."""
    if STUDY.settings["output_dir"]:
        command = [sys.executable, SCRIPTS / "report.py", STUDY.settings["output_dir"]]
        subprocess.run(command, check=False)
