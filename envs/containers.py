"""Write apptainer.def, the recipe of Apptainer, from the Containerfile.

python envs/containers.py
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

ENVS = Path(__file__).parent
HEAD = """\
# Written by envs/containers.py from Containerfile.
# Built in the folder of the workflow: apptainer build ecdysis.sif envs/apptainer.def
"""
FOOT = """\

%test
    /opt/venv/bin/python -c "import ants, dcm2niix, nibabel, nilearn, nipype, pydicom"

%labels
    org.opencontainers.image.title Ecdysis
    org.opencontainers.image.licenses Apache-2.0
"""
STEP = re.compile(r"^([A-Z]+) (.+)$", re.MULTILINE)
BY_RUN = ("USER", "WORKDIR")
"""Apptainer runs as the user who calls it, in the folder where it is called."""


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Containerfile and their arguments, each of one line."""
    yield from STEP.findall(text)


def apptainer(text: str) -> str:
    """Return the recipe with the steps of a Containerfile."""
    sections: dict[str, list[str]] = {"files": [], "post": [], "environment": [], "runscript": []}
    base = ""
    for name, value in steps(text):
        if name == "FROM":
            base = value
        elif name == "COPY":
            sections["files"].append(value)
        elif name == "RUN":
            sections["post"].append(value)
        elif name == "ENV":
            sections["environment"].append(f"export {value}")
        elif name == "ENTRYPOINT":
            sections["runscript"].append(f'exec {" ".join(json.loads(value))} "$@"')
        elif name not in BY_RUN:
            raise ValueError(f"Containerfile: {name} has no counterpart here")
    parts = [
        f"%{name}\n" + "".join(f"    {line}\n" for line in sections[name]) for name in sections
    ]
    return f"Bootstrap: docker\nFrom: {base}\n\n{HEAD}\n" + "\n".join(parts) + FOOT


if __name__ == "__main__":
    recipe = apptainer((ENVS / "Containerfile").read_text(encoding="utf-8"))
    (ENVS / "apptainer.def").write_text(recipe, encoding="utf-8")
