"""A mistake at the start of a run gets a sentence with cause and remedy, and leaves nothing."""

import ast
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

from tests.workflow.conftest import ROOT

SNAKEMAKE = ("-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"))
ECDYSIS = (str(ROOT / "scripts/command_line.py"),)
LINES = 3
EVERY_START = "Using workflow specific profile"
"""A line that Snakemake prints at every start."""
INSTALLED = {"PYTHONPATH": str(ROOT / "plugin")}
"""Variables with which Snakemake finds the plugin that `pip install .` installs."""
NO_HOME = {"HOME": "/dev/null/nobody", "XDG_CACHE_HOME": ""}
STUDY = ("--config", "bids_dir=study")
EMPTY_FOLDER = ("-m", "snakemake")


@dataclass(frozen=True)
class Mistake:
    """A command line, the words that its answer has, and the variables that it is run with."""

    name: str
    program: tuple[str, ...]
    arguments: tuple[str, ...]
    says: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)


MISTAKES = [
    Mistake("no dataset", SNAKEMAKE, ("--cores", "1"), ("bids_dir", "--config bids_dir=STUDY")),
    Mistake(
        "no number of cores", SNAKEMAKE, STUDY, ("cores have to be specified", "use --cores N")
    ),
    Mistake(
        "a derivative dataset",
        SNAKEMAKE,
        ("--cores", "1", "--config", "bids_dir=derived"),
        ("derivative dataset", "Give the raw dataset"),
    ),
    Mistake(
        "no folder of the statistical maps",
        SNAKEMAKE,
        ("--cores", "1", *STUDY, "statmaps={folders: [nowhere]}"),
        ("statmaps.folders", "nowhere does not exist", "Correct the path"),
    ),
    Mistake(
        "no DICOM file",
        SNAKEMAKE,
        ("--cores", "1", "--config", "dicom_dir=texts", "bids_dir=new"),
        ("dicom_dir", "no DICOM file", "Give the folder"),
    ),
    Mistake(
        "nothing to plan",
        SNAKEMAKE,
        ("--cores", "1", "plan", "--config", "dicom_dir=texts"),
        ("dicom_dir", "no DICOM file", "Give the folder"),
    ),
    Mistake(
        "a folder to plan that does not exist",
        SNAKEMAKE,
        ("--cores", "1", "plan", "--config", "dicom_dir=nowhere"),
        ("dicom_dir", "no directory", "Give the folder"),
    ),
    Mistake("plan without settings", ECDYSIS, ("plan",), ("dicom_dir is not given", "Add")),
    Mistake("headers without settings", ECDYSIS, ("headers",), ("dicom_dir is not given", "Add")),
    Mistake(
        "deidentify without settings",
        ECDYSIS,
        ("deidentify", "--dicom-dir", "texts"),
        ("deid_dir is not given", "Add deid_dir=CLEAN"),
    ),
    Mistake(
        "the folder of the workflow is not named",
        EMPTY_FOLDER,
        ("--cores", "1"),
        ("No Snakefile found",),
    ),
    Mistake(
        "no file of settings",
        ECDYSIS,
        ("study", "out", "participant", "--configfile", "missing.yaml"),
        ("missing.yaml", "No such file"),
    ),
    Mistake(
        "a file of settings that is not YAML",
        ECDYSIS,
        ("study", "out", "participant", "--configfile", "bad.yaml"),
        ("bad.yaml", "line 3", "Correct the file"),
    ),
    Mistake(
        "a file of settings without settings",
        ECDYSIS,
        ("study", "out", "participant", "--configfile", "texts/a.txt"),
        ("a.txt", "no settings", "key: value"),
    ),
    Mistake(
        "a setting without a value",
        ECDYSIS,
        ("demo", "--", "--config", "bids_dir", "../study"),
        ("--config bids_dir", "no value", "--config bids_dir=../study"),
    ),
    Mistake(
        "a dataset that does not exist",
        ECDYSIS,
        ("nowhere", "out", "participant"),
        ("nowhere", "no directory", "Give the BIDS dataset"),
    ),
    Mistake(
        "a home that is not writable",
        ECDYSIS,
        ("study", "out", "participant"),
        ("cache", "Set XDG_CACHE_HOME"),
        NO_HOME,
    ),
    Mistake(
        "snakemake: no file of settings",
        SNAKEMAKE,
        ("--cores", "1", *STUDY, "--configfile", "missing.yaml"),
        ("missing.yaml", "No such file"),
        INSTALLED,
    ),
    Mistake(
        "snakemake: a file of settings that is not YAML",
        SNAKEMAKE,
        ("--cores", "1", "--configfile", "bad.yaml"),
        ("bad.yaml", "line 3", "Correct the file"),
        INSTALLED,
    ),
    Mistake(
        "snakemake: a setting without a value",
        SNAKEMAKE,
        ("--cores", "1", "--config", "bids_dir", "../study"),
        ("--config bids_dir", "no value", "--config bids_dir=../study"),
        INSTALLED,
    ),
    Mistake(
        "snakemake: a target after --config",
        SNAKEMAKE,
        ("--cores", "1", *STUDY, "report"),
        ("--config report", "Targets come before --config"),
        INSTALLED,
    ),
    Mistake(
        "snakemake: a home that is not writable",
        SNAKEMAKE,
        ("--cores", "1", *STUDY),
        ("cache", "Set XDG_CACHE_HOME"),
        INSTALLED | NO_HOME,
    ),
    Mistake(
        "an output directory that is not writable",
        SNAKEMAKE,
        ("--cores", "1", *STUDY, "output_dir=/dev/null/out"),
        ("output_dir", "cannot be written to", "Set output_dir to a directory"),
    ),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a dataset, a derivative, a folder without DICOM, and bad settings."""
    root = tmp_path_factory.mktemp("mistakes")
    write_bids(root / "study", 1, settings=HeadSettings(spacing_mm=(8.0, 8.0, 8.0)))
    (root / "derived/sub-01").mkdir(parents=True)
    description = '{"Name": "a", "BIDSVersion": "1.10.1", "DatasetType": "derivative"}'
    (root / "derived/dataset_description.json").write_text(description)
    (root / "texts").mkdir()
    (root / "texts/a.txt").write_text("nothing but words")
    (root / "bad.yaml").write_text("crop:\n  margin: [5\nfov: 1\n")
    return root


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_gets_a_sentence(place, mistake):
    before = sorted(place.rglob("*"))
    done = run(place, sys.executable, *mistake.program, *mistake.arguments, **mistake.variables)
    check(done, mistake.says)
    assert sorted(place.rglob("*")) == before


def test_a_full_disk_gets_a_sentence(place):
    """A file system with room for its root folder alone."""
    disk = place.parent / "full disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "nr_inodes=1", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        words = ("--cores", "1", *STUDY, f"output_dir={disk / 'out'}")
        done = run(place, sys.executable, *SNAKEMAKE, *words)
        left = list(disk.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    check(done, ("output_dir", "No space left on device", "a disk with free space"))
    assert left == []


def test_an_older_python_gets_a_sentence(place):
    """It parses the file up to the check; that it is older is made up here."""
    program = Path(*ECDYSIS)
    ast.parse(program.read_text(), feature_version=(3, 8))
    older = f"import runpy, sys; sys.version_info = (3, 9); runpy.run_path({str(program)!r})"
    check(run(place, sys.executable, "-c", older), ("Python 3.11", "python3.12 -m venv"))


def run(cwd, *command, **variables):
    """Return the ended process, with its whole output in `stdout`."""
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


def check(done, says):
    """Compare the answer to a mistake with what it shall be."""
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    lines = [line for line in done.stdout.splitlines() if not line.startswith(EVERY_START)]
    assert len(lines) <= LINES, done.stdout
    for words in says:
        assert words in done.stdout
