"""Every block of docs/tutorial-steps.md runs, in order and in one folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/tutorial-steps.md"
BLOCKS = re.findall(r"^```(python|console)\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
SNAKEMAKE = f"{sys.executable} -m snakemake --snakefile {ROOT / 'Snakefile'} "


def test_the_page_has_all_steps_in_both_forms():
    text = "\n".join(block for _, block in BLOCKS)
    calls = ("dcmread", "save_as", "as_closest_canonical", "slicer", "plot_stat_map", "view_img")
    more = ("plot_glass_brain", "plot_anat", "BrainExtraction", "Workflow")
    for name in (*calls, *more, "headers", "deidentify", "statmaps"):
        assert name in text


def test_the_blocks_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "tutorial"}
    for number, (language, block) in enumerate(BLOCKS):
        if language == "python":
            # nipype reads the source of functions from their file.
            file = tmp_path / f"block{number}.py"
            file.write_text(block)
            exec(compile(block, str(file), "exec"), names)
        else:
            console(block)


def console(block):
    """Run the commands of a block; their lines begin with a dollar sign, or belong to an END."""
    script = re.sub(r"^\$ ", "", block, flags=re.MULTILINE).replace("snakemake ", SNAKEMAKE)
    folder = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, "NO_COLOR": "1", "PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{script}\n{done.stdout}")
