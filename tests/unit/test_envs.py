"""The files of envs/ say the same: what a container or conda installs is what pip installs."""

import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ENVS = Path(__file__).parents[2] / "envs"
CONDA = sorted(ENVS.glob("*.yaml"))


def locked(name):
    """The version of each package in a locked file."""
    return dict(re.findall(r"^([\w.-]+)==([^ ]+) ", (ENVS / name).read_text(), re.MULTILINE))


def pip_of(environment):
    (section,) = (part["pip"] for part in environment["dependencies"] if isinstance(part, dict))
    return [Requirement(line) for line in section]


@pytest.mark.parametrize("path", CONDA, ids=lambda path: path.name)
def test_a_conda_environment_has_the_versions_of_pip(path):
    environment = yaml.safe_load(path.read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert "python=3.11" in environment["dependencies"]
    conda = [part for part in environment["dependencies"] if isinstance(part, str)]
    assert all(part == "pip" or "=" in part for part in conda), "an unpinned package"
    versions = locked("requirements.txt")
    for wanted in pip_of(environment):
        assert wanted.specifier, f"{wanted.name} is not pinned"
        assert wanted.specifier.contains(versions[wanted.name]), wanted


def test_every_environment_of_the_rules_is_there():
    rules = "".join(path.read_text() for path in (ENVS.parent / "rules").glob("*.smk"))
    assert {f"../envs/{path.name}" for path in CONDA} == set(re.findall(r'"(\.\./envs/.+)"', rules))


def test_the_image_is_made_of_the_locked_file():
    recipe = (ENVS / "apptainer.def").read_text()
    header = dict(re.findall(r"^(Bootstrap|From): (.+)$", recipe, re.MULTILINE))
    assert header["Bootstrap"] == "docker"
    assert header["From"].startswith("python:3.11-")
    sections = re.split(r"^%(\w+)\n", recipe, flags=re.MULTILINE)
    named = dict(zip(sections[1::2], sections[2::2], strict=True))
    source, target = named["files"].split()
    assert (ENVS.parent / source).is_file()
    assert f"--no-deps --require-hashes -r {target}" in named["post"]


def test_the_slurm_plugin_finds_its_dependencies_in_the_locked_file():
    """It is installed without them; see envs/slurm.in."""
    from importlib.metadata import PackageNotFoundError, requires

    versions = locked("requirements.txt") | locked("slurm.txt")
    for name in locked("slurm.txt"):
        try:
            needed = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:
            pytest.skip(f"{name} is not installed")
        unmet = {one.name for one in needed if not one.specifier.contains(versions[one.name])}
        assert unmet <= {"numpy"}
