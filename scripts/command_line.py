"""The command ``ecdysis``: a BIDS App command line that starts Snakemake with the same settings.

It checks only what stops Snakemake before the workflow is read. The exit status is that of
Snakemake: 0 when every image was processed, 1 when something failed or nothing could run, 2 for a
wrong argument.
"""

import sys

# An older Python would end with a traceback at a later line.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "Ecdysis needs Python 3.11, 3.12 or 3.13; this is Python {}.{}. Make the environment with a"
        " newer Python: python3.12 -m venv .venv".format(*sys.version_info[:2])
    )

import argparse
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder of the workflow: a checkout, or the installed package."""

TARGETS = {
    "demo": "make the scans of two invented patients and process them",
    "plan": "write the table of what each DICOM series would become",
    "deidentify": "de-identify DICOM files, and nothing else",
    "headers": "list the elements that DICOM files hold",
    "report": "write the report again",
    "share": "make a folder to publish from the results of a run with deface",
}
PATHS = {
    "bids_dir": "the BIDS dataset",
    "dicom_dir": "a folder with identified scanner DICOM",
    "deid_dir": "where the de-identified DICOM files go",
    "output_dir": "where the results go",
    "share_dir": "the folder to publish; default: BIDS_DIR-share",
}
LABELS = {
    "participant_label": "process only these participants; sub-01 and 01 both work",
    "session_label": "process only these sessions",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Replace this process by Snakemake, with the settings of a command line.

    `arguments` are those after the name of the program. Exits with a sentence where Snakemake
    would end with a traceback.
    """
    words = sys.argv[1:] if arguments is None else arguments
    command = snakemake_command(words)
    check(command)
    if shards := shards_of(words):
        sys.exit(submit_shards(command, *shards))
    os.execv(command[0], command)  # noqa: S606 - a shell is not wanted


def snakemake_command(arguments: Sequence[str]) -> list[str]:
    """Return the Snakemake command for the arguments of ``ecdysis``: Python and its arguments.

    What follows ``--`` goes to Snakemake as it is. Exits with status 2 and a usage message for
    arguments that do not exist or do not fit.
    """
    words = list(arguments)
    cut = words.index("--") if "--" in words else len(words)
    ours, theirs = words[:cut], words[cut + 1 :]
    if ours and ours[0] in TARGETS:
        target, options = ours[0], _target_parser(ours[0]).parse_args(ours[1:])
    else:
        options = _app_parser().parse_args(ours)
        target = "report" if options.level == "group" else "all"
    return [
        sys.executable,
        *("-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), target),
        *("--cores", options.cores),
        *_profile(options),
        *(["--dry-run"] if options.dry_run else []),
        *(["--verbose"] if options.verbose else []),
        *_settings(options),
        *theirs,
    ]


def shards_of(arguments: Sequence[str]) -> tuple[int, str, list[str]] | None:
    """Return the number of shards, the cores of each and the options of sbatch; None without."""
    words = list(arguments)
    if not words or words[0] in TARGETS:
        return None
    options = _app_parser().parse_args(words[: words.index("--")] if "--" in words else words)
    if not options.shards:
        return None
    if options.dicom_dir:
        _app_parser().error(
            "--shards starts with a BIDS dataset: pseudonyms and names belong to the whole study."
            " Run --dicom-dir without --shards first"
        )
    if not options.cores.isdecimal() or options.level == "group" or options.profile != "default":
        _app_parser().error(
            "--shards needs --cores N, the cores of one node, the level participant, and no"
            " --profile: each shard is one Slurm job"
        )
    return options.shards, options.cores, shlex.split(options.sbatch)


def submit_shards(command: Sequence[str], count: int, cores: str, options: list[str]) -> str | None:
    """Submit the shards of a run and the joined report; return what went wrong, if anything."""
    sys.path.insert(0, str(ROOT / "scripts"))
    from ecdysis.errors import InputError
    from ecdysis.shard_jobs import shard_commands, submit

    run, join = shard_commands(command, count)
    try:
        array, joining = submit(count, int(cores), run, join, options)
    except InputError as error:
        return f"Nothing was run. {error}"
    place = next(word for word in command if word.startswith("output_dir="))
    print(f"Slurm job {array} runs {count} shards, job {joining} joins their reports.")
    print(f"Report, when they have ended: {place.removeprefix('output_dir=')}/index.html")
    print("The same command again continues what failed or was stopped.")
    return None


def check(command: Sequence[str]) -> None:
    """Exit with a sentence for a mistake that ends Snakemake before it reads the workflow."""
    check_cache()
    check_config(command)


def check_cache() -> None:
    """Exit when the folder is not writable in which Snakemake keeps copies of its rules."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    there = next(folder for folder in (base, *base.parents) if folder.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        sys.exit(
            f"Nothing was run. {base}: the cache folder cannot be written to. Set XDG_CACHE_HOME to"
            " a folder that you may write to, as in: export XDG_CACHE_HOME=/tmp/cache-$USER"
        )


def check_config(command: Sequence[str]) -> None:
    """Exit when a setting has no value, or a file of settings is missing or not YAML."""
    words = list(_values(command, "--config", "-C"))
    for place, word in enumerate(words):
        if "=" not in word:
            value = next((other for other in words[place + 1 :] if "=" not in other), "VALUE")
            sys.exit(
                f"Nothing was run. --config {word}: it has no value. Write it with = and without"
                f" spaces: --config {word}={value}. Targets come before --config"
            )
    sys.path.insert(0, str(ROOT / "scripts"))
    from ecdysis.errors import InputError
    from ecdysis.yaml_files import read_yaml

    for file in _values(command, "--configfile", "--configfiles"):
        try:
            content = read_yaml(Path(file), f"--configfile {file}")
            if not isinstance(content, dict | None):
                problem = "it has no settings"
                raise InputError(f"--configfile {file}", problem, "Write lines such as key: value")
        except InputError as error:
            sys.exit(f"Nothing was run. {error}")


def _values(command: Sequence[str], *options: str) -> Iterator[str]:
    """Yield the values of options that take several."""
    inside = False
    for word in command:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            inside = name in options
            if inside and equals:
                yield value
        elif inside:
            yield word


def _settings(options: argparse.Namespace) -> list[str]:
    """Return ``--configfile`` and ``--config`` with what the user gave; values are JSON."""
    given = vars(options)
    values: dict[str, object] = {
        name: str(Path(given[name]).absolute()) for name in PATHS if given.get(name)
    }
    values |= {name: given[name] for name in LABELS if given.get(name)}
    if given.get("deface"):
        values["deface"] = True
    if given.get("bids_filter_file"):
        values["filters"] = bids_filters(Path(given["bids_filter_file"]))
    texts = {
        key: item if isinstance(item, str) else json.dumps(item) for key, item in values.items()
    }
    config = [f"{name}={text}" for name, text in texts.items()]
    files = ["--configfile", *options.configfile] if options.configfile else []
    return [*files, *(["--config", *config] if config else [])]


def bids_filters(file: Path) -> dict[str, object]:
    """Read a BIDS filter file as fMRIPrep defines it, and return the config key ``filters``.

    The JSON file, such as ``{"t1w": {"acquisition": "mprage"}}``, has the entities that pybids
    knows; ``suffix`` names the kind of image, else the entry's own name does. The filters are by
    suffix, ``{"T1w": {"acquisition": "mprage"}}``; other data types, which are not processed, are
    left out.
    """
    names = {"t1w": "T1w", "t2w": "T2w", "flair": "FLAIR", "pdw": "PDw"}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        _app_parser().error(f"argument --bids-filter-file: {file} is not a JSON file: {error}")
    about_path = {"datatype", "extension", "suffix"}
    filters: dict[str, object] = {}
    for name, entities in content.items():
        suffix = entities.get("suffix", names.get(name.lower()))
        if suffix in names.values():
            filters[suffix] = {key: entities[key] for key in entities if key not in about_path}
    return filters


def _profile(options: argparse.Namespace) -> list[str]:
    """Return the arguments that choose how Snakemake runs; a name means one of ``profiles/``."""
    bundled = ROOT / "profiles" / options.profile
    profile = str(bundled if bundled.is_dir() else options.profile)
    if not options.stop_on_first_crash:
        return ["--workflow-profile", profile]
    return ["--workflow-profile", "none", *_without_keep_going(Path(profile) / "config.yaml")]


def _without_keep_going(file: Path) -> list[str]:
    """Return the options of a profile as arguments, without ``--keep-going``.

    Snakemake has no argument that takes it back.
    """
    import yaml

    options = yaml.safe_load(file.read_text(encoding="utf-8"))
    arguments: list[str] = []
    for name, value in options.items():
        if name == "keep-going" or value is False:
            continue
        arguments.append(f"--{name}")
        if isinstance(value, dict):
            arguments += [f"{key}={item}" for key, item in value.items()]
        elif value is not True:
            arguments.append(str(value))
    return arguments


def _common(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command has."""
    run = parser.add_argument_group("how to run")
    run.add_argument("--cores", default="all", metavar="N", help="processors; default: all")
    run.add_argument(
        "--profile",
        default="default",
        metavar="NAME",
        help="default, slurm, or the folder of a Snakemake profile",
    )
    run.add_argument("--dry-run", "-n", action="store_true", help="show what would be run")
    run.add_argument("--verbose", action="store_true", help="show Snakemake's own output")
    run.add_argument("--stop-on-first-crash", action="store_true", help="stop when a job fails")
    run.add_argument(
        "--configfile",
        nargs="+",
        default=[],
        metavar="FILE",
        help="YAML with settings of the workflow",
    )
    parser.epilog = "Arguments after -- go to Snakemake."


def _app_parser() -> argparse.ArgumentParser:
    """Describe the command line of a BIDS App."""
    parser = argparse.ArgumentParser(
        prog="ecdysis",
        description="De-identify, convert, skull-strip and check a neuroimaging study.",
        usage="ecdysis BIDS_DIR OUTPUT_DIR {participant,group} [options] [-- SNAKEMAKE_OPTIONS]\n"
        f"       ecdysis {{{','.join(TARGETS)}}} [options] [-- SNAKEMAKE_OPTIONS]",
    )
    parser.add_argument("bids_dir", metavar="BIDS_DIR", help=PATHS["bids_dir"])
    parser.add_argument("output_dir", metavar="OUTPUT_DIR", help=PATHS["output_dir"])
    parser.add_argument(
        "level",
        choices=["participant", "group"],
        help="participant: process the images; group: write the report of a finished run again",
    )
    for name, text in LABELS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", nargs="+", metavar="LABEL", help=text)
    parser.add_argument(
        "--bids-filter-file", metavar="FILE", help="JSON that selects images by BIDS entities"
    )
    parser.add_argument("--dicom-dir", metavar="DIR", help=PATHS["dicom_dir"])
    parser.add_argument(
        "--shards",
        type=int,
        metavar="N",
        help="submit the study to Slurm in N parts of one job each, and a job that joins them",
    )
    parser.add_argument(
        "--sbatch", default="", metavar="OPTIONS", help="options of sbatch for --shards"
    )
    parser.add_argument("--deface", action="store_true", help="remove faces from the results")
    _common(parser)
    return parser


def help_of(target: str) -> str:
    """Return the help of ``ecdysis``, or of a target."""
    return (_target_parser(target) if target else _app_parser()).format_help()


def _target_parser(target: str) -> argparse.ArgumentParser:
    """Describe the command line of a target of the workflow."""
    parser = argparse.ArgumentParser(prog=f"ecdysis {target}", description=TARGETS[target])
    for name, text in PATHS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="DIR", help=text)
    _common(parser)
    return parser


if __name__ == "__main__":
    main()
