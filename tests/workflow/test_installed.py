"""The workflow as a wheel: everything that a run needs is in it, and its command works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("Snakefile", "config", "profiles", "report", "rules", "scripts")
OF_THE_PACKAGE = ("envs", "plugin", "pyproject.toml", "README.md", "LICENSE")


def run(*command: object, **options: object) -> str:
    """Return what a command prints; fail with it when the command fails."""
    done = subprocess.run(
        [str(word) for word in command], text=True, capture_output=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder in which a wheel of this checkout is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    run("cp", "-r", *FOLDERS, *OF_THE_PACKAGE, source, cwd=ROOT)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source)
    [wheel] = folder.glob("*.whl")
    run(*pip, "install", "--quiet", "--no-deps", "--target", folder / "site", wheel)
    return folder / "site"


def test_the_wheel_holds_every_file_of_a_run(installed: Path) -> None:
    for name in FOLDERS:
        expected = {
            path.relative_to(ROOT)
            for path in [ROOT / name, *(ROOT / name).rglob("*")]
            if path.is_file() and "__pycache__" not in path.parts and path.name[0] != "."
        }
        missing = {
            path for path in expected if not (installed / "ecdysis_workflow" / path).is_file()
        }
        assert not missing


def test_the_installed_command_plans_the_demo(installed: Path, tmp_path: Path) -> None:
    paths = {"PYTHONPATH": str(installed)}
    program = installed / "bin" / "ecdysis"
    output = run(program, "demo", "--dry-run", cwd=tmp_path, env={**os.environ, **paths})
    assert "demo_scans" in output
    assert [path.name for path in tmp_path.iterdir() if path.name != ".snakemake"] == []
