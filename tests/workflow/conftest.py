"""What the workflow tests share: running snakemake, and watching that inputs stay as they are."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACE = "a folder or a link"


@pytest.fixture(scope="session")
def snakemake():
    """Run the workflow as a user does; returns the finished process with console text and log.

    Every run is watched: what it reads must be there afterwards as it was, and nothing else.
    """

    def run(cwd, *arguments):
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        read = inputs_of(Path(cwd), arguments)
        before = tree(read)
        done = subprocess.run(
            [*command, "--cores", "2", *map(str, arguments)],
            cwd=cwd,
            env=os.environ | {"NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        assert tree(read) == before, f"the input {read} was written to"
        done.log = log_of(done.stdout)
        return done

    return run


def inputs_of(cwd, arguments):
    """What a run with these arguments may only read, or None."""
    given = dict(str(word).split("=", 1) for word in arguments if "=" in str(word))
    if place := given.get("dicom_dir") or given.get("bids_dir"):
        return cwd / place
    return cwd if (cwd / "dataset_description.json").is_file() else None


def tree(root):
    """Hash every file of a tree, its results left out; links and folders count too."""
    if root is None or not root.is_dir():
        return {}
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if "derivatives" in name.parts:
            continue
        whole = path.is_file() and not path.is_symlink()
        found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest() if whole else PLACE
    return found


@pytest.fixture(scope="session")
def hashes():
    """Hash every file of a tree, its results left out."""

    def files(root):
        return {name: digest for name, digest in tree(Path(root)).items() if digest != PLACE}

    return files


def log_of(console):
    """The log of a run, which the console names."""
    named = re.search("^Log: (.*)$", console, re.MULTILINE)
    return Path(named[1]).read_text() if named else ""


def jobs_of(run):
    """The number of jobs of each rule, from the table in the log, or that a dry run prints."""
    assert run.returncode == 0, run.stdout
    table = (getattr(run, "log", "") or run.stdout).partition("Job stats:")[2].partition("\n\n")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def executed(run):
    """The rules that a run executed or tried to by its log, in the order in which they ended."""
    ended = r"^(?:Finished jobid: \d+ \(Rule: (\w+)\)|Error in rule (\w+):)$"
    found = (done or failed for done, failed in re.findall(ended, run.log, re.MULTILINE))
    return [rule for rule in found if rule != "all"]
