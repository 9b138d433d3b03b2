"""Versions: of the workflow, of the standard that its datasets follow, and of Python packages."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

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
