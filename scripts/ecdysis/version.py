"""Versions: of the workflow, of the standard that its datasets follow, and of Python packages."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

BIDS_VERSION = "1.11.1"
"""Brain Imaging Data Structure Specification, https://bids-specification.readthedocs.io."""


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the version of each Python package that is installed here, by its name."""
    versions = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


PUBLIC_ADDRESS = re.compile(r"https://[\w.-]+(/[\w.~-]+)+")
"""A web address without user name, password and query."""


def generated_by(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return this workflow's entry in ``GeneratedBy`` of a dataset's description.

    It has ``Name``, ``Version``, the public address that the workflow was cloned from
    (``CodeURL``), and ``Container`` inside a container: Apptainer and Singularity set a variable of
    the `environment` to the file name of the image.
    """
    entry: dict[str, Any] = {"Name": "Ecdysis", "Version": __version__}
    if address := _code_url():
        entry["CodeURL"] = address
    for program in ("apptainer", "singularity"):
        if image := environment.get(f"{program.upper()}_NAME"):
            entry.setdefault("Container", {"Type": program, "Tag": Path(image).name})
    return entry


def _code_url() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "remote", "get-url", "origin"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    address = done.stdout.strip()
    return address if PUBLIC_ADDRESS.fullmatch(address) else None
