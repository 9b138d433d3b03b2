"""What the workflow tests share: running snakemake, and watching that inputs stay as they are."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def snakemake():
    """Run the workflow as a user does; returns the finished process with its console text."""

    def run(cwd, *arguments):
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        return subprocess.run(
            [*command, "--cores", "2", *map(str, arguments)],
            cwd=cwd,
            env=os.environ | {"NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def hashes():
    """Hash every file of a tree, its results left out."""

    def tree(root):
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(Path(root).rglob("*"))
            if path.is_file() and "derivatives" not in path.relative_to(root).parts
        }

    return tree


def executed(run):
    """The rules that a run says it executed, in order."""
    lines = (line.strip() for line in run.stdout.splitlines())
    return [
        line.rpartition("rule ")[2].rstrip(":")
        for line in lines
        if line.startswith(("rule ", "localrule ")) and line.endswith(":")
    ]
