"""Everything of this workflow that uses parts of Snakemake that are not documented."""

import atexit
import gc
from functools import lru_cache

from snakemake import __version__ as SNAKEMAKE_VERSION
from snakemake import common as snakemake_common
from snakemake import rules as snakemake_rules
from snakemake import sourcecache
from snakemake.cli import get_argument_parser
from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.io import flag, is_flagged

# `min_version` in the Snakefile is the lower bound. The next major version may change these parts.
FIRST_UNTESTED = 10
if int(SNAKEMAKE_VERSION.partition(".")[0]) >= FIRST_UNTESTED:
    raise WorkflowError(
        f"Ecdysis does not work with Snakemake {SNAKEMAKE_VERSION}. "
        f"Install a version below {FIRST_UNTESTED}"
    )

# The job graph is many small objects that live until the end: frequent garbage collection and
# freeing them one by one at exit are wasted work.
gc.set_threshold(50_000, 20, 100)
atexit.register(gc.freeze)
# For every job Snakemake reads the parameters of the same functions and parses the same paths.
snakemake_common.get_function_params = lru_cache(1000)(
    snakemake_common.get_function_params
)
snakemake_rules.get_function_params = snakemake_common.get_function_params
sourcecache.parse_uri = lru_cache(1000)(sourcecache.parse_uri)

REMAKEABLE = "remakeable"


def remakeable(file):
    """Mark a temporary input: making it again for one reader does not rerun its other readers.

    Snakemake's `ancient` does this only for files that exist. Each reader must have as inputs and
    parameters what the file is made from.
    """
    return flag(file, REMAKEABLE)


_update_needrun = DAG.update_needrun


async def _update_needrun_by_readers(dag, *arguments, **options):
    """Decide which jobs run; jobs that make a remakeable file run for a reader that runs."""
    hidden = [
        (readers, reader, files)
        for readers in dag.depending.values()
        for reader, files in readers.items()
        if all(is_flagged(file, REMAKEABLE) for file in files)
    ]
    for readers, reader, _ in hidden:
        del readers[reader]
    await _update_needrun(dag, *arguments, **options)
    for readers, reader, files in hidden:
        readers[reader] = files


DAG.update_needrun = _update_needrun_by_readers


def is_main_process():
    """Return whether this process was started by the user, not by Snakemake for a job."""
    return workflow.is_main_process


def started_in():
    """Return the directory that Snakemake was started in."""
    return workflow.workdir_init


def has_directory_option():
    """Return whether the command has the option --directory."""
    return bool(workflow.overwrite_workdir)


def config_of_command():
    """Return the arguments of --config and the files of --configfile."""
    settings = workflow.config_settings
    return settings.config_args or [], settings.configfiles


def config_given():
    """Return the settings of --config and --configfile, without those of a `configfile:`."""
    return workflow.config_settings.overwrite_config


def config_of_command_line():
    """Return the parsed arguments of --config."""
    return workflow.config_settings.config


def log_handlers():
    """Return the handlers that write Snakemake's own log."""
    return workflow.logger_manager.logfile_handlers


def wants_own_console():
    """Return whether the user asked for Snakemake's own messages, or uses the rules as a module."""
    shown = workflow.output_settings
    asked = shown.verbose or shown.debug_dag or shown.printshellcmds or shown.quiet
    return (
        bool(asked) or Path(workflow.main_snakefile).resolve().parent != ROOT.resolve()
    )


def replace_console(handler):
    """Replace the handler that writes Snakemake's messages to the console.

    It is used instead of a logger plugin, which every Python that runs this workflow would have to
    have installed. A logger plugin that the user chose stays.
    """
    logger = workflow.logger_manager.logger
    for usual in list(logger.handlers):
        if usual.name == "DefaultStreamHandler":
            handler.setLevel(usual.level)
            logger.removeHandler(usual)
            logger.addHandler(handler)


def console_stream():
    """Return the stream that Snakemake writes its messages to."""
    return sys.stdout if workflow.output_settings.stdout else sys.stderr


def is_dry_run():
    """Return whether no job runs."""
    return workflow.output_settings.dryrun


def jobs_to_run():
    """Return the number, rule and wildcards of each job that will run."""
    dag = workflow.dag
    return [
        (dag.jobid(job), job.rule.name, job.wildcards) for job in dag.needrun_jobs()
    ]


def retries_of_rules():
    """Return how many times a failed job of each rule is started again."""
    return {rule.name: rule.restart_times for rule in workflow.rules}


def cores_of_run():
    """Return the number of cores; None on a cluster."""
    return workflow.cores


def can_run_jobs():
    """Return whether a number of cores or of cluster jobs is given."""
    resources = workflow.resource_settings
    return resources.cores is not None or resources.nodes is not None


def executor():
    """Return the name of the executor."""
    return workflow.executor_plugin.name


def executor_settings():
    """Return the settings of the executor."""
    return workflow.executor_settings


def outputs_of_jobs():
    """Return the outputs of each job of this run."""
    return [job.output for job in workflow.dag.jobs]


def is_batch():
    """Return whether --batch divides this run."""
    return workflow.dag_settings.batch is not None


def share_of_batch(items):
    """Return the items that --batch selects, all of them without --batch."""
    batch = workflow.dag_settings.batch
    return batch.get_batch(items) if batch else items
