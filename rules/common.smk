"""The settings and the study of this run, and functions that all rules share."""

import atexit
import os
import subprocess
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

# `workflow.basedir` would be that of a workflow that uses this one as a module.
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parent
SCRIPTS = ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))

from ecdysis.config_schema import text_settings
from ecdysis.errors import InputError
from ecdysis.files import needing_room, read_remembered
from ecdysis.fingerprint import fingerprint
from ecdysis import slurm, template
from ecdysis.bids.image_name import ImageName
from ecdysis.bids.validator import find_validator
from ecdysis.console import SHORT
from ecdysis.console.handler import Console, subject_of, unit_of
from ecdysis.console.outcome import status_of
from ecdysis.console.progress import Progress
from ecdysis.leftovers import drop_descriptions
from ecdysis.places import (
    DICOM,
    FULL_GRID,
    MANIFEST,
    QUALITY_TABLE,
    REPORT_RUN,
    TEMPLATE_FOLDER,
    VALIDATION,
    audited_file,
    converted_file,
    figures_folder,
    nifti_folder,
    refused_file,
    statmaps_file,
)
from ecdysis.ratings import by_image
from ecdysis.report.quality_table import problems_in
from ecdysis.report.status import HAS_PROBLEMS
from ecdysis.run_lock import begin_run
from ecdysis.run_log import move_log
from ecdysis.settled import forget_settled
from ecdysis.settings import given_as_text, resolve, without_copied_defaults
from ecdysis.shards import join
from ecdysis.skullstrip.lesions import lesion_fault, lesion_mask
from ecdysis.skullstrip.method import load, method_name
from ecdysis.start import check_targets, remove_made, undone_on_error
from ecdysis.skullstrip.methods.given import manual_mask
from ecdysis.study import Study, open_study
from ecdysis.version import __version__

# The directory that relative paths of the settings start from.
STARTED_IN = "ECDYSIS_STARTED_IN"

# Jobs inherit it. Snakemake may start them in any directory.
if is_main_process():
    os.environ[STARTED_IN] = started_in()
else:
    os.environ.setdefault(STARTED_IN, started_in())


def run_folders(settings):
    """Return the directories that only one run at a time may use: output and private directory."""
    private = Path(settings["private_dir"]) if settings["dicom_dir"] else None
    return Path(settings["output_dir"]), private


def folder_of_log(settings):
    """Return the folder of Snakemake's log; from DICOM, paths in the log may identify people."""
    results, private = run_folders(settings)
    return private / "logs" if private else results / ".snakemake" / "log"


def command_line():
    """Return the arguments of Snakemake, which it does not give to the rules while they are read."""
    started_by_snakemake = Path(sys.argv[0]).name in ("snakemake", "__main__.py")
    words = sys.argv[1:] if started_by_snakemake and is_main_process() else []
    return get_argument_parser().parse_known_args(words)[0]


COMMAND = command_line()
# Options of Snakemake that need no dataset, and options with which it runs no job.
WITHOUT_DATASET = ("list_rules", "list_target_rules", "lint", "unlock")
WITHOUT_JOBS = ("dryrun", "list_rules", "list_target_rules", "lint", "summary", "dag")


def command_has(*options):
    """Return whether any of these options of Snakemake is given."""
    return any(getattr(COMMAND, option, None) for option in options)


def only_report():
    """Return whether the target only reads the results, so that the manifest does not change."""
    targets = COMMAND.targets if is_main_process() else sys.argv[1:]
    return bool({"report", "share"} & set(targets))


def dry_study(settings):
    """Return the study of a run without jobs; nothing is written, Snakemake's folders are removed."""
    move_log(log_handlers(), None)
    if settings["output_dir"]:
        state = Path(settings["output_dir"], ".snakemake")
        paths = (state / "iocache" / "latest.pkl", state, *state.parents)
        atexit.register(remove_made, [path for path in paths if not path.exists()])
    return open_study(settings, dry_run=True)


def settings_as_written():
    """Return the settings of this run; a job reads the labels from the manifest."""
    settings = without_copied_defaults(config, config_given())
    if is_main_process():
        return given_as_text(settings, *config_of_command())
    return {key: value for key, value in settings.items() if key not in text_settings()}


def study_of_this_run():
    """Find the images once; processes that run a remote job read the manifest instead."""
    cwd = Path(os.environ[STARTED_IN])
    try:
        if has_directory_option():
            raise InputError(
                "--directory",
                "Ecdysis works in its output directory",
                "Use --config output_dir=DIR instead",
            )
        settings = resolve(settings_as_written(), cwd)
        if not is_main_process():
            return Study.load(settings)
        if settings["shards"]:
            join(settings["shards"], Path(settings["output_dir"]))
            move_log(log_handlers(), folder_of_log(settings))
            return Study.load(settings)
        if not command_has(*WITHOUT_DATASET):
            check_targets(settings, COMMAND.targets)
        if only_report():
            forget_settled(Path(settings["output_dir"]) / REPORT_RUN)
            move_log(log_handlers(), folder_of_log(settings))
            return Study.load(settings)
        if command_has(*WITHOUT_JOBS) or not (can_run_jobs() or command_has("unlock")):
            return dry_study(settings)
        with undone_on_error(settings), needing_room("disk"):
            if settings["output_dir"]:
                begin_run(*run_folders(settings), sys.argv)
                move_log(log_handlers(), folder_of_log(settings))
            return open_study(settings)
    except InputError as error:
        move_log(log_handlers(), None)
        sys.exit(f"Nothing was run. {error}")


CONSOLE = None
# A process on another node writes to a log of its own, which has each failure in full.
os.environ.pop(SHORT, None)
if is_main_process() and not wants_own_console():
    CONSOLE = Console(console_stream(), __version__, dry_run=is_dry_run())
    os.environ[SHORT] = "short"
    replace_console(CONSOLE)

STUDY = study_of_this_run()
for notice in STUDY.notices:
    print(f"Note: {notice}", file=sys.stderr)
METHOD = method_name(STUDY.settings)
ANY_CONTRAST = METHOD == "none" or load(METHOD).any_contrast
# The settings that change a mask.
STRIPPING = {
    key: value
    for key, value in STUDY.settings["skullstrip"].items()
    if key not in ("on_fail", "lesions") and (key != "masks" or METHOD == "given")
}
DEFACE = STUDY.settings["deface"]
# Templates of the interactive pages.
VIEWER = (
    "viewer.html.j2",
    "viewer.css",
    "viewer.js",
    "viewer_layers.js",
    "viewer_mask.js",
    "viewer_panes.js",
)
OTHER_SUFFIXES = [suffix for suffix in STUDY.settings["suffixes"] if suffix != "T1w"]
SPACE = template.label(STUDY.settings["skullstrip"]["template"])
BIDS_DIR = STUDY.settings["bids_dir"]
VALIDATOR = find_validator()
PRIVATE_DIR = STUDY.settings["private_dir"]
DEID_DIR = STUDY.settings["deid_dir"] or str(DICOM)
# Parameters of all rules that read a reoriented image, in addition to the raw image.
REORIENT = {
    "orientation": STUDY.settings["reorient"]["orientation"],
    "code": fingerprint("reorient"),
}

OUTPUT_DIR = STUDY.settings["output_dir"]
# When Snakemake ends, it removes all locks of its directory, also those of another run.
WORK_DIR = f"{OUTPUT_DIR}/{REPORT_RUN}" if only_report() else OUTPUT_DIR

if OUTPUT_DIR:

    workdir: WORK_DIR


if STUDY.settings["container"]:

    container: STUDY.settings["container"]


# Names of any image, and of a T1w.
IMAGE = ImageName("{folder}", "{entities}", "{suffix}")
T1W = ImageName("{folder}", "{entities}", "T1w")
FOLDER = r"sub-[A-Za-z0-9]+(/ses-[A-Za-z0-9]+)?/anat"


wildcard_constraints:
    folder=FOLDER,
    image=r"sub-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)*_[A-Za-z0-9]+",
    entities=r"sub-[A-Za-z0-9]+(_(?!space-)[a-z]+-[A-Za-z0-9]+)*",
    session=r"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?",
    subject=r"[A-Za-z0-9]+",
    token=r"[0-9a-f]+",
    unit=r"sub-[A-Za-z0-9]+|group",
    suffix="|".join(STUDY.settings["suffixes"]),


def everything(wildcards):
    """Return the files that `snakemake` without a target makes."""
    if STUDY.settings["deid_dir"] and not BIDS_DIR:
        return published_sessions(wildcards)
    if not BIDS_DIR:
        raise WorkflowError(
            "There is no dataset to work on. Give one with --config bids_dir=STUDY, start "
            "snakemake inside one, or see how it works with: snakemake --cores 2 demo"
        )
    if STUDY.settings["shards"]:
        raise WorkflowError("Shards are joined by the target report: snakemake report")
    refused = [refused_file(token) for token in STUDY.refused]
    made = ["index.html", "dataset_description.json", *refused]
    made += image_results()
    if "fmriprep" in STUDY.settings["outputs"]:
        made += [f"{FULL_GRID}/dataset_description.json"]
    if STUDY.settings["dicom_dir"]:
        made += session_records(wildcards)
        made += [VALIDATION] if VALIDATOR else []
    return made


def intermediate(path):
    """Mark a file as temporary: it is removed when the last step that needs it is done."""
    return path if STUDY.settings["keep_intermediates"] else temp(path)


def all_cores(wildcards):
    """Return the number of cores as threads; a function, because it is None on a cluster."""
    return cores_of_run()


def check_cluster():
    """Stop before Slurm jobs that leak paths, are waited for endlessly, or run twice."""
    if executor() != "slurm":
        return
    settings = executor_settings()
    try:
        slurm.check_command(config_of_command_line())
        slurm.check_queue(Path.cwd())
        slurm.check_accounting(
            slurm.configuration(),
            settings.status_command,
            settings.init_seconds_before_status_checks,
        )
    except InputError as error:
        sys.exit(f"Nothing was run. {error}")


def subject_of_job(wildcards):
    """Return the subject that a job is about; None for a job of the whole study."""
    if "token" in wildcards.keys():
        return subject_of(refused_image(wildcards))
    return subject_of(unit_of(dict(wildcards.items())))


def begin_console():
    """Show what will run."""
    if not CONSOLE:
        return
    jobs = {
        number: (rule, subject_of_job(wildcards))
        for number, rule, wildcards in jobs_to_run()
        if rule != "all"
    }
    root = Path(OUTPUT_DIR or ".")
    progress = Progress(
        jobs, partial(status_of, root, read_remembered(root / MANIFEST))
    )
    CONSOLE.begin(progress, retries_of_rules(), results=OUTPUT_DIR or "")


def end_console():
    """Finish the line of progress, before the summary is printed."""
    if CONSOLE:
        CONSOLE.end()


def drop_lone_descriptions():
    """Remove the sidecars of images that Snakemake removed.

    Sidecars are not declared as outputs, because each declared file slows down DAG construction.
    """
    for outputs in outputs_of_jobs():
        results = map(Path, outputs)
        drop_descriptions(path for path in results if not path.is_absolute())


def update_report():
    """Update the report with the records of all jobs; return whether an image failed."""
    if STUDY.settings["output_dir"] and not only_report():
        command = [
            sys.executable,
            SCRIPTS / "report.py",
            STUDY.settings["output_dir"],
            "--ended",
        ]
        return subprocess.run(command, check=False).returncode == HAS_PROBLEMS
    return False


def end_as_failed():
    """Exit with status 1 although all jobs succeeded."""
    sys.exit(1)


def problems_of_last_run(wildcards):
    """Return earlier failures with the time, so that the next run also ends as failed."""
    problems = problems_in(Path(STUDY.settings["output_dir"]))
    return [*problems, time.time()] if problems else []
