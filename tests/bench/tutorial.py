"""Write docs/tutorial-dicom.md: run every command of its template and put in what it prints.

    python tests/bench/tutorial.py

The commands run in a temporary folder, which takes about two minutes on two cores.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TEMPLATE = Path(__file__).with_name("tutorial.template.md")
sys.path.insert(0, str(ROOT / "scripts"))

from ecdysis.conversion.sidecar import DROPPED, LOST  # noqa: E402
from ecdysis.places import figures_folder  # noqa: E402

WORTH = re.compile(
    r"Images:|Report:|Nothing to be done|Nothing was|  (failed|interrupted|excluded): "
)
"""Lines of a run that are shown."""


def main() -> None:
    """Run the commands and write the page with its picture."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pattern = re.compile(r"<!-- run: (.*?) -->", re.DOTALL)
        page = pattern.sub(lambda found: _block(found[1], Path(folder)), TEMPLATE.read_text())
        figures = Path(folder, "demo/study/derivatives/ecdysis", figures_folder("sub-01_T1w"))
        shutil.copyfile(figures / "sub-01_desc-input_T1w.jpg", DOCS / "tutorial-t1w.jpg")
    page = page.replace("<!-- lost -->", _table(LOST)).replace("<!-- dropped -->", _table(DROPPED))
    (DOCS / "tutorial-dicom.md").write_text(page, encoding="utf-8")


def _block(command: str, folder: Path) -> str:
    """Run one command; return it and what is worth reading of its output, as a code block."""
    run = command.replace("snakemake ", f"{sys.executable} -m snakemake -s {ROOT}/Snakefile ", 1)
    bin_folder = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", run],
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1", "PATH": f"{bin_folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = done.stdout.replace(f"{folder}/", "").splitlines()
    if "snakemake" in command:
        lines = _of_snakemake(lines)
    shown = "\n".join(line.rstrip() for line in lines).strip("\n")
    return f"```console\n$ {command}\n{shown}".rstrip() + "\n```"


def _of_snakemake(lines: list[str]) -> list[str]:
    first = next((at for at, line in enumerate(lines) if line.startswith("session  ")), None)
    if first is None:
        return [line for line in lines if WORTH.match(line)]
    last = next(at for at, line in enumerate(lines) if "has all facts" in line)
    return lines[first : last + 1]


def _table(reasons: dict[str, str]) -> str:
    rows = [f"| `{field.replace('|', chr(92) + '|')}` | {why} |" for field, why in reasons.items()]
    return "\n".join(["| field | why |", "|---|---|", *rows])


if __name__ == "__main__":
    main()
