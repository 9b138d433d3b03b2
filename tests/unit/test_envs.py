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


def test_the_recipe_of_apptainer_has_the_steps_of_the_containerfile(monkeypatch):
    monkeypatch.syspath_prepend(str(ENVS))
    from containers import apptainer, steps

    containerfile = (ENVS / "Containerfile").read_text()
    assert apptainer(containerfile) == (ENVS / "apptainer.def").read_text(), (
        "run envs/containers.py"
    )
    done = list(steps(containerfile))
    assert done[0] == ("FROM", "debian:bookworm-slim")
    copied = {value.split()[0] for name, value in done if name == "COPY"}
    assert all((ENVS.parent / source).exists() for source in copied)
    commands = [value for name, value in done if name == "RUN"]
    assert any("--no-deps --require-hashes -r" in command for command in commands)
    assert [name for name, _ in done][-3:] == ["USER", "WORKDIR", "ENTRYPOINT"]


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
