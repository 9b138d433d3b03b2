"""Why a file is set aside: it cannot be read, or its pixels or text cannot be vouched for."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from ecdysis.dicom.tables import SopClass

NOT_DICOM = "not DICOM"
TRUNCATED = "truncated"
MALFORMED = "malformed"
UNIDENTIFIED = "no SOP class or instance UID"
DUPLICATE = "duplicate SOP instance UID"
UNREADABLE = "unreadable"
UNKNOWN_SYNTAX = "unknown transfer syntax"
BURNED_IN = "burned-in annotation"
OVERLAY_BITS = "overlay in the pixel data"
NOT_BLANKED = "pixels that blank_pixels cannot change"
BY_EDIT = "set aside by an edit"


class RefusedError(Exception):
    """A file that must not pass; `reason` is one of a fixed set and identifies nobody.

    Parameters
    ----------
    reason : str
        The kind of fault, the same for all files that have it.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def verdict(sop_class: str, classes: Mapping[str, SopClass]) -> str | None:
    """Return why objects of `sop_class` are set aside, or None when they may pass."""
    if found := classes.get(sop_class):
        return None if found.verdict == "pass" else found.verdict
    for pattern, entry in classes.items():
        if "*" in pattern and fnmatchcase(sop_class, pattern):
            return entry.verdict
    return None
