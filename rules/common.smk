"""The study of this run, and the functions by which the rules ask it."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError

SCRIPTS = Path(workflow.basedir) / "scripts"
sys.path.insert(0, str(SCRIPTS))

from lib.errors import InputError
from lib.fingerprint import fingerprint
from lib import slurm, template
from lib.places import (
    QUALITY_TABLE,
    VALIDATION,
    brain_file,
    converted_file,
    defaced_file,
    derived_file,
    field_file,
    mask_file,
    preproc_file,
    quality_file,
    sidecar_of,
)
from lib.run_lock import begin_run
from lib.run_log import move_log
from lib.settings import resolve
from lib.statmaps import by_unit
from lib.shards import join
from lib.study import Study, open_study, skullstrip_method
from validate import find_validator

# The directory that relative paths of the settings start from.
STARTED_IN = "ECDYSIS_STARTED_IN"

# Jobs inherit it, in whatever directory Snakemake starts them.
if workflow.is_main_process:
    os.environ[STARTED_IN] = workflow.workdir_init
else:
    os.environ.setdefault(STARTED_IN, workflow.workdir_init)


def run_folders(settings):
    """The directories that one run at a time may use: results, and what DICOM left."""
    private = Path(settings["private_dir"]) if settings["dicom_dir"] else None
    return Path(settings["output_dir"]), private


def folder_of_log(settings):
    """Where Snakemake's own log goes; a run from DICOM may name a telling folder in it."""
    results, private = run_folders(settings)
    return private / "logs" if private else results / ".snakemake" / "log"


def only_report():
    """Whether the target is the report: then the manifest of the run stays as it is.

    Snakemake knows its targets only when it has read the rules, so the command line is looked at.
    """
    return "report" in sys.argv[1:]


def study_of_this_run():
    """Find the images, once: a process that runs a job elsewhere reads the manifest."""
    cwd = Path(os.environ[STARTED_IN])
    try:
        if workflow.overwrite_workdir:
            raise InputError(
                "--directory",
                "Ecdysis works in its output directory",
                "Use --config output_dir=DIR instead",
            )
        settings = resolve(config, cwd)
        if not workflow.is_main_process:
            return Study.load(settings)
        if settings["shards"]:
            join(settings["shards"], Path(settings["output_dir"]))
            return Study.load(settings)
        if only_report():
            move_log(workflow.logger_manager.logfile_handlers, folder_of_log(settings))
            return Study.load(settings)
        if settings["output_dir"]:
            begin_run(*run_folders(settings), sys.argv)
            move_log(workflow.logger_manager.logfile_handlers, folder_of_log(settings))
        return open_study(settings)
    except InputError as error:
        move_log(workflow.logger_manager.logfile_handlers, None)
        sys.exit(f"Nothing was run. {error}")


STUDY = study_of_this_run()
METHOD = skullstrip_method(STUDY.settings)
# Methods that strip each image by itself, whatever its contrast.
ANY_CONTRAST = ("synthstrip", "given")
DEFACE = STUDY.settings["deface"]
# What the interactive pages are made of, beside the scripts.
VIEWER = ("viewer.html.j2", "viewer.css", "viewer.js")
OTHER_SUFFIXES = [suffix for suffix in STUDY.settings["suffixes"] if suffix != "T1w"]
SPACE = template.label(STUDY.settings["skullstrip"]["template"])
BIDS_DIR = STUDY.settings["bids_dir"]
VALIDATOR = find_validator()
PRIVATE_DIR = STUDY.settings["private_dir"]
DEID_DIR = STUDY.settings["deid_dir"] or ".ecdysis/dicom"

OUTPUT_DIR = STUDY.settings["output_dir"]
# A Snakemake that ends removes all locks of its directory, those of a run that goes on too.
WORK_DIR = f"{OUTPUT_DIR}/.ecdysis/report" if only_report() else OUTPUT_DIR

if OUTPUT_DIR:

    workdir: WORK_DIR


if STUDY.settings["container"]:

    container: STUDY.settings["container"]


# Where faces are removed, the cropped image with its face is no result, but hidden.
PREPROC = preproc_file("{folder}", "{entities}", "{suffix}", hidden=DEFACE)
PREPROC_T1W = preproc_file("{folder}", "{entities}", "T1w", hidden=DEFACE)


wildcard_constraints:
    folder=r"sub-[A-Za-z0-9]+(/ses-[A-Za-z0-9]+)?/anat",
    entities=r"sub-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)*",
    session=r"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?",
    subject=r"[A-Za-z0-9]+",
    token=r"[0-9a-f]+",
    unit=r"sub-[A-Za-z0-9]+|group",
    suffix="|".join(STUDY.settings["suffixes"]),


def everything(wildcards):
    """All that `snakemake` without a target makes."""
    if STUDY.settings["deid_dir"] and not BIDS_DIR:
        return audited_sessions(wildcards)
    if not BIDS_DIR:
        raise WorkflowError(
            "There is no dataset to work on. Give one with --config bids_dir=STUDY, start "
            "snakemake inside one, or see how it works with: snakemake --cores 2 demo"
        )
    if STUDY.settings["shards"]:
        raise WorkflowError("Shards are joined by the target report: snakemake report")
    refused = [f".ecdysis/refused/{token}.accepted" for token in STUDY.refused]
    made = ["index.html", "dataset_description.json", QUALITY_TABLE, *refused]
    made += [*statmap_records(wildcards), *subject_results()]
    if STUDY.settings["dicom_dir"]:
        made += session_records(wildcards)
        made += [VALIDATION] if VALIDATOR else []
    return made


def intermediate(path):
    """A file between two steps, removed when the last step that needs it is done."""
    return path if STUDY.settings["keep_intermediates"] else temp(path)


def shareable(suffix):
    """The pattern of the cropped image of a kind, without its face where faces go."""
    file_of = defaced_file if DEFACE else preproc_file
    return file_of("{folder}", "{entities}", suffix)


def all_cores(wildcards):
    """As many threads as there are cores; asked late, since a cluster's run names none."""
    return workflow.cores


def raw_image(wildcards):
    """The raw file of an image."""
    try:
        return STUDY.image(**wildcards).path
    except InputError as error:
        raise WorkflowError(str(error)) from None


def refused_image(wildcards):
    """The name of an image that was refused before the DAG."""
    return STUDY.refused[wildcards.token][0]


def reason_of_refusal(wildcards):
    """Why an image was refused."""
    return STUDY.refused[wildcards.token][1]


def session_files(wildcards):
    """The list of a DICOM session's files, which lies in the private directory."""
    return STUDY.sessions[wildcards.session]["files"]


def dicom_of_image(wildcards):
    """The de-identified session that an image is converted from.

    An image that is in the dataset already is not converted again. Snakemake learns so from
    an input that nothing makes: then it takes the existing image as a source file.
    """
    image = STUDY.image(**wildcards)
    return f"{DEID_DIR}/{image.dicom_session or 'none'}"


def audit_of_image(wildcards):
    """The proof that the session of an image may be converted."""
    return f".ecdysis/audited/{STUDY.image(**wildcards).dicom_session}.dicom"


def kept_dicom(path):
    """De-identified DICOM stays, and is brought up to date, where the user gave it a place."""
    if STUDY.settings["deid_dir"]:
        return update(directory(path))
    return intermediate(directory(path))


def audited_sessions(wildcards):
    """The proofs that the DICOM files of all sessions are clean."""
    return [
        f".ecdysis/audited/{item['session']}.dicom" for item in STUDY.plan["sessions"]
    ]


def results_of_session(wildcards):
    """What was made of a DICOM session and can be shared.

    A page is written again when its audit is done, which is no reason for another audit.
    """
    images = STUDY.images_of_session.get(wildcards.session, [])
    raw = [image.path for image in images]
    sidecars = [path.replace(".nii.gz", ".json") for path in raw]
    file_of = defaced_file if DEFACE else preproc_file
    preproc = [file_of(*image.key) for image in images]
    pages = [
        ancient(f"sub-{subject}.html") for subject in {one.subject for one in images}
    ]
    return [*raw, *sidecars, *preproc, *pages]


def record_of_session(wildcards):
    """The list of what else was converted of a session, if anything was."""
    session = wildcards.session
    return [converted_file(session)] if session in STUDY.converted_sessions else []


def audited_results(wildcards):
    """The proofs that what was made of DICOM sessions is clean."""
    if not STUDY.settings["dicom_dir"]:
        return []
    made = set(STUDY.converted_sessions)
    sessions = [item["session"] for item in STUDY.plan["sessions"]]
    return [
        f".ecdysis/audited/{name}.results"
        for name in sessions
        if name in made or name in STUDY.images_of_session
    ]


def series_of_image(wildcards):
    """The pseudonymous series that an image is converted from."""
    return STUDY.image(**wildcards).series


def plan_of_series(wildcards):
    """What the plan says of the series that an image is converted from."""
    return STUDY.series[STUDY.image(**wildcards).series]


def outputs_of_series(wildcards):
    """The images that come of the series of an image: several echoes or parts, or itself."""
    return plan_of_series(wildcards)["outputs"]


def files_of_series(wildcards):
    """How many files the series of an image has."""
    return plan_of_series(wildcards)["files"]


def metadata_of_series(wildcards):
    """What the study's rules give for the sidecar of an image."""
    return plan_of_series(wildcards)["metadata"]


def others_of_session(wildcards):
    """The series of a session that are converted with it."""
    return STUDY.others.get(wildcards.session, [])


def session_records(wildcards):
    """The records of the sessions that are converted beside the images."""
    return [converted_file(session) for session in STUDY.converted_sessions]


def converted_images(wildcards):
    """The raw files of the images that came of DICOM, in this run or before."""
    planned = (*STUDY.plan["images"], *STUDY.plan["present"])
    names = {"{folder}/{entities}_{suffix}".format(**item) for item in planned}
    return [image.path for image in STUDY.images if image.name in names]


def plan_table(wildcards):
    """The edited plan: the one given, that of the study, or one in the working directory."""
    place = PRIVATE_DIR or workflow.workdir_init
    return STUDY.settings["plan"] or f"{place}/plan.tsv"


def image_of(wildcards):
    """The image that wildcards name; where they have no suffix, it is a T1w."""
    return STUDY.image(**{"suffix": "T1w", **wildcards})


def raw_sources(wildcards):
    """What an image was made of: the BIDS URI of its raw file."""
    return [f"bids:raw:{wildcards.folder}/{Path(image_of(wildcards).path).name}"]


def t1w_of_session(image):
    """The T1w that an image of another kind takes its mask from, if it does."""
    return None if METHOD in ANY_CONTRAST else STUDY.t1w_beside(image)


def full_mask(wildcards):
    """The brain mask before cropping, when there is skull stripping.

    Beside a T1w of the same session an image of another kind gets the mask of that one.
    """
    if METHOD == "none":
        return []
    image = image_of(wildcards)
    found = "transferred" if t1w_of_session(image) else "reoriented"
    return f".ecdysis/{image.folder}/{image.entities}_desc-{found}Brain_{image.suffix}_mask.nii.gz"


def t1w_beside(wildcards):
    """The reoriented T1w of the session of an image of another kind, and its brain mask."""
    t1w = t1w_of_session(STUDY.image(**wildcards))
    if t1w is None:
        raise WorkflowError(
            "{entities}_{suffix} has no T1w beside it".format(**wildcards)
        )
    stem = f".ecdysis/{t1w.folder}/{t1w.entities}_desc-reoriented"
    return {"t1w": f"{stem}_T1w.nii", "t1w_mask": f"{stem}Brain_T1w_mask.nii.gz"}


def raw_images(wildcards):
    """The raw files of a subject."""
    return [image.path for image in STUDY.by_subject[wildcards.subject]]


def preproc_images(wildcards):
    """The reoriented and cropped images of a subject, without faces where these go."""
    file_of = defaced_file if DEFACE else preproc_file
    return [file_of(*image.key) for image in STUDY.by_subject[wildcards.subject]]


def faced_images(wildcards):
    """The images of a subject before their faces go, when they go."""
    images = STUDY.by_subject[wildcards.subject] if DEFACE else []
    return [preproc_file(*image.key, hidden=True) for image in images]


def brain_mask_of(wildcards):
    """The brain mask of an image."""
    return mask_file(**wildcards)


def affines_from_template(wildcards):
    """What leads from the template to an image, by way of the T1w beside it if there is one."""
    image = STUDY.image(**wildcards)
    t1w = t1w_of_session(image)
    head = t1w or image
    affine = f".ecdysis/{head.folder}/{head.entities}_desc-reoriented_{head.suffix}_affine.mat"
    beside = (
        f"{image.folder}/{image.entities}_from-{image.suffix}_to-T1w_mode-image_xfm.txt"
    )
    return [affine, beside] if t1w else [affine]


def brain_masks(wildcards):
    """The brain masks of a subject, when there is skull stripping."""
    images = STUDY.by_subject[wildcards.subject] if METHOD != "none" else []
    return [mask_file(*image.key) for image in images]


def brain_images(wildcards):
    """The skull-stripped images of a subject, when there is skull stripping."""
    images = STUDY.by_subject[wildcards.subject] if METHOD != "none" else []
    return [brain_file(*image.key) for image in images]


def tissue_maps(wildcards):
    """The tissue labels of a subject, which come with probabilities and a corrected image."""
    images = images_with_tissues(wildcards.subject)
    return [derived_file(*image.key, "dseg") for image in images]


def bias_fields(wildcards):
    """The bias fields of a subject, on the working grid of skull stripping."""
    images = images_with_tissues(wildcards.subject)
    return [field_file(*image.key) for image in images]


def images_with_tissues(subject):
    """The images of a subject that are registered by themselves, with the method ants."""
    images = STUDY.by_subject[subject] if METHOD == "ants" else []
    return [image for image in images if t1w_of_session(image) is None]


def probability_maps(wildcards):
    """The tissue maps of an image, or of the T1w beside it."""
    if METHOD != "ants":
        return []
    image = STUDY.image(**wildcards)
    key = (t1w_of_session(image) or image).key
    return [derived_file(*key, f"label-{one}_probseg") for one in ("CSF", "GM", "WM")]


def points_to_t1w(wildcards):
    """What takes points of an image to the T1w beside it, where its tissue maps are."""
    image = STUDY.image(**wildcards)
    if METHOD != "ants" or t1w_of_session(image) is None:
        return []
    return (
        f"{image.folder}/{image.entities}_from-T1w_to-{image.suffix}_mode-image_xfm.txt"
    )


def left_by_recipe(wildcards):
    """What the workflow's own skull stripping left of an image, when it worked on that image."""
    image = STUDY.image(**wildcards)
    if METHOD != "ants" or t1w_of_session(image):
        return {}
    stem = f".ecdysis/{image.folder}/{image.entities}_desc-reoriented_{image.suffix}"
    return {
        "bias_field": f"{stem}_field.nii.gz",
        "posteriors": f"{stem}_probseg.nii.gz",
        "affine": f"{stem}_affine.mat",
        "template_tissues": rules.template.output.tissue_maps,
    }


def quality_records(wildcards):
    """The quality measures of all images."""
    return [quality_file(*image.key) for image in STUDY.images]


def quality_of_subject(wildcards):
    """The quality measures of a subject, which its page shows."""
    return [quality_file(*image.key) for image in STUDY.by_subject[wildcards.subject]]


def images_of_subject(wildcards):
    """What the manifest says of a subject's images, without their places."""
    return [
        {
            key: getattr(image, key)
            for key in ("folder", "entities", "suffix", "session")
        }
        for image in STUDY.by_subject[wildcards.subject]
    ]


def statmap_records(wildcards):
    """The proofs that the statistical maps were drawn, if there are any."""
    return [f".ecdysis/statmaps/{unit}.json" for unit in by_unit(STUDY.statmaps)]


def map_files(wildcards):
    """The statistical maps of a subject, or of the group, that Snakemake can watch.

    It takes brackets in a name for its own.
    """
    maps = by_unit(STUDY.statmaps)[wildcards.unit]
    return [one.path for one in maps if not set("<>{}\n") & set(one.path)]


def maps_of_unit(wildcards):
    """Where each statistical map lies, what it is called in the results and how it is titled."""
    maps = by_unit(STUDY.statmaps)[wildcards.unit]
    return [
        {"path": one.path, "name": one.name, "title": one.title, "unit": one.unit}
        for one in maps
    ]


def background_of_maps(wildcards):
    """The head beneath maps that are in their subject's own space, if it is in the study."""
    images = STUDY.by_subject.get(wildcards.unit.removeprefix("sub-"), [])
    own = any(one.own_space for one in by_unit(STUDY.statmaps)[wildcards.unit])
    file_of = defaced_file if DEFACE else preproc_file
    return [file_of(*image.key) for image in images[:1]] if own else []


def subject_pages(wildcards):
    """The pages of all subjects that have an image to process."""
    return [f"sub-{subject}.html" for subject in STUDY.by_subject]


def subject_results():
    """What the pages and the table of measures tell of.

    These are written after a failure too, so that they are there says nothing of the rest.
    """
    subjects = [SimpleNamespace(subject=subject) for subject in STUDY.by_subject]
    figures = [f"sub-{subject}/figures" for subject in STUDY.by_subject]
    kinds = (preproc_images, brain_images, tissue_maps)
    images = [path for of in kinds for one in subjects for path in of(one)]
    return [*figures, *images, *quality_records(None)]


def check_cluster():
    """Refuse to submit jobs that would tell too much, be waited for in vain or run twice."""
    if workflow.executor_plugin.name != "slurm":
        return
    settings = workflow.executor_settings
    try:
        slurm.check_command(workflow.config_settings.config)
        slurm.check_queue(Path.cwd())
        slurm.check_accounting(
            slurm.configuration(),
            settings.status_command,
            settings.init_seconds_before_status_checks,
        )
    except InputError as error:
        sys.exit(f"Nothing was run. {error}")


def tell_report():
    """Bring the report up to date with the records of all jobs, and say where it is."""
    if STUDY.settings["output_dir"] and not only_report():
        command = [
            sys.executable,
            SCRIPTS / "report.py",
            STUDY.settings["output_dir"],
            "--ended",
        ]
        subprocess.run(command, check=False)
