"""Write docs/licences.md: every Python package of requirements.txt with its licence.

    python envs/licences.py

Reads the metadata of the packages installed beside the Python that runs it.
"""

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)
STATED_ELSEWHERE = {
    "dcm2niix": "BSD-3-Clause and compatible ones of the code it contains",
    "nimare": "MIT; the head template inside comes from FSL, for non-commercial use",
}
HEAD = """# Licences of what Ecdysis uses

Ecdysis itself is Apache-2.0. It installs these packages and contains none of them. Made by
`python envs/licences.py` from the packages' own metadata.

| package | version | licence |
|---|---|---|
"""


def licence(package: Distribution) -> str:
    """Return what the metadata says, or else the first line of the licence file."""
    facts = package.metadata
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in facts.get_all("Classifier") or []
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    files = [file for file in package.files or [] if "licen" in file.name.lower()]
    texts = [facts.get("License") or "", *(file.read_text() for file in files)]
    first_lines = [text.strip().split("\n")[0] for text in texts if text.strip()]
    return facts.get("License-Expression") or ", ".join(classifiers) or first_lines[0]


def table(requirements: str) -> str:
    """Return the rows for a requirements file."""
    rows = []
    for name, version in PINNED.findall(requirements):
        text = STATED_ELSEWHERE.get(name) or licence(distribution(name))
        rows.append(f"| {name} | {version} | {text} |\n")
    return "".join(rows)


if __name__ == "__main__":
    requirements = (ROOT / "envs" / "requirements.txt").read_text(encoding="utf-8")
    (ROOT / "docs" / "licences.md").write_text(HEAD + table(requirements), encoding="utf-8")
